"""The copy of the table of chat nodes, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imchat.domain.models import NodeReport


class MemoryNodeCopy:
    """The :class:`imchat.ports.NodeCopy` of one process.

    Args:
        now_ms: The clock, in ms.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._reports: dict[str, tuple[NodeReport, int]] = {}

    async def write(self, reports: Sequence[NodeReport], lifetime_ms: int) -> None:
        """Keep reports for so long."""
        end = self._now_ms() + lifetime_ms
        self._reports.update((report.node_id, (report, end)) for report in reports)
        self._purge()

    async def read(self) -> list[NodeReport]:
        """The report of each node that has one."""
        self._purge()
        return [report for report, _ in self._reports.values()]

    def _purge(self) -> None:
        now_ms = self._now_ms()
        self._reports = {name: entry for name, entry in self._reports.items() if entry[1] > now_ms}
