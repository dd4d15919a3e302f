"""How the parts of a simulated world are made: what somebody who plants a fault overrides."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from imchat.assemble import ground as grounds
from imchat.assemble import parts
from imchat.chat.node import ChatNode
from imchat.client import Client, Options, Outside
from imchat.client.engine import Handler
from imchat.config import Config
from imchat.domain.errors import Unavailable
from imchat.domain.models import NodeAddress
from imchat.net.background import sleep
from imchat.net.redis import RedisBus, RedisPool, RedisSettings
from imchat.ports import (
    Bus,
    CodeStore,
    ConversationStore,
    Mail,
    Mailer,
    PresenceStore,
    Publisher,
    RateLimiter,
    SessionStore,
    StatusPort,
    StreamStore,
)
from imchat.status.logic import StatusLogic
from imchat.status.logic.nodes import Nodes
from imchat.store.redis import RedisCodes, RedisPresence
from imchat.store.sql.database import Database
from tests.fakes.ids import SeededIds
from tests.simulation.clients import Device
from tests.simulation.conditions import Conditions
from tests.simulation.database import SimulatedDatabase
from tests.simulation.plain import PlainDatabase
from tests.simulation.process import SimulatedProcess
from tests.simulation.redis import SimulatedRedis
from tests.simulation.redis.server import Run
from tests.simulation.servers import (
    RedisServer,
    Server,
)

if TYPE_CHECKING:
    from tests.simulation.world import World


class SimulatedBase(parts.Base):
    """What every part of a simulated process needs."""

    def __init__(self, config: Config, process: SimulatedProcess, ids: SeededIds) -> None:
        super().__init__(config, process)
        self.ids = ids


class Mailbox:
    """The :class:`imchat.ports.Mailer` that puts mails where their readers find them.

    Args:
        world: Where.
        clock: Of the process that sends.
    """

    def __init__(self, world: World, clock: SimulatedProcess) -> None:
        self._world = world
        self._clock = clock

    async def send(self, mail: Mail) -> None:
        """Take a mail over."""
        await sleep(self._clock, 0.05)
        if self._world.mail_down:
            self._world.trace.hit("mail server down")
            raise Unavailable("the mail server does not answer")
        self._world.mails[mail.to] = mail.text


class WatchedBus(RedisBus):
    """The bus, with crash points around what a node publishes."""

    def __init__(
        self, world: World, server: Server, process: SimulatedProcess, pool: RedisPool, incarnation: int
    ) -> None:
        super().__init__(process, pool, server.name, incarnation)
        self._watched = world, server, process

    async def publish(self, notices) -> None:
        world, server, process = self._watched
        if world.at_point("publish", server):
            await Deferred()
        await super().publish(notices)
        if not process.dead:
            world.at_point("published", server)


class Builders:
    """Makes the parts of a world; see :mod:`tests.simulation.world` for how to plant faults by it."""

    seed: int
    conditions: Conditions
    config: Config
    clock: SimulatedProcess
    database: SimulatedDatabase | PlainDatabase
    redis: SimulatedRedis
    redis_server: RedisServer
    randoms: Callable[[str], Random]

    def build_config(self) -> Config:
        """The configuration of all servers."""
        return Config()

    def build_database_server(self) -> SimulatedDatabase | PlainDatabase:
        """What stands for the SQL server."""
        kind = PlainDatabase if self.conditions.plain_database else SimulatedDatabase
        return kind(self.clock, self.randoms("database"))

    def build_redis_server(self) -> SimulatedRedis:
        """What stands for Redis: what it keeps."""
        return SimulatedRedis(self.clock)

    def build_redis(self, process: SimulatedProcess) -> Run:
        """The factory that listens where Redis does, for a Redis that starts with nothing in it."""
        self.redis.clock = process
        self.redis.flush()
        return self.redis.factory()

    def build_base(self, process: SimulatedProcess, run: int) -> parts.Base:
        """What every part of a server needs."""
        return SimulatedBase(self.config, process, SeededIds(f"{self.seed} {process.name} {run}"))

    def build_database(self, base: parts.Base) -> Database:
        """The stores of a process."""
        database = self.database.connect(base.reactor)
        database.streams = self.build_streams(base, database.streams)
        database.sessions = self.build_sessions(base, database.sessions)
        database.conversations = self.build_conversations(base, database.conversations)
        return database

    def build_streams(self, base: parts.Base, streams: StreamStore) -> StreamStore:
        """The streams of a process."""
        return streams

    def build_sessions(self, base: parts.Base, sessions: SessionStore) -> SessionStore:
        """The sessions of a process."""
        return sessions

    def build_conversations(self, base: parts.Base, conversations: ConversationStore) -> ConversationStore:
        """The conversations of a process."""
        return conversations

    def build_pool(self, base: parts.Base) -> RedisPool:
        """Connections to Redis."""
        settings = RedisSettings(endpoint=f"tcp:{self.redis_server.host}:6379")
        return RedisPool(base.reactor, settings, base.ids.fraction)

    def build_bus(self, base: parts.Base, pool: RedisPool, server: Server) -> Bus:
        """The bus of a chat node."""
        return WatchedBus(self, server, base.reactor, pool, base.ids.new_id())

    def build_limiter(self, base: parts.Base, pool: RedisPool) -> RateLimiter:
        """What counts requests."""
        return grounds.limiter(base, pool)

    def build_codes(self, base: parts.Base, pool: RedisPool) -> CodeStore:
        """Where verification codes are."""
        return RedisCodes(pool, pool.settings.prefix)

    def build_presence(self, base: parts.Base, pool: RedisPool) -> PresenceStore:
        """Who is there, as all chat nodes know it."""
        return RedisPresence(pool, pool.settings.prefix)

    def build_mailer(self, base: parts.Base) -> Mailer:
        """What sends mails."""
        return Mailbox(self, base.reactor)

    def build_status_logic(
        self, base: parts.Base, database: Database, publisher: Publisher, nodes: Nodes
    ) -> StatusLogic:
        """The logic of a status server."""
        return parts.status_logic(base, database.sessions, publisher, nodes)

    def build_chat_node(
        self,
        base: parts.Base,
        node_id: str,
        address: NodeAddress,
        database: Database,
        bus: Bus,
        presence: PresenceStore,
        status: StatusPort,
        limiter: RateLimiter,
    ) -> ChatNode:
        """A chat node."""
        return parts.chat_node(base, node_id, address, database, bus, presence, status, limiter, self.conditions.chat)

    def build_client(self, device: Device, outside: Outside, handler: Handler, options: Options) -> Client:
        """The client of a device."""
        return Client(outside, handler, options)
