"""The ends of a simulated TCP connection, as Twisted's transports are: buffers of a kernel and of a reactor, so that
one who does not read makes the other's buffers full."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address
from twisted.internet.base import BaseConnector
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from tests.simulation.process import SimulatedProcess

KERNEL = 64 * 1024
"""Bytes of a connection that may be on their way or unread at the other end."""

BUFFER = 64 * 1024
"""Bytes that a transport takes before it asks its producer to stop, as Twisted's."""

CHUNK = 64 * 1024
"""Most bytes of one read."""


class _Mark:
    """Something else than bytes that travels in a connection."""

    def __init__(self, name: str, error: type[Exception]) -> None:
        self.name = name
        self.error = error


FIN = _Mark("FIN", ConnectionDone)
RST = _Mark("RST", ConnectionLost)


@implementer(ITCPTransport, IPushProducer)
class End:
    """One end of a connection.

    Args:
        process: Whose.
        host: Its address.
        there: The other end's.
        connector: Who made it, for a client's end.

    Attributes:
        peer: The other end.
        gone: It is closed on this side.
        mute: Nothing that is sent on this connection arrives any more.
        arrival: When what was sent last arrives.
        slowed: The process takes no bytes from it.
        stalled: Its producer was told to stop, at some time.
    """

    disconnecting = False

    def __init__(
        self, process: SimulatedProcess, host: IPv4Address, there: IPv4Address, connector: Connector | None
    ) -> None:
        self.process = process
        self.network = process.network
        self.protocol: Any = None
        self.peer: End
        self.gone = False
        self.mute = False
        self.arrival = 0.0
        self.slowed = False
        self.stalled = False
        self._host, self._there = host, there
        self._connector = connector
        self._joined = False
        self._reading = True
        self._due = False
        self._inbox: deque[Any] = deque()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._sent_step = -1
        self._sending = False
        self.unread = 0
        self._producer: Any = None
        self._streaming = False
        self._producer_paused = False

    @property
    def connected(self) -> bool:
        """Twisted: whether it is open."""
        return not self.gone

    def getHost(self) -> IPv4Address:
        return self._host

    def getPeer(self) -> IPv4Address:
        return self._there

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass

    def getTcpNoDelay(self) -> bool:
        return True

    def setTcpKeepAlive(self, enabled: bool) -> None:
        pass

    def getTcpKeepAlive(self) -> bool:
        return False

    # --- its beginning

    def join(self, peer: End) -> None:
        """The server's kernel has taken it."""
        self.peer, peer.peer = peer, self
        self._joined = peer._joined = True

    def established(self) -> None:
        """The client hears that it stands; runs in the process."""
        if self.gone or self._connector is None:
            return
        protocol = self._connector.buildProtocol(self._there)
        if protocol is None:
            self.abortConnection()
        else:
            self.begin(protocol)

    def begin(self, protocol: Any) -> None:
        """Give it to its protocol."""
        self.protocol = protocol
        protocol.makeConnection(self)
        self._read_soon()

    def refuse(self) -> None:
        """Nobody wants it."""
        if not self.gone:
            self._leave(RST)

    def failed(self, error: Exception) -> None:
        """It could not be made; runs in the process."""
        if not self.gone:
            self._leave(RST)
            if self._connector is not None:
                self._connector.connectionFailed(Failure(error))

    def failIfNotConnected(self, error: Exception) -> None:
        """Twisted's connectors: the time is over, or somebody does not want it any more."""
        if self.protocol is None:
            self.failed(error)

    # --- writing

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
        if not self.process.frozen:
            self._pump()
        else:
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

    def _carry(self, item: Any) -> None:
        if not self.mute:
            self.network.carry(self, item)

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

    # --- reading

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        if not self._reading and not self.gone:
            self._reading = True
            self._read_soon()

    def stopProducing(self) -> None:
        self.loseConnection()

    def arrived(self, item: Any) -> None:
        """Something has come to this machine."""
        if self.process.dead:
            # The machine is up again, or only the process has died: there is no such connection.
            if item is not RST and not self.network.is_lost(self.process.host):
                self._carry(RST)
            return
        if self.gone:
            if not isinstance(item, _Mark):
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
        if isinstance(item, _Mark):
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

    # --- its end

    def loseConnection(self) -> None:
        if self.gone or self.disconnecting:
            return
        self.disconnecting = True
        if not self._buffer and self._producer is None:
            self._close_soon()

    def _close_soon(self) -> None:
        timeline = self.process.timeline
        timeline.at(timeline.now, self.process.enter, self._close_now)

    def _close_now(self) -> None:
        if not self.gone and not self._buffer and self._producer is None:
            self._close(ConnectionDone(), FIN)

    def loseWriteConnection(self) -> None:
        self.loseConnection()

    def abortConnection(self) -> None:
        if self.gone or self.process.dead:
            return
        self.disconnecting = True
        self._buffer.clear()
        self._buffered = 0
        self._leave(RST)
        if self.protocol is not None or self._connector is not None:
            self.process.callLater(0, self._tell, ConnectionAborted())

    def cut(self) -> None:
        """Something on the way ends it: what travels is lost, and both ends hear of it."""
        for end in (self, self.peer):
            if not end.gone and not end.process.dead:
                timeline = end.process.timeline
                timeline.after(self.network.random.random() * 0.05, end.process.enter, end._lost, ConnectionLost())
            end.mute = True

    def go_mute(self) -> None:
        """Something on the way forgets it: nothing arrives any more, and neither end hears of it."""
        self.mute = self.peer.mute = True

    def died(self, silently: bool) -> None:
        """Its process has died: the kernel ends it, unless that is gone too. What was not handed to it is lost."""
        self.gone = True
        self._buffer.clear()
        self.network.connections.pop(self, None)
        if self._joined and not silently:
            self._carry(RST if self._inbox else FIN)

    def _close(self, reason: Exception, mark: _Mark) -> None:
        self._leave(mark)
        self._tell(reason)

    def _leave(self, mark: _Mark) -> None:
        self.gone = True
        self.process.ends.pop(self, None)
        self.network.connections.pop(self, None)
        if self._joined:
            self._carry(mark)

    def _lost(self, reason: Exception) -> None:
        if not self.gone:
            self.gone = True
            self.process.ends.pop(self, None)
            self.network.connections.pop(self, None)
            self._buffer.clear()
            self._tell(reason)

    def _tell(self, reason: Exception) -> None:
        """Twisted: a transport's ``connectionLost``."""
        protocol, self.protocol = self.protocol, None
        self._inbox.clear()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        if protocol is not None:
            protocol.connectionLost(Failure(reason))
        if self._connector is not None and protocol is not None:
            self._connector.connectionLost(Failure(reason))


class Connector(BaseConnector):
    """Twisted's, for a simulated process."""

    def __init__(self, process, here: IPv4Address, there: IPv4Address, factory, timeout: float) -> None:
        super().__init__(factory, timeout, process)
        self._here, self._there = here, there

    def _makeTransport(self) -> End:
        end = End(self.reactor, self._here, self._there, self)
        self.reactor.ends[end] = None
        self.reactor.network.knock(end)
        return end

    def getDestination(self) -> IPv4Address:
        return self._there
