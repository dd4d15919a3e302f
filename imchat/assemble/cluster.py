"""The four servers of a cluster, each in a process of its own: on MariaDB or MySQL, Redis, and links to each other.

Every function checks all that can be checked before ``twistd`` becomes a daemon, synchronously, and raises
:class:`imchat.startup.StartupError` with one line that says what to change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.application.service import IService

from imchat import startup
from imchat.assemble import ground as grounds
from imchat.assemble import metrics, parts
from imchat.assemble import settings as mapped
from imchat.assemble.lifecycle import Listener, ServerService, Steps
from imchat.assemble.workers import Place, check_sharing, supervise
from imchat.config import Config
from imchat.net.links import messages
from imchat.net.links.proxies import RemoteStatus, RemoteVerify
from imchat.net.links.server import LinkServer
from imchat.startup import StartupError
from imchat.status.adapter import StatusAdapter
from imchat.verify.adapter import VerifyAdapter

DRAIN = 10.0
"""Seconds for calls of other servers that run when a server is told to end."""

MAIL_SLACK = 5.0
"""So much longer, in seconds, does a gate wait for a verify server than that waits for the mail server."""


def _started(*starts: Callable[[], object]) -> Callable[[], Awaitable[None]]:
    async def start() -> None:
        for one in starts:
            one()

    return start


def build_verify(config: Config, reactor: Any) -> IService:
    """A verify server."""
    if not config.verify.smtp.host:
        raise StartupError("verify.smtp.host is empty: a cluster needs a mail server, nobody would read its outbox/")
    ground = grounds.check(config, reactor, with_database=False)
    grounds.check_listener(reactor, config.verify.listen, "verify.listen")
    startup.check_ports((config.verify.listen, "verify.listen"), *metrics.ports(config))
    base = parts.Base(config, reactor)
    mailer = parts.smtp_mailer(base, mapped.smtp_settings(config.verify.smtp))
    pool = grounds.redis_pool(base, ground)
    from imchat.store.redis import RedisCodes

    codes = RedisCodes(pool, pool.settings.prefix)
    logic = parts.verify_logic(base, codes, grounds.limiter(base, pool), mailer)
    server = LinkServer(messages.VERIFY, VerifyAdapter(logic).handlers, ground.secret, base.ids, reactor)
    watch = metrics.Watch(config, reactor, "verify", startup.node_name(config.server.node)).redis(pool)
    return ServerService(
        reactor,
        Steps(
            opening=(_started(pool.start),),
            listeners=(Listener("verify", config.verify.listen, server), *watch.listeners),
            leaving=(lambda: server.drain(DRAIN),),
            closing=(mailer.stop, pool.close),
        ),
    )


def build_status(config: Config, reactor: Any) -> IService:
    """A status server."""
    ground = grounds.check(config, reactor, with_database=True)
    grounds.check_listener(reactor, config.status.listen, "status.listen")
    startup.check_ports((config.status.listen, "status.listen"), *metrics.ports(config))
    base = parts.Base(config, reactor)
    database, pool = grounds.database(base, ground), grounds.redis_pool(base, ground)
    from imchat.net.redis import RedisPublisher
    from imchat.store.redis import RedisNodeCopy

    name = startup.node_name(config.server.node)
    publisher = RedisPublisher(reactor, pool, f"status-{name}", base.ids.new_id())
    nodes = parts.nodes(base, RedisNodeCopy(pool, pool.settings.prefix))
    logic = parts.status_logic(base, database.sessions, publisher, nodes)
    server = LinkServer(messages.STATUS, StatusAdapter(logic).handlers, ground.secret, base.ids, reactor)
    watch = metrics.Watch(config, reactor, "status", name).database(database).redis(pool)
    return ServerService(
        reactor,
        Steps(
            opening=(_started(ground.warn, pool.start, publisher.start), nodes.start, database.health.ping),
            listeners=(Listener("status", config.status.listen, server), *watch.listeners),
            leaving=(lambda: server.drain(DRAIN),),
            closing=(_started(nodes.stop), publisher.close, pool.close, database.close),
        ),
    )


def build_gate(config: Config, reactor: Any, place: Place, command: Sequence[str]) -> IService:
    """A gate, one of its workers, or the parent of them.

    Args:
        config: The configuration.
        reactor: The reactor of the process.
        place: Which process of the server this is.
        command: What starts a worker, but for its number.
    """
    ground = grounds.check(config, reactor, with_database=True)
    config = mapped.with_directory(config, startup.make_data_dir(config.server.data_dir))
    if place.owns_port:
        startup.check_ports((config.gate.listen, "gate.listen"), *metrics.ports(config, config.gate.workers))
    if place.first:
        startup.check_shared_socket_path(config.admin_socket, "admin.socket")
    if place.supervises(config.gate.workers):
        check_sharing(config.gate.listen, "gate")
        return supervise(reactor, command, config.gate.workers)
    base = parts.Base(config, reactor)
    database, pool = grounds.database(base, ground), grounds.redis_pool(base, ground)
    to_status = grounds.links(base, ground, messages.STATUS, config.links.status, "links.status")
    to_verify = grounds.links(base, ground, messages.VERIFY, config.links.verify, "links.verify")
    verify = RemoteVerify(to_verify, config.verify.smtp.timeout + MAIL_SLACK)
    # Neither Redis nor verify: people can log in without them, and a gate that says that it is not ready gets nobody.
    dependencies = {"database": database.health, "status": to_status}
    gate = parts.gate_part(base, database, RemoteStatus(to_status), verify, grounds.limiter(base, pool), dependencies)
    node_id = place.node_id(startup.node_name(config.server.node))
    watch = metrics.Watch(config, reactor, "gate", node_id, place.worker).database(database).redis(pool)
    return ServerService(
        reactor,
        place.steps(
            reactor,
            Steps(
                opening=(
                    _started(ground.warn, gate.threads.start, pool.start),
                    database.health.ping,
                    lambda: grounds.link_up(reactor, to_status, to_verify),
                ),
                listeners=(
                    place.shared(gate.public),
                    *((gate.private,) if place.first else ()),
                    *watch.listeners,
                ),
                closing=(lambda: grounds.link_down(to_status, to_verify), pool.close, database.close),
                released=(gate.threads.stop,),
            ),
        ),
    )


def build_chat(config: Config, reactor: Any, place: Place, command: Sequence[str]) -> IService:
    """A chat node, one of several behind a port, or the parent of these; arguments as of :func:`build_gate`."""
    address = startup.advertised(config.chat.listen, config.chat.advertise)
    ground = grounds.check(config, reactor, with_database=True)
    if place.owns_port:
        startup.check_ports((config.chat.listen, "chat.listen"), *metrics.ports(config, config.chat.workers))
    if place.supervises(config.chat.workers):
        check_sharing(config.chat.listen, "chat")
        return supervise(reactor, command, config.chat.workers)
    base = parts.Base(config, reactor)
    database, pool = grounds.database(base, ground), grounds.redis_pool(base, ground)
    to_status = grounds.links(base, ground, messages.STATUS, config.links.status, "links.status")
    from imchat.net.redis import RedisBus

    node_id = place.node_id(startup.node_name(config.server.node))
    bus = RedisBus(reactor, pool, node_id, base.ids.new_id())
    settings = mapped.chat_settings(config)
    status, limiter = RemoteStatus(to_status), grounds.limiter(base, pool)
    from imchat.store.redis import RedisPresence

    presence = RedisPresence(pool, pool.settings.prefix)
    node = parts.chat_node(base, node_id, address, database, bus, presence, status, limiter, settings)
    watch = metrics.Watch(config, reactor, "chat", node_id, place.worker).database(database).redis(pool).chat(node)
    return ServerService(
        reactor,
        place.steps(
            reactor,
            Steps(
                opening=(
                    _started(ground.warn, pool.start, bus.start),
                    database.health.ping,
                    lambda: grounds.link_up(reactor, to_status),
                    _started(node.start),
                ),
                listeners=(place.shared(Listener("chat", config.chat.listen, node.factory)), *watch.listeners),
                closing=(
                    node.drain,
                    bus.close,
                    pool.close,
                    lambda: grounds.link_down(to_status),
                    database.close,
                ),
            ),
        ),
    )
