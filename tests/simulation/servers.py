"""The machines of the cluster and what runs on them, put together as :mod:`imchat.assemble.cluster` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint

from imchat.assemble import ground as grounds
from imchat.assemble import parts
from imchat.assemble.cluster import DRAIN, MAIL_SLACK
from imchat.assemble.lifecycle import Listener, ServerService, Steps
from imchat.chat.logic.connection import Live
from imchat.chat.node import ChatNode
from imchat.domain.models import NodeAddress
from imchat.gate.build import build_admin_site, build_gate_site
from imchat.gate.logic import Gate, Operators
from imchat.gate.settings import HttpSettings
from imchat.net.links import messages
from imchat.net.links.pool import Links
from imchat.net.links.proxies import RemoteStatus, RemoteVerify
from imchat.net.links.server import LinkServer
from imchat.net.redis import RedisPublisher
from imchat.status.adapter import StatusAdapter
from imchat.store.redis import RedisNodeCopy
from imchat.verify.adapter import VerifyAdapter
from tests.fakes.gate import CountingHasher
from tests.simulation.process import SimulatedProcess

if TYPE_CHECKING:
    from tests.simulation.world import World

REBOOT = 2.0
"""Seconds after which a server that could not start is started again."""

GATE_PORT, ADMIN_PORT, CHAT_PORT, STATUS_PORT, VERIFY_PORT = 8080, 8081, 8090, 8092, 8091


class _Service(ServerService):
    """A server process; one that cannot start ends, and no real process with it."""

    def __init__(self, server: Server, process: SimulatedProcess, steps: Steps) -> None:
        super().__init__(process, steps)
        self._server = server
        self._process = process

    def _spare_the_collector(self) -> None:
        """Its garbage is that of a world of many processes: a collection here would end what killed ones waited for."""

    def _fail(self, error: Exception) -> None:
        self._server.could_not_start(self._process, error)


class Server:
    """A machine with one server on it, which is started again whenever it has ended.

    Args:
        world: Where it is.
        name: Its name.
        host: Its address.

    Attributes:
        process: What runs there now, or ran last.
    """

    crash_points: tuple[str, ...] = ()

    def __init__(self, world: World, name: str, host: str) -> None:
        self.world = world
        self.name = name
        self.host = host
        self.clock_offset = 0.0
        self.runs = 0
        self.process: SimulatedProcess
        self._service: _Service | None = None

    @property
    def up(self) -> bool:
        """Whether its process runs."""
        return self.runs > 0 and not self.process.dead

    def boot(self) -> None:
        """Start the server, in a new process."""
        if self.up:
            return
        self.runs += 1
        self.world.network.find(self.host)
        self.process = process = SimulatedProcess(self.world.network, self.name, self.host, self.clock_offset)
        process.ended = self._ended
        self.world.trace.note(self.name, "starts")
        with self.world.network.stepping(process):
            self._service = _Service(self, process, self.build(process))
            self._service.startService()

    def build(self, process: SimulatedProcess) -> Steps:
        """What runs in the process."""
        raise NotImplementedError

    def could_not_start(self, process: SimulatedProcess, error: Exception) -> None:
        """As the operating system sees it: the process ended at once, and its supervisor tries again."""
        self.world.trace.note(self.name, "cannot start: %s", error)
        process.crash()
        self.boot_in(REBOOT)

    def boot_in(self, seconds: float) -> None:
        """Start it after a while."""
        self.world.timeline.after(seconds, self.boot)

    def crash(self, why: str, silently: bool = False) -> None:
        """End its process as by SIGKILL, or with the whole machine."""
        if self.up:
            self.world.trace.note(self.name, "%s: %s", "the machine is lost" if silently else "killed", why)
            if silently:
                self.world.network.lose(self.host)
            self.process.crash(silently)

    def freeze(self) -> None:
        """Stop its process as by SIGSTOP."""
        self.world.trace.note(self.name, "frozen")
        self.process.freeze()
        self.world.database.freeze(self.name)

    def thaw(self) -> None:
        """Let its process go on."""
        if self.up and self.process.frozen:
            self.world.trace.note(self.name, "thawed")
            self.process.thaw()
            self.world.database.thaw(self.name)

    def leave(self) -> Deferred[None]:
        """End it in order, as by SIGTERM."""
        self.world.trace.note(self.name, "ends in order")
        assert self._service is not None
        process = self.process
        with self.world.network.stepping(process):
            stopped: Deferred[None] = self._service.stopService()
        return stopped.addBoth(lambda _: process.crash())

    def _ended(self, silently: bool) -> None:
        self.world.database.crash(self.name, silently)

    # --- what the parts have in common

    def _links(self, base: parts.Base, service: messages.Service, servers: list[Server], port: int) -> Links:
        places = [
            (f"tcp:{server.host}:{port}", TCP4ClientEndpoint(base.reactor, server.host, port)) for server in servers
        ]
        return Links(service, places, self.world.secret, base.ids, base.reactor)


async def _now(*starts) -> None:
    for start in starts:
        start()


class VerifyServer(Server):
    """Sends codes by mail."""

    def build(self, process: SimulatedProcess) -> Steps:
        world = self.world
        base = world.build_base(process, self.runs)
        pool = world.build_pool(base)
        logic = parts.verify_logic(
            base, world.build_codes(base, pool), world.build_limiter(base, pool), world.build_mailer(base)
        )
        server = LinkServer(messages.VERIFY, VerifyAdapter(logic).handlers, world.secret, base.ids, process)
        return Steps(
            opening=(lambda: _now(pool.start),),
            listeners=(Listener("verify", f"tcp:{VERIFY_PORT}", server),),
            leaving=(lambda: server.drain(DRAIN),),
            closing=(pool.close,),
        )


class StatusServer(Server):
    """Knows the chat nodes and the sessions."""

    def build(self, process: SimulatedProcess) -> Steps:
        world = self.world
        base = world.build_base(process, self.runs)
        database, pool = world.build_database(base), world.build_pool(base)
        publisher = RedisPublisher(process, pool, self.name, base.ids.new_id())
        nodes = parts.nodes(base, RedisNodeCopy(pool, pool.settings.prefix))
        logic = world.build_status_logic(base, database, publisher, nodes)
        server = LinkServer(messages.STATUS, StatusAdapter(logic).handlers, world.secret, base.ids, process)
        return Steps(
            opening=(lambda: _now(pool.start, publisher.start), nodes.start, database.health.ping),
            listeners=(Listener("status", f"tcp:{STATUS_PORT}", server),),
            leaving=(lambda: server.drain(DRAIN),),
            closing=(lambda: _now(nodes.stop), publisher.close, pool.close, database.close),
        )


class GateServer(Server):
    """The HTTP API, for people and for the operator."""

    def build(self, process: SimulatedProcess) -> Steps:
        world = self.world
        base = world.build_base(process, self.runs)
        database, pool = world.build_database(base), world.build_pool(base)
        limiter = world.build_limiter(base, pool)
        to_status = self._links(base, messages.STATUS, world.statuses, STATUS_PORT)
        to_verify = self._links(base, messages.VERIFY, [world.verify], VERIFY_PORT)
        hasher = CountingHasher()
        gate = Gate(
            accounts=database.accounts,
            invitations=database.invitations,
            status=RemoteStatus(to_status),
            verify=RemoteVerify(to_verify, base.config.verify.smtp.timeout + MAIL_SLACK),
            limiter=limiter,
            hasher=hasher,
            ids=base.ids,
            now_ms=base.now_ms,
            policy=world.gate_policy,
            codec=base.codec,
        )
        operators = Operators(
            accounts=database.accounts,
            invitations=database.invitations,
            hasher=hasher,
            ids=base.ids,
            now_ms=base.now_ms,
        )
        health = {"database": database.health, "status": to_status}
        public = build_gate_site(
            gate, health, ids=base.ids, limiter=limiter, settings=world.http_settings, clock=process
        )
        private = build_admin_site(operators, ids=base.ids, limiter=limiter, settings=HttpSettings(), clock=process)
        return Steps(
            opening=(
                lambda: _now(pool.start),
                database.health.ping,
                lambda: grounds.link_up(process, to_status, to_verify),
            ),
            listeners=(
                Listener("HTTP", f"tcp:{GATE_PORT}", public),
                Listener("administration", f"tcp:{ADMIN_PORT}", private),
            ),
            closing=(lambda: grounds.link_down(to_status, to_verify), pool.close, database.close),
        )


class ChatServer(Server):
    """A chat node.

    Attributes:
        node: What runs there now, or ran last.
    """

    node: ChatNode

    def sessions(self) -> tuple[Live, ...]:
        """The sessions that it counts as connected to it."""
        return self.node._sessions._registry.all() if self.up else ()

    def build(self, process: SimulatedProcess) -> Steps:
        world = self.world
        base = world.build_base(process, self.runs)
        database, pool = world.build_database(base), world.build_pool(base)
        to_status = self._links(base, messages.STATUS, world.statuses, STATUS_PORT)
        bus = world.build_bus(base, pool, self)
        address = NodeAddress(self.host, CHAT_PORT, False)
        status, limiter = RemoteStatus(to_status), world.build_limiter(base, pool)
        presence = world.build_presence(base, pool)
        self.node = node = world.build_chat_node(base, self.name, address, database, bus, presence, status, limiter)
        return Steps(
            opening=(
                lambda: _now(pool.start, bus.start),
                database.health.ping,
                lambda: grounds.link_up(process, to_status),
                lambda: _now(node.start),
            ),
            listeners=(Listener("chat", f"tcp:{CHAT_PORT}", node.factory),),
            closing=(node.drain, bus.close, pool.close, lambda: grounds.link_down(to_status), database.close),
        )


class RedisServer(Server):
    """The machine with Redis, which is no program of ours: a stand-in listens."""

    def boot(self) -> None:
        """Start Redis, with nothing in it."""
        if self.up:
            return
        self.runs += 1
        self.world.network.find(self.host)
        self.process = SimulatedProcess(self.world.network, self.name, self.host, self.clock_offset)
        self.world.trace.note(self.name, "starts")
        self.world.network.listen(self.process, 6379, self.world.build_redis(self.process))

    def freeze(self) -> None:
        """Stop it as by SIGSTOP."""
        self.world.trace.note(self.name, "frozen")
        self.process.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        if self.up and self.process.frozen:
            self.world.trace.note(self.name, "thawed")
            self.process.thaw()
