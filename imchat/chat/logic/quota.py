"""The limits of requests, for each connection."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Hold, Live
from imchat.domain.errors import RateLimited


class Quota:
    """Counts requests of live sessions.

    Args:
        clock: The time.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def request(self, live: Live) -> RateLimited | None:
        """Count a frame of whatever kind; return the error if it was one too many.

        To refuse costs too: who goes on is not even read from until there is room again.
        """
        wait_ms = live.requests.take(self._now_ms())
        if not wait_ms:
            return None
        live.connection.hold(Hold.RATE)
        self._clock.callLater(wait_ms / 1000, live.connection.release, Hold.RATE)
        return RateLimited("too many requests", wait_ms)

    def message(self, live: Live) -> RateLimited | None:
        """Count a message; return the error if it was one too many."""
        wait_ms = live.messages.take(self._now_ms())
        return RateLimited("too many messages", wait_ms) if wait_ms else None

    def lookup(self, live: Live, count: int = 1) -> None:
        """Count users that are looked up.

        Raises:
            RateLimited: too many were.
        """
        for _ in range(count):
            wait_ms = live.lookups.take(self._now_ms())
            if wait_ms:
                raise RateLimited("too many users looked up", wait_ms)

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)
