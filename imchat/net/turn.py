"""The end of a reactor turn: one timer, whatever the number of connections that have something to write."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

_log = Logger()


class Turn:
    """Runs functions once this reactor turn has handled all that arrived.

    Args:
        clock: The reactor, or a test's clock.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: list[Callable[[], None]] = []

    def at_end(self, function: Callable[[], None]) -> None:
        """Call a function at the end of this turn, after those that were given before it."""
        self._waiting.append(function)
        if len(self._waiting) == 1:
            self._clock.callLater(0, self._run)

    def _run(self) -> None:
        waiting, self._waiting = self._waiting, []
        for function in waiting:
            try:
                function()
            except Exception:
                # One connection's fault must not keep the others' output back.
                _log.failure("work at the end of a reactor turn failed")
