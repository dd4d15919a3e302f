"""How long callers wait for a connection of a pool: plain numbers, for whoever reports them."""

from __future__ import annotations

from imchat.domain.histogram import Histogram

BOUNDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0)
"""Upper bounds of the histogram's buckets, in seconds."""


class Waits:
    """Counts the transactions of one pool. Changed on the reactor's thread alone.

    Attributes:
        times: Seconds that transactions waited.
    """

    def __init__(self) -> None:
        self.times = Histogram(BOUNDS)
        self._open: dict[Wait, None] = {}

    def begin(self, now: float) -> Wait:
        """A transaction begins to wait at ``now`` (seconds)."""
        wait = Wait(now)
        self._open[wait] = None
        return wait

    def end(self, wait: Wait) -> None:
        """A transaction is over."""
        del self._open[wait]
        if wait.ended is not None:
            self.times.observe(max(0.0, wait.ended - wait.begun))

    @property
    def waiting(self) -> int:
        """How many transactions wait for a connection now."""
        return sum(wait.ended is None for wait in self._open)

    @property
    def open(self) -> int:
        """How many transactions wait for a connection or have one now."""
        return len(self._open)

    def longest(self, now: float) -> float:
        """For how many seconds the one that waits longest has waited; 0 where none waits."""
        return max((now - wait.begun for wait in self._open if wait.ended is None), default=0.0)


class Wait:
    """One transaction's wait for a connection.

    Attributes:
        begun: When it began, in seconds.
        ended: When it got one; set in the database's thread.
    """

    __slots__ = ("begun", "ended")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.ended: float | None = None
