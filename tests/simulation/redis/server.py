"""The server, which keeps data, and one run of it, which has connections."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.protocol import Factory

from tests.simulation.redis.connection import Connection
from tests.simulation.redis.keys import Keys

OUTPUT_LIMIT = 32 * 1024 * 1024


class Clock(Protocol):
    """What the server needs of a reactor."""

    def seconds(self) -> float:
        """Seconds since 1970."""


class SimulatedRedis:
    """A Redis server that can be started and killed; what it keeps stays, as on a disk, until :meth:`flush`.

    Args:
        clock: Its time.
        password: What the default user is asked for; empty means nothing.

    Attributes:
        clock: Its time, from now on.
        output_limit: Bytes that may wait for a subscriber who does not read, before he is thrown out.
    """

    def __init__(self, clock: Clock, password: bytes = b"") -> None:
        self.clock = clock
        self.password = password
        self.output_limit = OUTPUT_LIMIT
        self._databases: dict[int, Keys] = {}

    def flush(self) -> None:
        """Forget all keys of all databases. Subscriptions and scripts are not forgotten."""
        # In place: connections hold their database.
        for keys in self._databases.values():
            keys.__init__(self.now_ms)  # type: ignore[misc]

    def factory(self) -> Run:
        """Start it: what listens for this run. To drop it is to kill the server: nothing is left of its connections,
        their subscriptions, and the scripts it was sent."""
        return Run(self)

    def keys(self, number: int) -> Keys:
        """A database."""
        if number not in self._databases:
            self._databases[number] = Keys(self.now_ms)
        return self._databases[number]

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return int(self.clock.seconds() * 1_000_000)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.now_us() // 1000


class Run(Factory):
    """One run of the server: a factory of its connections.

    Attributes:
        server: What it runs.
        channels: Who is subscribed, in the order in which they came.
        scripts: Digests of the scripts that it has seen.
    """

    noisy = False

    def __init__(self, server: SimulatedRedis) -> None:
        self.server = server
        self.channels: dict[bytes, dict[Connection, None]] = {}
        self.scripts: set[bytes] = set()
        self._spoken: list[Connection] = []

    def buildProtocol(self, addr: Any) -> Connection:
        """Twisted: somebody connects."""
        return Connection(self)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Tell all subscribers; return how many there are."""
        subscribers = self.channels.get(channel)
        if subscribers is None:
            return 0
        line = b"*3\r\n$7\r\nmessage\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(message), message)
        for subscriber in subscribers:
            subscriber.say(line)
        return len(subscribers)

    def leave(self, channel: bytes, connection: Connection) -> None:
        """One subscriber less."""
        subscribers = self.channels[channel]
        del subscribers[connection]
        if not subscribers:
            del self.channels[channel]

    def speaks(self, connection: Connection) -> None:
        """A connection has something to send at the end of this turn."""
        self._spoken.append(connection)

    def flush(self) -> None:
        """Send what there is to send: one write per connection, as Redis does at the end of a turn."""
        spoken, self._spoken = self._spoken, []
        for connection in spoken:
            connection.flush()
