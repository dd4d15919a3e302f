"""The ends of a simulated TCP connection, as Twisted's transports are: buffers of a kernel and of a reactor, so that
one who does not read makes the other's buffers full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address
from twisted.internet.base import BaseConnector
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.simulation.halves import FIN, RST, Mark, ReadingHalf, WritingHalf

if TYPE_CHECKING:
    from tests.simulation.process import SimulatedProcess


@implementer(ITCPTransport, IPushProducer)
class End(WritingHalf, ReadingHalf):
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
    """

    disconnecting = False

    def __init__(
        self, process: SimulatedProcess, host: IPv4Address, there: IPv4Address, connector: Connector | None
    ) -> None:
        super().__init__()
        self.process = process
        self.network = process.network
        self.protocol: Any = None
        self.peer: End
        self.gone = False
        self.mute = False
        self.arrival = 0.0
        self._host, self._there = host, there
        self._connector = connector
        self._joined = False

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

    # --- its end

    def stopProducing(self) -> None:
        self.loseConnection()

    def _carry(self, item: Any) -> None:
        if not self.mute:
            self.network.carry(self, item)

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

    def _close(self, reason: Exception, mark: Mark) -> None:
        self._leave(mark)
        self._tell(reason)

    def _leave(self, mark: Mark) -> None:
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
