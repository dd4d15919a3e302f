"""The two halves of an end of a simulated connection: what is written goes through the buffers of a reactor and of a
kernel, what arrives waits until it is read."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionDone, ConnectionLost

if TYPE_CHECKING:
    from tests.simulation.network import Network
    from tests.simulation.process import SimulatedProcess
    from tests.simulation.transport import End

KERNEL = 64 * 1024
"""Bytes of a connection that may be on their way or unread at the other end."""

BUFFER = 64 * 1024
"""Bytes that a transport takes before it asks its producer to stop, as Twisted's."""

CHUNK = 64 * 1024
"""Most bytes of one read."""


class Mark:
    """Something else than bytes that travels in a connection."""

    def __init__(self, name: str, error: type[Exception]) -> None:
        self.name = name
        self.error = error


FIN = Mark("FIN", ConnectionDone)
RST = Mark("RST", ConnectionLost)


class Half:
    """What both halves use of the whole."""

    process: SimulatedProcess
    network: Network
    peer: End
    protocol: Any
    gone: bool
    mute: bool
    disconnecting: bool
    _carry: Any
    _close: Any
    _close_soon: Any
    _lost: Any


class WritingHalf(Half):
    """Twisted's consumer.

    Attributes:
        stalled: Its producer was told to stop, at some time.
        unread: Bytes that are on their way or wait at the other end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stalled = False
        self.unread = 0
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._sending = False
        self._producer: Any = None
        self._streaming = False
        self._producer_paused = False

    def write(self, data: bytes) -> None:
        if self.gone or not data or self.process.dead:
            return
        self._buffer.append(data)
        self._buffered += len(data)
        if not self._sending:
            self._sending = True
            timeline = self.process.timeline
            timeline.at(timeline.now, self._send_now)
        if self._producer is not None and self._streaming and self._buffered > BUFFER and not self._producer_paused:
            self._producer_paused = True
            self.stalled = True
            self._producer.pauseProducing()

    def writeSequence(self, iovec: Any) -> None:
        self.write(b"".join(iovec))

    def _send_now(self) -> None:
        """The reactor hands to the kernel what the kernel takes: what it does not, dies with the process."""
        self._sending = False
        self.process.enter(self._pump)

    def _pump(self) -> None:
        if self.gone or self.process.dead:
            return
        while self._buffer and self.unread < KERNEL:
            data = b"".join(self._buffer) if len(self._buffer) > 1 else self._buffer[0]
            sent, rest = data[: KERNEL - self.unread], data[KERNEL - self.unread :]
            self._buffer = [rest] if rest else []
            self._buffered = len(rest)
            self.unread += len(sent)
            self._carry(sent)
        if not self._buffer:
            self._drained()

    def _drained(self) -> None:
        if self._producer is not None:
            if not self._streaming or self._producer_paused:
                self._producer_paused = False
                self._producer.resumeProducing()
        elif self.disconnecting:
            self._close(ConnectionDone(), FIN)

    def room(self) -> None:
        """The other end has read something, and says so."""
        self.process.enter(self._pump)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self._producer is not None:
            raise RuntimeError(f"{producer} cannot be registered: there is {self._producer}")
        if self.gone:
            producer.stopProducing()
            return
        self._producer, self._streaming, self._producer_paused = producer, streaming, False
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self._producer = None
        if self.disconnecting and not self._buffer and not self.gone:
            self._close_soon()


class ReadingHalf(Half):
    """Twisted's producer.

    Attributes:
        slowed: The process takes no bytes from it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slowed = False
        self._reading = True
        self._due = False
        self._inbox: deque[Any] = deque()

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        if not self._reading and not self.gone:
            self._reading = True
            self._read_soon()

    def arrived(self, item: Any) -> None:
        """Something has come to this machine."""
        if self.process.dead:
            # The machine is up again, or only the process has died: there is no such connection.
            if item is not RST and not self.network.is_lost(self.process.host):
                self._carry(RST)
            return
        if self.gone:
            if not isinstance(item, Mark):
                self._carry(RST)
            return
        if item is RST:
            self._inbox.clear()
        self._inbox.append(item)
        if not self._due:
            self._due = True
            self.process.enter(self._read)

    def slow_down(self, slow: bool) -> None:
        """Let the process take no bytes from this connection, or take them again."""
        self.slowed = slow
        if not slow:
            self._read_soon()

    def _read_soon(self) -> None:
        if self._inbox and not self._due:
            self._due = True
            timeline = self.process.timeline
            timeline.at(timeline.now, self.process.enter, self._read)

    def _read(self) -> None:
        """Read once; runs in the process."""
        self._due = False
        if self.gone or self.protocol is None or not self._inbox:
            return
        # The end of a connection by force is told to those too who do not read.
        if (not self._reading or self.slowed) and self._inbox[0] is not RST:
            return
        item = self._inbox.popleft()
        if isinstance(item, Mark):
            self._lost(item.error())
            return
        self._read_soon()
        self._taken(len(item))
        self.protocol.dataReceived(item)

    def _taken(self, count: int) -> None:
        peer = self.peer
        peer.unread -= count
        if peer._buffer and not self.mute:
            delay = self.network.latency(self.process.host, peer.process.host)
            self.process.timeline.after(delay, peer.room)
