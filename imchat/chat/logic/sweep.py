"""Looking for oneself: the heads of all hosted streams, so that a lost notice costs a delay and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.hosting import Hosting
from imchat.chat.logic.missing import Missing
from imchat.chat.logic.waiting import Again, Periodic
from imchat.domain.errors import Unavailable
from imchat.ports import Bus, Spawn

HEADS_AT_ONCE = 999
"""Streams of one query: beyond a thousand, databases plan it in another way."""

TICK = 3.0
"""Seconds between two sweeps while notices may be missed."""


class Sweep:
    """Compares the heads in the store with what was pushed, and looks after sessions as often.

    Every ``interval`` seconds, at once when the bus suspects that a notice was missed, and every few seconds as long as
    it does.

    Args:
        bus: Suspects.
        hosting: What to look at.
        missing: Looks, and fetches.
        revalidate: Compares the live sessions with the store; raises nothing that is to be expected.
        clock: The time.
        interval: Seconds between two sweeps when all is well.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self,
        bus: Bus,
        hosting: Hosting,
        missing: Missing,
        revalidate: Callable[[], Awaitable[None]],
        clock: IReactorTime,
        interval: float,
        spawn: Spawn,
    ) -> None:
        self._bus = bus
        self._hosting = hosting
        self._missing = missing
        self._clock = clock
        self._interval = interval
        self._spawn = spawn
        self._heads = Again(self._compare)
        self._sessions = Again(revalidate)
        self._ticks = Periodic(clock, TICK, "sweeping", self._tick, spawn)
        self._began = 0.0
        self._failed = False
        self._running = False

    def start(self) -> None:
        """Begin."""
        self._running = True
        self._began = self._clock.seconds()
        self._bus.watch(self._suspected)
        self._ticks.start(TICK)

    def stop(self) -> None:
        """Look no more; what is being read goes on."""
        self._running = False
        self._ticks.stop()
        self._missing.stop()

    def _suspected(self, reason: str) -> None:
        if self._running:
            self._look()

    async def _tick(self) -> None:
        due = self._clock.seconds() - self._began > self._interval - TICK
        if due or self._failed or self._bus.suspect:
            self._look()

    def _look(self) -> None:
        # Sessions beside streams: neither waits for the other.
        self._began = self._clock.seconds()
        self._spawn("sweeping streams", self._heads.run())
        self._spawn("checking sessions", self._sessions.run())

    async def _compare(self) -> None:
        stream_ids = self._hosting.stream_ids()
        self._failed = False
        try:
            for start in range(0, len(stream_ids), HEADS_AT_ONCE):
                await self._missing.check(stream_ids[start : start + HEADS_AT_ONCE])
        except Unavailable:
            # The store tells the log, once.
            self._failed = True
