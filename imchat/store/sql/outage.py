"""One log line when a database stops serving, one when it serves again, however many requests meet it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.store.sql.dialect import Fault

QUIET_SECONDS = 1.0
"""So long must the last failure lie back before a success counts as recovery: on a full disk short writes succeed
between those that fail."""

QUIET_SECONDS_LOCKED = 30.0
"""The same where rows are kept locked: others succeed all the time."""


class Outage:
    """Remembers whether a database serves; the runners of one database may share it.

    Args:
        name: Of the database, for the log.
        clock: For the time between failure and recovery.

    Attributes:
        name: Of the database.
        reason: What it does wrong; None while it serves.
    """

    _log = Logger()

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self.reason: str | None = None
        self.name = name
        self._clock = clock
        self._since = 0.0
        self._quiet_until = 0.0
        self._told: set[Fault] = set()
        self._writes_fail = False

    def failed(self, fault: Fault, detail: str, writing: bool) -> None:
        """The database failed; logged when it served before, or failed in another manner.

        Args:
            fault: What it does wrong. All ways in which it does not answer are one: they follow upon each other in
                one outage.
            detail: What the driver said.
            writing: Whether the transaction might have written: then only a write shows that writing works again.
        """
        now = self._clock.seconds()
        if self.reason is None:
            self._since = now
        quiet = QUIET_SECONDS_LOCKED if fault is Fault.CONTENDED else QUIET_SECONDS
        self._quiet_until = max(self._quiet_until, now + quiet)
        self._writes_fail = self._writes_fail or (writing and not fault.unreachable)
        self.reason = fault.value
        manner = Fault.LATE if fault.unreachable else fault
        if manner not in self._told:
            self._told.add(manner)
            self._log.error("{name} {reason} ({detail})", name=self.name, reason=fault.value, detail=detail)

    def worked(self, wrote: bool) -> None:
        """The database did its work; logged if it had failed.

        Args:
            wrote: Whether the transaction wrote something.
        """
        if self.reason is None or (self._writes_fail and not wrote):
            return
        now = self._clock.seconds()
        if now < self._quiet_until:
            return
        self.reason = None
        self._told.clear()
        self._writes_fail = False
        self._log.info("{name} serves again after {seconds} s", name=self.name, seconds=round(now - self._since, 1))
