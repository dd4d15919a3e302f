"""The bus within one process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.ports import Notice

_log = Logger()


class MemoryHub:
    """Joins the parts of one process: what one publishes, the others hear in a later reactor turn, in order.

    Args:
        clock: For the later turn.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._buses: dict[str, MemoryBus] = {}
        self._queue: deque[tuple[MemoryBus | None, str, Notice]] = deque()

    def attach(self, node_id: str) -> MemoryBus:
        """Return the bus of a node.

        Raises:
            ValueError: a node of this name is attached already.
        """
        if node_id in self._buses:
            raise ValueError(f"{node_id} is attached already")
        bus = self._buses[node_id] = MemoryBus(self, node_id)
        return bus

    def detach(self, bus: MemoryBus) -> None:
        """Let a node go; it hears nothing more."""
        if self._buses.get(bus.node_id) is bus:
            del self._buses[bus.node_id]

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Publish as one who hears nothing: the hub is an :class:`imchat.ports.Publisher` for the status server."""
        self.send(None, notices)

    def send(self, sender: MemoryBus | None, notices: Sequence[tuple[str, Notice]]) -> None:
        """Queue notices for all but their sender."""
        if notices and not self._queue:
            self._clock.callLater(0, self._deliver)
        self._queue.extend((sender, channel, notice) for channel, notice in notices)

    def _deliver(self) -> None:
        batch, self._queue = self._queue, deque()
        for sender, channel, notice in batch:
            for bus in list(self._buses.values()):
                if bus is not sender:
                    bus.hear(channel, notice)


class MemoryBus:
    """The :class:`imchat.ports.Bus` of one node. :meth:`MemoryHub.attach` makes it."""

    def __init__(self, hub: MemoryHub, node_id: str) -> None:
        self.node_id = node_id
        self._hub = hub
        self._channels: set[str] = set()
        self._receive: Callable[[str, Notice], None] | None = None

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Send notices to the other nodes."""
        self._hub.send(self, notices)

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Hear these channels from now on."""
        self._channels.update(channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Stop hearing these channels."""
        self._channels.difference_update(channels)

    def listen(self, receive: Callable[[str, Notice], None]) -> None:
        """Set the one function that gets this node's notices."""
        self._receive = receive

    def watch(self, suspected: Callable[[str], None]) -> None:
        """Within one process nothing is missed: the function is never called."""

    @property
    def suspect(self) -> bool:
        """Whether notices may be missed at the moment: never."""
        return False

    def close(self) -> None:
        """Leave the hub."""
        self._hub.detach(self)

    def hear(self, channel: str, notice: Notice) -> None:
        """Hand a notice to the listener if the channel is subscribed; its fault is logged and harms nobody else."""
        if channel not in self._channels or self._receive is None:
            return
        try:
            self._receive(channel, notice)
        except Exception:
            _log.failure("the node {node} failed to take a notice of {channel}", node=self.node_id, channel=channel)
