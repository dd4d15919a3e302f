"""The sweep over live sessions: whatever was ended and not heard of is closed, and the database knows who is here."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.sessions import Sessions
from imchat.domain.errors import Unavailable
from imchat.ports import SessionStore

AT_ONCE = 500


class Revalidation:
    """Compares the live sessions with the store.

    Args:
        store: Where sessions are.
        registry: Who is here.
        sessions: Ends those that are over.
        clock: The time.
        touch_interval: Seconds between two notes that one session is in use.
    """

    def __init__(
        self,
        store: SessionStore,
        registry: Registry,
        sessions: Sessions,
        clock: IReactorTime,
        touch_interval: float,
    ) -> None:
        self._store = store
        self._registry = registry
        self._sessions = sessions
        self._clock = clock
        self._touch_ms = int(touch_interval * 1000)

    async def run(self) -> None:
        """Check every live session once."""
        lives = self._registry.all()
        try:
            for start in range(0, len(lives), AT_ONCE):
                await self._check(lives[start : start + AT_ONCE])
        except Unavailable:
            # The store tells the log, once; the next sweep asks again.
            return

    async def _check(self, lives: Sequence[Live]) -> None:
        # Those that left while others were checked are none of ours any more.
        lives = [live for live in lives if self._registry.of_connection(live.connection) is live]
        found = await self._store.generations([(live.user_id, live.device_id) for live in lives])
        for live in lives:
            self._sessions.compare(live, found.get((live.user_id, live.device_id)))
        await self._touch([live for live in lives if self._registry.of_connection(live.connection) is live])

    async def _touch(self, lives: Sequence[Live]) -> None:
        now_ms = int(self._clock.seconds() * 1000)
        due = [live for live in lives if now_ms - live.noted_ms >= self._touch_ms]
        if due:
            await self._store.touch([(live.user_id, live.device_id) for live in due], now_ms)
            for live in due:
                live.noted_ms = now_ms
