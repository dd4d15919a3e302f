"""What processes use, from /proc."""

from __future__ import annotations

import os
from pathlib import Path

from imchat.testing import ServerFailed

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system, all of its threads."""
    # The name, in parentheses, may hold anything.
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_kib(pid: int) -> int:
    """Resident memory of a process."""
    return int(_read(pid, "statm").split()[1]) * _PAGE_KIB


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ServerFailed(f"process {pid} ended while it was measured") from error


class Usage:
    """CPU time of some processes since this was made.

    Args:
        pids: By name.
    """

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._before = {name: cpu_seconds(pid) for name, pid in pids.items()}

    def seconds(self) -> dict[str, float]:
        """CPU seconds of each since then."""
        return {name: cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}

    def memory_kib(self) -> dict[str, int]:
        """Resident memory of each now."""
        return {name: resident_kib(pid) for name, pid in self._pids.items()}
