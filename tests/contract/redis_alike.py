"""The same words said to a real Redis and to what stands for it in the simulation."""

from collections.abc import Sequence

from hiredis import Reader
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from imchat.net.redis.connection import encode
from tests.services import redis
from tests.simulation.redis import SimulatedRedis

# No command: the answer to it comes whatever state a connection is in, and names it.
_MARK = b"mark"


class _Hearing(Protocol):
    """A connection to the real one."""

    def __init__(self) -> None:
        self.heard = b""
        self._mark: bytes | None = None
        self._marked: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def until(self, mark: bytes) -> Deferred[None]:
        """A Deferred that fires when an answer with this mark has been heard."""
        self._mark, self._marked = mark, Deferred()
        self._look()
        return self._marked

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self._look()

    def _look(self) -> None:
        if self._mark is not None and self._mark in self.heard and self.heard.endswith(b"\r\n"):
            self._mark = None
            self._marked.callback(None)

    def connectionLost(self, reason=None) -> None:
        self.ended.callback(None)


class Real:
    """Connections to a real Redis, by name.

    Args:
        test: Closes them at its end.
        port: Where it listens.
    """

    def __init__(self, test, port: int) -> None:
        self._endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
        self._connections: dict[str, _Hearing] = {}
        test.addCleanup(self._close_all)

    async def say(self, name: str, data: bytes) -> dict[str, bytes]:
        """Send bytes on one connection; return what all of them heard then, with the answer to a mark at its end."""
        if name not in self._connections:
            self._connections[name] = await connectProtocol(self._endpoint, _Hearing())
        self._connections[name].transport.write(data)
        # First the one that spoke: what the others hear of it has been sent when it is answered.
        for connection in sorted(self._connections.values(), key=lambda one: one is not self._connections[name]):
            marked = connection.until(_MARK)
            connection.transport.write(encode([[_MARK]]))
            await marked
        heard = {name: connection.heard for name, connection in self._connections.items()}
        for connection in self._connections.values():
            connection.heard = b""
        return heard

    async def drop(self, name: str) -> None:
        """Close a connection, and wait until Redis has seen it."""
        connection = self._connections.pop(name)
        connection.transport.loseConnection()
        await connection.ended

    def _close_all(self):
        for connection in self._connections.values():
            connection.transport.loseConnection()
        return gatherResults([connection.ended for connection in self._connections.values()])


class StandIn:
    """Connections to the stand-in, by name, without a network.

    Args:
        password: What it asks for.
        piece: Bytes arrive in pieces of so many.

    Attributes:
        clock: Its time.
        server: The server.
    """

    def __init__(self, password: bytes = b"", piece: int = 65_536) -> None:
        self.clock = Clock()
        self.server = SimulatedRedis(self.clock, password)
        self._run = self.server.factory()
        self._piece = piece
        self._connections: dict[str, Protocol] = {}

    async def say(self, name: str, data: bytes) -> dict[str, bytes]:
        """As :meth:`Real.say`."""
        if name not in self._connections:
            self._connections[name] = self._run.buildProtocol(None)
            self._connections[name].makeConnection(StringTransport())
        self._receive(self._connections[name], data)
        for connection in self._connections.values():
            self._receive(connection, encode([[_MARK]]))
        heard = {name: connection.transport.value() for name, connection in self._connections.items()}
        for connection in self._connections.values():
            connection.transport.clear()
        return heard

    def _receive(self, connection: Protocol, data: bytes) -> None:
        for start in range(0, len(data), self._piece):
            connection.dataReceived(data[start : start + self._piece])

    async def drop(self, name: str) -> None:
        """Close a connection."""
        self._connections.pop(name).connectionLost()


def words(text: str | bytes | Sequence[str | bytes]) -> list[bytes]:
    """The words of a command: of a text those between blanks."""
    parts = text.split() if isinstance(text, str | bytes) else text
    return [part.encode() if isinstance(part, str) else part for part in parts]


def _difference(real: dict[str, bytes], stand_in: dict[str, bytes]) -> str:
    """Where two answers part. A diff of thousands of lines, as assertEqual makes it, would take minutes."""
    name = next(name for name in real if real[name] != stand_in.get(name))
    one, other = real[name], stand_in.get(name, b"")
    pairs = enumerate(zip(one, other, strict=False))
    place = next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
    start, end = max(0, place - 40), place + 80
    return f"{name} hears {other[start:end]!r}, should hear {one[start:end]!r}, at {place}"


class Alike:
    """Mixed into a ``TestCase`` that says the same to both."""

    async def begin(self, port=None, **stand_in):
        self.real = Real(self, port or redis().port)
        self.stand_in = StandIn(**stand_in)
        if port is None:
            await self.real.say("one", encode([[b"FLUSHALL"], [b"SCRIPT", b"FLUSH"]]))
            await self.stand_in.say("one", b"")

    async def both(self, name, said, change=bytes):
        """Say the same to both, assert that they answer alike, and return what the speaker hears."""
        data = said if isinstance(said, bytes) else encode([words(said)])
        heard = [{n: change(d) for n, d in (await one.say(name, data)).items()} for one in (self.real, self.stand_in)]
        if heard[0] != heard[1]:
            self.fail(f"after {said!r:.200}: {_difference(*heard)}")
        return heard[0][name]

    async def play(self, lines):
        for name, said in lines:
            if said is None:
                await self.real.drop(name)
                await self.stand_in.drop(name)
            else:
                await self.both(name, said)

    async def ask(self, one, said):
        """Say something to one of them and return its answer."""
        reader = Reader()
        reader.feed((await one.say("one", encode([words(said)])))["one"])
        return reader.gets()
