"""A network in memory, on a test's clock: servers that can be frozen, killed, and started again."""

from __future__ import annotations

from collections import deque

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectingCancelledError, ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

STEP = 0.1
"""Time passes in steps of so many seconds, with all that is under way delivered after each."""


class End:
    """One end's transport."""

    def __init__(self, process: Process, address: IPv4Address) -> None:
        self.process = process
        self.address = address
        self.arrived: deque[bytes] = deque()
        self.reading = True
        self.gone: Exception | None = None
        self.told = False
        self.aborted = False
        self.producer = None
        self.accept = None

    def join(self, peer: End, protocol) -> None:
        self.peer = peer
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        if self.gone is None and self.peer.gone is None:
            self.peer.arrived.append(data)

    def writeSequence(self, data) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        self._end(ConnectionDone())

    def abortConnection(self) -> None:
        self.aborted = True
        self._end(ConnectionAborted())

    def _end(self, reason: Exception) -> None:
        if self.gone is None:
            self.gone = reason
            self.peer.gone = self.peer.gone or ConnectionDone()

    def registerProducer(self, producer, streaming) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def getPeer(self) -> IPv4Address:
        return self.peer.address

    def getHost(self) -> IPv4Address:
        return self.address

    def deliver(self) -> bool:
        """Give the protocol what arrived, then the end; return whether there was anything."""
        if self.process.frozen or self.told:
            return False
        if self.accept is not None:
            accept, self.accept = self.accept, None
            accept()
            return True
        if self.arrived and self.reading and not self.aborted:
            self.protocol.dataReceived(self.arrived.popleft())
            return True
        if self.gone is not None:
            self.told = True
            self.protocol.connectionLost(Failure(self.gone))
            return True
        return False


class Process:
    """Something that runs, or is frozen as by SIGSTOP."""

    def __init__(self) -> None:
        self.frozen = False


class Server(Process):
    """A server in the network.

    Attributes:
        factory: What it listens with; None: it does not run.
        connections: The server's ends of all connections so far.
        tries: How often somebody tried to connect.
        lost: It is behind a network that answers nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.factory = None
        self.connections: list[End] = []
        self.tries = 0
        self.lost = False

    @property
    def open(self) -> list[End]:
        """The connections that are open."""
        return [end for end in self.connections if end.gone is None]


@implementer(IStreamClientEndpoint)
class Way:
    """The endpoint by which clients reach a server."""

    def __init__(self, network: Network, server: Server) -> None:
        self._network = network
        self._server = server

    def connect(self, factory) -> Deferred:
        return self._network.connect(self._server, factory)


class Network:
    """All servers, and one client process.

    Attributes:
        clock: Everybody's.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self._client = Process()
        self._ends: list[End] = []

    def start(self, server: Server, factory) -> None:
        """Run a server, as after its start."""
        server.factory = factory
        factory.doStart()

    def kill(self, server: Server) -> None:
        """End a server as SIGKILL does: at once, its connections with it; what it had not read is lost."""
        factory, server.factory, server.frozen = server.factory, None, False
        for end in server.open:
            end.arrived.clear()
            end._end(ConnectionDone())
        self.deliver()
        factory.doStop()

    def connect(self, server: Server, factory) -> Deferred:
        server.tries += 1
        if server.lost:
            # As Twisted's endpoints: who cancels the attempt does not get a CancelledError.
            return Deferred(lambda attempt: attempt.errback(ConnectingCancelledError(None)))
        if server.factory is None:
            return fail(ConnectionRefusedError())
        mine = End(self._client, IPv4Address("TCP", "127.0.0.1", 40000 + server.tries))
        theirs = End(server, IPv4Address("TCP", "127.0.0.1", 9000))
        client = factory.buildProtocol(theirs.address)
        mine.join(theirs, client)
        theirs.join(mine, None)
        # As with real sockets the connection stands before the server, which may be frozen, has accepted it.
        theirs.accept = lambda: self._accept(server, theirs)
        server.connections.append(theirs)
        self._ends += [theirs, mine]
        client.makeConnection(mine)
        return succeed(client)

    def _accept(self, server: Server, end: End) -> None:
        end.protocol = server.factory.buildProtocol(end.peer.address) if server.factory else None
        if end.protocol is None:
            end.told = True
            end.loseConnection()
        else:
            end.protocol.makeConnection(end)

    def deliver(self) -> None:
        """Deliver all that is under way."""
        while any([end.deliver() for end in self._ends]):
            pass
        self._ends = [end for end in self._ends if not end.told]

    def run(self, seconds: float = 0.0) -> None:
        """Let time pass, in small steps."""
        self.deliver()
        for _ in range(round(seconds / STEP)):
            self.clock.advance(STEP)
            self.deliver()
