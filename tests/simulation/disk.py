"""What a device has on its disk, and the store through which a client writes it: it takes a moment, and a process that
dies in that moment leaves behind what had been written by then."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

from twisted.internet.defer import Deferred

from imchat.client.state import Change, Snapshot, apply
from tests.simulation.process import SimulatedProcess

SLOWEST = 0.004
"""Seconds that a write takes at most, but for a few."""


class Disk:
    """A device's disk.

    Attributes:
        saved: What is on it.
        outgoing: The client ids of all messages that ever were on it to be sent.
    """

    def __init__(self, saved: Snapshot | None = None) -> None:
        self.saved = saved or Snapshot()
        self.outgoing: dict[bytes, None] = {}

    def copy(self) -> Snapshot:
        """What is on it, for somebody else to have."""
        return Snapshot(self.saved.session, dict(self.saved.positions), list(self.saved.outbox))


class DiskState:
    """The :class:`imchat.client.state.StateStore` of one run of a client.

    Args:
        disk: Where.
        process: Whose.
        random: For how long writes take.
        asked: Told of each change when it is asked for.
        written: Told of each change once it is on the disk.
    """

    def __init__(
        self,
        disk: Disk,
        process: SimulatedProcess,
        random: Random,
        asked: Callable[[Change], None],
        written: Callable[[Change], None],
    ) -> None:
        self._disk = disk
        self._process = process
        self._random = random
        self._asked = asked
        self._written = written
        self._pending: deque[tuple[Change, Deferred[None]]] = deque()
        self._last = 0.0

    async def load(self) -> Snapshot:
        """What was saved."""
        return self._disk.copy()

    def commit(self, change: Change) -> Deferred[None]:
        """Save a change."""
        done: Deferred[None] = Deferred()
        if self._process.dead:
            return done
        self._asked(change)
        self._pending.append((change, done))
        chance = self._random.random()
        takes = SLOWEST * chance if chance < 0.98 else 0.2 * self._random.random()
        now = self._process.timeline.now
        self._last = max(self._last, now + takes)
        self._process.callLater(self._last - now, self._write)
        return done

    def _write(self) -> None:
        change, done = self._pending.popleft()
        self._apply(change)
        done.callback(None)

    def _apply(self, change: Change) -> None:
        apply(self._disk.saved, change)
        self._disk.outgoing.update((entry.client_id, None) for entry in change.added)
        self._written(change)

    def crashed(self) -> None:
        """The process died: some of what it was writing may be on the disk all the same, the oldest first."""
        for _ in range(self._random.randint(0, len(self._pending))):
            self._apply(self._pending.popleft()[0])

    @property
    def unsaved(self) -> int:
        """How many changes are not written."""
        return len(self._pending)

    async def close(self) -> None:
        """Return when all is written."""
        if self._pending:
            done: Deferred[None] = Deferred()
            self._pending[-1][1].addCallback(lambda _: done.callback(None))
            await done
