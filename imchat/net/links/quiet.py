"""Log lines that outside input can cause: so many, then silence, then one that says how many were left out."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.domain.limits import FRESH, Limit, take

LINES = Limit(count=10, window_ms=60_000)
"""At most ten lines at once, and one more each six seconds."""


class QuietLog:
    """Warnings under a limit.

    Args:
        log: Where they go.
        clock: The reactor, or a test's clock.
    """

    def __init__(self, log: Logger, clock: IReactorTime) -> None:
        self._log = log
        self._clock = clock
        self._state = FRESH
        self._left_out = 0

    def warn(self, format: str, **values: object) -> None:
        """Log a warning, unless there were too many lately.

        Args:
            format: As :class:`twisted.logger.Logger` takes it.
            values: What it names; shortened if long.
        """
        self._state, wait_ms = take(self._state, LINES, int(self._clock.seconds() * 1000))
        if wait_ms:
            self._left_out += 1
            return
        if self._left_out:
            format += " ({left_out} more such lines were left out)"
        self._log.warn(format, left_out=self._left_out, **{name: str(value)[:200] for name, value in values.items()})
        self._left_out = 0
