"""Retention: once an hour one node empties the content that was kept for as long as the operator wants."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.waiting import Periodic
from imchat.domain.errors import Unavailable
from imchat.domain.sessions import DAY_MS
from imchat.ports import RetentionStore, Spawn

JOB = "retention"

EVERY_MS = 3_600_000

PAUSE = 0.05
"""Seconds between two transactions: people's messages go first."""


class Retention:
    """Empties old messages, a bounded number in each transaction. Their rows stay: sequences and resends stay true.

    Args:
        store: Where they are.
        days: For how many days which kind is kept; kinds that are kept for ever are absent.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self, store: RetentionStore, days: Sequence[tuple[int, int]], clock: IReactorTime, spawn: Spawn
    ) -> None:
        self._store = store
        self._days = days
        self._clock = clock
        self._running = False
        self._periodic = Periodic(clock, EVERY_MS / 1000, "retention", self.run, spawn)

    def start(self) -> None:
        """Begin, where there is anything to do at all."""
        if self._days:
            self._running = True
            self._periodic.start()

    def stop(self) -> None:
        """Begin no further transaction."""
        self._running = False
        self._periodic.stop()

    async def run(self) -> None:
        """Do it once, if it is due and no other node does it."""
        now_ms = int(self._clock.seconds() * 1000)
        try:
            # A little less than the period, so that no drift of a clock makes it every second time.
            if not await self._store.take(JOB, now_ms, now_ms + EVERY_MS * 9 // 10):
                return
            for kind, days in self._days:
                await self._expire(kind, now_ms - days * DAY_MS)
        except Unavailable:
            # The store tells the log, once; the next time goes on where this one ended.
            return

    async def _expire(self, kind: int, before_ms: int) -> None:
        from_id = 1
        while self._running:
            done = await self._store.expire(kind, before_ms, from_id)
            if done is None:
                return
            from_id = done
            pause: Deferred[None] = Deferred()
            self._clock.callLater(PAUSE, pause.callback, None)
            await pause
