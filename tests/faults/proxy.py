"""A TCP relay that can be cut, stalled, left half open, or closed, as networks are."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import ClientFactory, Factory, Protocol
from zope.interface import implementer

CLIENT, SERVER = "client", "server"


@implementer(IPushProducer)
class _Brake:
    """Reads from one side while neither the other is full nor the relay stalled."""

    def __init__(self, transport: Any, stalled: bool) -> None:
        self._transport = transport
        self._reasons: set[str] = set()
        if stalled:
            self.hold("stalled")

    def hold(self, reason: str) -> None:
        if not self._reasons:
            self._transport.pauseProducing()
        self._reasons.add(reason)

    def release(self, reason: str) -> None:
        if reason in self._reasons:
            self._reasons.discard(reason)
            if not self._reasons:
                self._transport.resumeProducing()

    def pauseProducing(self) -> None:
        self.hold("full")

    def resumeProducing(self) -> None:
        self.release("full")

    def stopProducing(self) -> None:
        """The other side is gone; whoever noticed ends this one."""


class _Side(Protocol):
    """One connection of a pair."""

    # TCP transports, whose methods are wider than ITransport.
    transport: Any

    def __init__(self, pair: Pair, name: str) -> None:
        self._pair = pair
        self.name = name
        self.brake: _Brake | None = None

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self._pair.made(self)

    def dataReceived(self, data: bytes) -> None:
        self._pair.relay(self, data)

    def connectionLost(self, reason: Any = None) -> None:
        self._pair.lost(self)


class _ToServer(ClientFactory):
    noisy = False

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def buildProtocol(self, addr: Any) -> Protocol:
        return _Side(self._pair, SERVER)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self._pair.unreachable()


class Pair:
    """A client's connection and the one to the server behind it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._sides: dict[str, _Side] = {}
        self._deaf = False
        self._to_end: set[str] = set()

    def made(self, side: _Side) -> None:
        self._sides[side.name] = side
        side.brake = _Brake(side.transport, self._proxy.stalled)
        if side.name == CLIENT:
            # Nothing is read from the client before there is a server to give it to.
            side.brake.hold("unconnected")
            if not self._proxy.stalled:
                self._proxy.connect(self)
        elif CLIENT not in self._sides:
            side.transport.abortConnection()
        else:
            self._join(self._sides[CLIENT], side)

    def _join(self, client: _Side, server: _Side) -> None:
        assert client.brake is not None and server.brake is not None
        client.transport.registerProducer(server.brake, True)
        server.transport.registerProducer(client.brake, True)
        client.brake.release("unconnected")

    def _other(self, side: _Side) -> _Side | None:
        return self._sides.get(SERVER if side.name == CLIENT else CLIENT)

    def relay(self, side: _Side, data: bytes) -> None:
        other = self._other(side)
        if other is not None and not self._deaf:
            other.transport.write(data)

    def lost(self, side: _Side) -> None:
        self._sides.pop(side.name, None)
        other = self._other(side)
        if other is None:
            self._proxy.forget(self)
        elif self._proxy.stalled:
            self._to_end.add(other.name)
        elif not self._deaf:
            self._end(other)

    def _end(self, side: _Side) -> None:
        side.transport.unregisterProducer()
        side.transport.loseConnection()

    def unreachable(self) -> None:
        self.cut()

    def cut(self) -> None:
        """Reset both connections."""
        for side in list(self._sides.values()):
            side.transport.abortConnection()

    def half_open(self, lost: str) -> None:
        """Reset one side's connection; the other side is not told, and nobody listens to it any more."""
        if len(self._sides) == 2:
            self._deaf = True
            remaining = self._sides[SERVER if lost == CLIENT else CLIENT]
            remaining.transport.unregisterProducer()
            if remaining.brake is not None:
                remaining.brake.release("full")
            self._sides[lost].transport.abortConnection()

    def stall(self) -> None:
        for side in self._sides.values():
            if side.brake is not None:
                side.brake.hold("stalled")

    def resume(self) -> None:
        for name in self._to_end:
            if name in self._sides:
                self._end(self._sides[name])
        for side in list(self._sides.values()):
            if side.brake is not None:
                side.brake.release("stalled")
        if SERVER not in self._sides and CLIENT in self._sides and not self._deaf and not self._to_end:
            self._proxy.connect(self)
        self._to_end.clear()


class Proxy(Factory):
    """A relay from a port of its own to a server.

    Args:
        reactor: The reactor.
        port: Where it listens, on loopback.
        target: Port of the server, on loopback.

    Attributes:
        stalled: Whether nothing gets through at the moment.
    """

    noisy = False

    def __init__(self, reactor: Any, port: int, target: int) -> None:
        self._reactor = reactor
        self.port = port
        self._target = target
        self._pairs: set[Pair] = set()
        self._listening: Any = None
        self.stalled = False

    def open(self) -> None:
        """Accept connections."""
        if self._listening is None:
            self._listening = self._reactor.listenTCP(self.port, self, backlog=1024, interface="127.0.0.1")

    async def close(self) -> None:
        """Refuse new connections, and cut those that stand."""
        listening, self._listening = self._listening, None
        if listening is not None:
            await listening.stopListening()
        self.cut()

    def buildProtocol(self, addr: Any) -> Protocol:
        """Twisted: a client is here."""
        pair = Pair(self)
        self._pairs.add(pair)
        return _Side(pair, CLIENT)

    def connect(self, pair: Pair) -> None:
        """Connect a pair to the server."""
        self._reactor.connectTCP("127.0.0.1", self._target, _ToServer(pair), timeout=30)

    def forget(self, pair: Pair) -> None:
        """A pair is gone."""
        self._pairs.discard(pair)

    @property
    def connections(self) -> int:
        """How many clients there are."""
        return len(self._pairs)

    def cut(self) -> None:
        """Reset all connections; new ones are taken."""
        for pair in list(self._pairs):
            pair.cut()

    def half_open(self, lost: str) -> None:
        """Reset one end (``client`` or ``server``) of all connections, and leave the other in the belief that all is
        well; new ones are taken."""
        for pair in list(self._pairs):
            pair.half_open(lost)

    def stall(self) -> None:
        """Let nothing through, not even that a connection has ended, until :meth:`resume`."""
        self.stalled = True
        for pair in self._pairs:
            pair.stall()

    def resume(self) -> None:
        """Let through what waits."""
        self.stalled = False
        for pair in list(self._pairs):
            pair.resume()
