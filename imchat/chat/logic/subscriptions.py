"""Which channels of the bus this node hears: each as long as somebody here needs it."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred

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

    def need(self, *channels: str) -> Deferred[None]:
        """Hear channels from now on; fires when that is known to hold, or the bus is known to be away.

        While the bus is away nothing is heard, and what is missed is fetched later: no reason to turn anyone away.
        """
        waits: list[Deferred[None]] = []
        new: list[str] = []
        for channel in channels:
            self._needed[channel] = self._needed.get(channel, 0) + 1
            waiting = self._confirming.get(channel)
            if waiting is not None:
                confirmed: Deferred[None] = Deferred()
                waiting.append(confirmed)
                waits.append(confirmed)
            elif self._needed[channel] == 1:
                self._confirming[channel] = []
                new.append(channel)
        if new:
            waits.append(Deferred.fromCoroutine(self._subscribe(new)))
        return waits[0] if len(waits) == 1 else Deferred.fromCoroutine(_each(waits))

    async def _subscribe(self, channels: Sequence[str]) -> None:
        try:
            await self._bus.subscribe(channels)
        except Unavailable:
            # The bus tells the log, once.
            return
        finally:
            waiting = [confirmed for channel in channels for confirmed in self._confirming.pop(channel)]
            for confirmed in waiting:
                confirmed.callback(None)

    def release(self, *channels: str) -> None:
        """One less needs each of these channels."""
        over: list[str] = []
        for channel in channels:
            self._needed[channel] -= 1
            if not self._needed[channel]:
                del self._needed[channel]
                over.append(channel)
        if over:
            self._spawn("unsubscribing", self._unsubscribe(over))

    async def _unsubscribe(self, channels: Sequence[str]) -> None:
        try:
            await self._bus.unsubscribe(channels)
        except Unavailable:
            # What is heard nevertheless concerns nobody here.
            return


async def _each(waits: Sequence[Deferred[None]]) -> None:
    for one in waits:
        await one
