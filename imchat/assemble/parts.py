"""The parts of imchat, each built from the configuration and from what it talks to, whichever process holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twisted.python.threadpool import ThreadPool

from imchat.assemble import settings as mapped
from imchat.assemble.lifecycle import Listener
from imchat.chat.node import ChatNode
from imchat.chat.settings import ChatSettings
from imchat.config import Config
from imchat.domain.models import NodeAddress
from imchat.gate.build import build_admin_site, build_gate_site
from imchat.gate.hashing import Argon2Hasher, HashingPool, in_pool
from imchat.gate.logic import Gate, Operators
from imchat.gate.settings import HttpSettings
from imchat.net.background import now_ms, spawn
from imchat.net.content import WireContentCodec
from imchat.net.ids import SecureIds
from imchat.ports import (
    Bus,
    CodeStore,
    Health,
    Mailer,
    NodeCopy,
    PresenceStore,
    Publisher,
    RateLimiter,
    SessionStore,
    StatusPort,
    VerifyPort,
)
from imchat.startup import StartupError
from imchat.status.logic import Nodes, StatusLogic
from imchat.store.sql.database import Database
from imchat.verify.logic import VerifyLogic
from imchat.verify.mails import compose
from imchat.verify.message import BadAddress
from imchat.verify.settings import SmtpSettings
from imchat.verify.smtp import SmtpMailer


class Base:
    """What every part of a process needs.

    Args:
        config: The configuration, its paths absolute where they must be.
        reactor: The reactor of the process.

    Attributes:
        config: As given.
        reactor: As given.
        ids: Randomness.
        codec: Content to stored form.
        now_ms: The clock, ms UTC.
    """

    def __init__(self, config: Config, reactor: Any) -> None:
        self.config = config
        self.reactor = reactor
        self.ids = SecureIds()
        self.codec = WireContentCodec()
        self.now_ms = now_ms(reactor)


def nodes(base: Base, copy: NodeCopy) -> Nodes:
    """The table of the chat nodes."""
    return Nodes(copy, base.reactor, mapped.status_settings(base.config.status).report_interval_ms, spawn)


def status_logic(base: Base, sessions: SessionStore, publisher: Publisher, known: Nodes) -> StatusLogic:
    """Placement and sessions."""
    settings = mapped.status_settings(base.config.status)
    return StatusLogic(base.ids, sessions, base.codec, publisher, known, base.now_ms, settings)


def verify_logic(base: Base, codes: CodeStore, limiter: RateLimiter, mailer: Mailer) -> VerifyLogic:
    """Verification codes."""
    return VerifyLogic(base.ids, codes, limiter, mailer, compose, mapped.verify_settings(base.config.verify))


def smtp_mailer(base: Base, smtp: SmtpSettings) -> SmtpMailer:
    """What hands mails to a mail server.

    Raises:
        StartupError: its settings cannot be used.
    """
    try:
        return SmtpMailer(base.reactor, base.reactor, base.ids, smtp)
    except BadAddress as error:
        raise bad_sender(smtp, error) from error
    except ValueError as error:
        raise StartupError(f"verify.smtp.ca_file: {error}") from error


def bad_sender(smtp: SmtpSettings, error: BadAddress) -> StartupError:
    """What an operator is told of a sender that is no address."""
    return StartupError(f"verify.smtp.sender = {smtp.sender!r}: {error}")


def chat_node(
    base: Base,
    node_id: str,
    address: NodeAddress,
    database: Database,
    bus: Bus,
    presence: PresenceStore,
    status: StatusPort,
    limiter: RateLimiter,
    settings: ChatSettings,
) -> ChatNode:
    """A chat node."""
    return ChatNode(
        node_id=node_id,
        address=address,
        accounts=database.accounts,
        sessions=database.sessions,
        streams=database.streams,
        conversations=database.conversations,
        contacts=database.contacts,
        people=database.people,
        relations=database.contacts,
        seen=database.seen,
        presence=presence,
        own_states=database.own_states,
        positions=database.positions,
        retention=database.retention,
        bus=bus,
        status=status,
        limiter=limiter,
        ids=base.ids,
        clock=base.reactor,
        codec=base.codec,
        settings=settings,
    )


@dataclass(frozen=True, slots=True)
class GatePart:
    """The gate of a process.

    Attributes:
        public: The HTTP API.
        private: The operator's.
        threads: Hash passwords; to be started and stopped with the process.
    """

    public: Listener
    private: Listener
    threads: ThreadPool


def gate_part(
    base: Base,
    database: Database,
    status: StatusPort,
    verify: VerifyPort,
    limiter: RateLimiter,
    dependencies: Mapping[str, Health],
) -> GatePart:
    """The gate.

    Args:
        base: Of the process.
        database: Accounts and invitations.
        status: Sessions and routes.
        verify: Codes.
        limiter: Counts requests.
        dependencies: What must answer for ``/readyz``.
    """
    config = base.config
    threads = ThreadPool(1, config.gate.hashing.threads, "imchat-hashing")
    pool = HashingPool(in_pool(base.reactor, threads), config.gate.hashing.threads, config.gate.hashing.queue)
    hasher = Argon2Hasher(pool, mapped.hash_parameters(config.gate))
    gate = Gate(
        accounts=database.accounts,
        invitations=database.invitations,
        status=status,
        verify=verify,
        limiter=limiter,
        hasher=hasher,
        ids=base.ids,
        now_ms=base.now_ms,
        policy=mapped.gate_policy(config),
        codec=base.codec,
    )
    operators = Operators(
        accounts=database.accounts,
        invitations=database.invitations,
        hasher=hasher,
        ids=base.ids,
        now_ms=base.now_ms,
    )
    settings = mapped.http_settings(config.gate)
    public = build_gate_site(gate, dependencies, ids=base.ids, limiter=limiter, settings=settings, clock=base.reactor)
    private = build_admin_site(operators, ids=base.ids, limiter=limiter, settings=HttpSettings(), clock=base.reactor)
    # A colon in a path would end it in an endpoint string.
    socket_path = str(config.admin_socket).replace("\\", "\\\\").replace(":", "\\:")
    return GatePart(
        Listener("HTTP", config.gate.listen, public),
        Listener("administration", f"unix:{socket_path}:mode=600", private),
        threads,
    )
