"""One log line when a database stops serving, one when it serves again, however many requests meet it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

QUIET_SECONDS = 1.0
"""So long must the last failure lie back before a success counts as recovery: on a full disk short writes succeed
between those that fail."""


class Outage:
    """Remembers whether a database serves.

    Args:
        name: Of the database, for the log.
        clock: For the time between failure and recovery.
    """

    _log = Logger()

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self.reason: str | None = None
        self._name = name
        self._clock = clock
        self._since = 0.0
        self._last = 0.0

    def failed(self, reason: str, detail: str) -> None:
        """The database failed; logged when it served before or failed for another reason.

        Args:
            reason: What it does wrong, in words that stay the same throughout one outage.
            detail: What the driver said.
        """
        self._last = self._clock.seconds()
        if self.reason is None:
            self._since = self._last
        if self.reason != reason:
            self.reason = reason
            self._log.error("{name} {reason} ({detail})", name=self._name, reason=reason, detail=detail)

    def worked(self) -> None:
        """The database did its work; logged if it had failed."""
        now = self._clock.seconds()
        if self.reason is None or now - self._last < QUIET_SECONDS:
            return
        self.reason = None
        self._log.info("{name} serves again after {seconds} s", name=self._name, seconds=round(now - self._since, 1))
