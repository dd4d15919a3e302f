"""Which channels of the bus this node hears: each as long as somebody here needs it."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed

from imchat.domain.errors import Unavailable
from imchat.ports import Bus, Spawn


class Subscriptions:
    """Counts who needs a channel.

    Args:
        bus: Where channels are.
        spawn: Starts what nobody waits for.
    """

    def __init__(self, bus: Bus, spawn: Spawn) -> None:
        self._bus = bus
        self._spawn = spawn
        self._needed: dict[str, int] = {}
        self._confirming: dict[str, list[Deferred[None]]] = {}

    def need(self, channel: str) -> Deferred[None]:
        """Hear a channel from now on; fires when that is known to hold, or the bus is known to be away.

        While the bus is away nothing is heard, and what is missed is fetched later: no reason to turn anyone away.
        """
        self._needed[channel] = self._needed.get(channel, 0) + 1
        waiting = self._confirming.get(channel)
        if waiting is not None:
            confirmed: Deferred[None] = Deferred()
            waiting.append(confirmed)
            return confirmed
        if self._needed[channel] == 1:
            return Deferred.fromCoroutine(self._subscribe(channel))
        return succeed(None)

    async def _subscribe(self, channel: str) -> None:
        waiting: list[Deferred[None]] = []
        self._confirming[channel] = waiting
        try:
            await self._bus.subscribe([channel])
        except Unavailable:
            # The bus tells the log, once.
            return
        finally:
            del self._confirming[channel]
            for confirmed in waiting:
                confirmed.callback(None)

    def release(self, channel: str) -> None:
        """One less needs a channel."""
        self._needed[channel] -= 1
        if not self._needed[channel]:
            del self._needed[channel]
            self._spawn("unsubscribing", self._unsubscribe(channel))

    async def _unsubscribe(self, channel: str) -> None:
        try:
            await self._bus.unsubscribe([channel])
        except Unavailable:
            # What is heard nevertheless concerns nobody here.
            return
