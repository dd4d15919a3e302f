"""A TCP relay between one server and what it depends on, which can be stalled or cut."""

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.protocols.portforward import ProxyFactory, ProxyServer


class _Server(ProxyServer):
    def connectionMade(self):
        self.factory.relay.lines.add(self)
        super().connectionMade()

    def connectionLost(self, reason):
        self.factory.relay.lines.discard(self)
        super().connectionLost(reason)

    def dataReceived(self, data):
        # A stalled line has read nothing; this is what the kernel had handed over in the same turn.
        if not self.factory.relay.stalled:
            super().dataReceived(data)


class Relay:
    """Relays connections to a port of the loopback interface.

    Attributes:
        port: Where to connect.
        stalled: What is sent to the server does not arrive any more, and never will; connections stay.
    """

    def __init__(self, to_port):
        self.lines, self.stalled = set(), False
        self._factory = ProxyFactory("127.0.0.1", to_port)
        self._factory.protocol, self._factory.relay, self._factory.noisy = _Server, self, False
        self._listening = None
        self.port = None

    @property
    def closed(self):
        return self._listening is None

    async def open(self):
        """Take connections, on the same port as before."""
        self.stalled = False
        endpoint = TCP4ServerEndpoint(reactor, self.port or 0, interface="127.0.0.1")
        self._listening = await endpoint.listen(self._factory)
        self.port = self._listening.getHost().port

    async def cut(self):
        """End all connections and take no new ones."""
        if self._listening is not None:
            await self._listening.stopListening()
            self._listening = None
        for line in list(self.lines):
            line.transport.abortConnection()
