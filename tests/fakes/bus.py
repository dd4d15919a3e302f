"""Stand-ins for the bus."""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime

from imchat.ports import Notice
from imchat.store.memory.bus import MemoryBus, MemoryHub


class RecordingPublisher:
    """An ``imchat.ports.Publisher`` that keeps what is published, or fails as it is told.

    Attributes:
        published: (channel, notice) in order.
        failure: Raised by ``publish`` while it is set.
    """

    def __init__(self) -> None:
        self.published: list[tuple[str, Notice]] = []
        self.failure: Exception | None = None

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        if self.failure is not None:
            raise self.failure
        self.published.extend(notices)


class LossyHub(MemoryHub):
    """A hub that loses notices as it is told, and whose buses can suspect it.

    Attributes:
        lose: Whether to lose all that is published, or which: those for which it is true.
    """

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self.lose: bool | Callable[[str, Notice], bool] = False
        self.buses: list[SuspectBus] = []

    def attach(self, node_id: str) -> MemoryBus:
        bus = self._buses[node_id] = SuspectBus(self, node_id)
        self.buses.append(bus)
        return bus

    def send(self, sender: MemoryBus | None, notices: Sequence[tuple[str, Notice]]) -> None:
        super().send(sender, [one for one in notices if not self._lost(*one)])

    def _lost(self, channel: str, notice: Notice) -> bool:
        return self.lose(channel, notice) if callable(self.lose) else self.lose

    def go_away(self) -> None:
        """As when Redis is gone: all is lost, and everybody knows."""
        self.lose = True
        for bus in self.buses:
            bus.away = True
        self.suspect("the subscription was lost")

    def come_back(self) -> None:
        """It is there again."""
        self.lose = False
        for bus in self.buses:
            bus.away = False
        self.suspect("the subscription was made anew")

    def suspect(self, reason: str) -> None:
        """Tell everybody that something may have been missed."""
        for bus in self.buses:
            if bus.suspected is not None:
                bus.suspected(reason)


class SuspectBus(MemoryBus):
    """A bus whose notices may be missed.

    Attributes:
        away: Notices may be missed now.
        suspected: The node's function.
    """

    away = False
    suspected: Callable[[str], None] | None = None

    @property
    def suspect(self) -> bool:
        return self.away

    def watch(self, suspected: Callable[[str], None]) -> None:
        self.suspected = suspected
