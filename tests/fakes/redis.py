"""A Redis that is there or not, without a socket."""

from imchat.domain.errors import Unavailable
from imchat.net.redis.outage import Outage
from tests.fakes.transport import ScriptedTransport


class SwitchedRedis:
    """An ``imchat.store.redis.RedisCommands`` that gives fixed answers, or none.

    Attributes:
        away: Whether it is.
        answer: What everything returns.
        asked: How many calls were made.
    """

    def __init__(self, answer=0) -> None:
        self.away = False
        self.answer = answer
        self.asked = 0

    async def call(self, *words):
        self.asked += 1
        if self.away:
            raise Unavailable("Redis is away", 2_000)
        return self.answer

    async def run(self, script, keys, arguments):
        return await self.call()


class ScriptedLink:
    """A link whose connection comes and goes as a test says."""

    def __init__(self, build, up, down, failed) -> None:
        self.build, self.up, self.down, self.failed = build, up, down, failed
        self.connection = None

    def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def connect(self):
        """There is a connection from now on; return it."""
        connection = self.connection = self.build()
        connection.makeConnection(ScriptedTransport(connection))
        connection.end().addCallback(lambda reason: self.down(connection, reason))
        self.up(connection)
        return connection


class ScriptedPool:
    """What the bus needs of an ``imchat.net.redis.RedisPool``.

    Attributes:
        away: Whether Redis is.
        sent: The commands that it took.
        links: Those that were asked for.
    """

    def __init__(self, clock, settings) -> None:
        self.settings = settings
        self.outage = Outage("Redis", clock)
        self.away = False
        self.sent: list[tuple[bytes, ...]] = []
        self.links: list[ScriptedLink] = []

    @property
    def connected(self) -> bool:
        return not self.away

    def link(self, build, *, up, down, failed) -> ScriptedLink:
        self.links.append(ScriptedLink(build, up, down, failed))
        return self.links[-1]

    async def batch(self, commands):
        if self.away:
            raise Unavailable("Redis is away", 2_000)
        self.sent.extend(commands)
        return [0] * len(commands)
