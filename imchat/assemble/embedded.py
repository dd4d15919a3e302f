"""The embedded server: gate, verify, status and chat in one process, SQLite for the truth, memory for the rest."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from imchat import startup
from imchat.assemble import settings as mapped
from imchat.assemble.lifecycle import Listener, ServerService, Steps
from imchat.chat.node import ChatNode
from imchat.config import Config
from imchat.gate.build import build_admin_site, build_gate_site
from imchat.gate.hashing import Argon2Hasher, HashingPool, in_pool
from imchat.gate.logic import Gate, Operators
from imchat.gate.settings import HttpSettings
from imchat.net.background import now_ms
from imchat.net.content import WireContentCodec
from imchat.net.ids import SecureIds
from imchat.startup import DirectoryLock, StartupError
from imchat.status.logic import StatusLogic
from imchat.store import sqlite
from imchat.store.memory import MemoryCodeStore, MemoryHub, MemoryRateLimiter
from imchat.store.sql.database import Database
from imchat.store.sql.schema import SchemaError
from imchat.verify.logic import VerifyLogic
from imchat.verify.mails import compose
from imchat.verify.message import BadAddress
from imchat.verify.outbox import OutboxMailer
from imchat.verify.smtp import SmtpMailer

NODE_ID = "embedded"
DATABASE_FILE = "imchat.sqlite"
OUTBOX = "outbox"

_log = Logger(namespace="imchat")


class EmbeddedServer:
    """Builds all parts and wires them; nothing runs before :meth:`service` is started.

    Args:
        config: The configuration, its paths absolute and its directory prepared.
        reactor: The reactor of the process.
        lock: Held on the data directory.
    """

    def __init__(self, config: Config, reactor: Any, lock: DirectoryLock) -> None:
        self._config = config
        self._reactor = reactor
        self._lock = lock
        self._now_ms = now_ms(reactor)
        self._ids = SecureIds()
        self._codec = WireContentCodec()
        self._limiter = MemoryRateLimiter(self._now_ms)
        self._hub = MemoryHub(reactor)
        self._bus = self._hub.attach(NODE_ID)
        self._hash_threads = ThreadPool(1, config.gate.hashing.threads, "imchat-hashing")
        self._file_threads = ThreadPool(0, 1, "imchat-files")
        self.address = startup.advertised(config.chat.listen, config.chat.advertise)
        self.database = self._open_database()
        self.status = StatusLogic(
            self._ids,
            self.database.sessions,
            self._codec,
            self._hub,
            self._now_ms,
            mapped.status_settings(config.status),
        )
        self.mailer = self._mailer()
        self.verify = self._build_verify()
        self.node = self._build_node()

    @property
    def _data(self) -> Path:
        return self._config.server.data_dir

    def _open_database(self) -> Database:
        lifetime = mapped.session_lifetime_ms(self._config.status)
        return sqlite.open_database(self._data / DATABASE_FILE, self._reactor, self._now_ms, lifetime)

    def _mailer(self) -> SmtpMailer | OutboxMailer:
        smtp = mapped.smtp_settings(self._config.verify.smtp)
        try:
            if smtp.host:
                return SmtpMailer(self._reactor, self._reactor, self._ids, smtp)
            in_thread = partial(deferToThreadPool, self._reactor, self._file_threads)
            return OutboxMailer(self._data / OUTBOX, self._ids, self._now_ms, in_thread, smtp.sender)
        except BadAddress as error:
            raise StartupError(f"verify.smtp.sender = {smtp.sender!r}: {error}") from error
        except ValueError as error:
            raise StartupError(f"verify.smtp.ca_file: {error}") from error

    def _build_verify(self) -> VerifyLogic:
        return VerifyLogic(
            self._ids,
            MemoryCodeStore(self._now_ms),
            self._limiter,
            self.mailer,
            compose,
            mapped.verify_settings(self._config.verify),
        )

    def _build_node(self) -> ChatNode:
        return ChatNode(
            node_id=NODE_ID,
            address=self.address,
            accounts=self.database.accounts,
            sessions=self.database.sessions,
            streams=self.database.streams,
            conversations=self.database.conversations,
            bus=self._bus,
            status=self.status,
            ids=self._ids,
            clock=self._reactor,
            codec=self._codec,
            settings=mapped.chat_settings(self._config),
        )

    def _gate_listeners(self) -> tuple[Listener, Listener]:
        config = self._config
        hashing = config.gate.hashing
        pool = HashingPool(in_pool(self._reactor, self._hash_threads), hashing.threads, hashing.queue)
        hasher = Argon2Hasher(pool, mapped.hash_parameters(config.gate))
        gate = Gate(
            accounts=self.database.accounts,
            invitations=self.database.invitations,
            status=self.status,
            verify=self.verify,
            limiter=self._limiter,
            hasher=hasher,
            ids=self._ids,
            now_ms=self._now_ms,
            policy=mapped.gate_policy(config),
        )
        operators = Operators(
            accounts=self.database.accounts,
            invitations=self.database.invitations,
            hasher=hasher,
            ids=self._ids,
            now_ms=self._now_ms,
        )
        public = build_gate_site(
            gate,
            {"database": self.database.health},
            ids=self._ids,
            limiter=self._limiter,
            settings=mapped.http_settings(config.gate),
            clock=self._reactor,
        )
        private = build_admin_site(
            operators, ids=self._ids, limiter=self._limiter, settings=HttpSettings(), clock=self._reactor
        )
        # A colon in a path would end it in an endpoint string.
        socket_path = str(config.admin_socket).replace("\\", "\\\\").replace(":", "\\:")
        return (
            Listener("HTTP", config.gate.listen, public),
            Listener("administration", f"unix:{socket_path}:mode=600", private),
        )

    def service(self) -> IService:
        """The service that runs everything."""
        return ServerService(
            self._reactor,
            Steps(
                opening=(self._open,),
                listeners=(Listener("chat", self._config.chat.listen, self.node.factory), *self._gate_listeners()),
                opened=(self._tell,),
                closing=(self.node.drain, self._stop_mails, self.database.close),
                released=(self._bus.close, self._hash_threads.stop, self._file_threads.stop, self._lock.release),
            ),
        )

    async def _open(self) -> None:
        self._lock.note_holder()
        self._hash_threads.start()
        self._file_threads.start()
        await self.database.health.ping()
        self.node.start()

    async def _stop_mails(self) -> None:
        if isinstance(self.mailer, SmtpMailer):
            await self.mailer.stop()

    def _tell(self) -> None:
        _log.info("data in {path}", path=str(self._data))
        smtp = self._config.verify.smtp
        if smtp.host:
            _log.info("mails go to {host}:{port}", host=smtp.host, port=smtp.port)
        else:
            _log.info("no mail server is configured: mails become files in {path}", path=str(self._data / OUTBOX))


def build_embedded(config: Config, reactor: Any) -> IService:
    """Prepare the data directory and the database, check the ports, and build the embedded server.

    Synchronous, for before ``twistd`` becomes a daemon.

    Raises:
        StartupError: it cannot start; one line says what to change.
    """
    data_dir = startup.make_data_dir(config.server.data_dir)
    admin = config.admin.model_copy(update={"socket": (config.admin.socket or data_dir / "admin.sock").absolute()})
    server = config.server.model_copy(update={"data_dir": data_dir})
    config = config.model_copy(update={"server": server, "admin": admin})
    lock = DirectoryLock(data_dir)
    lock.acquire()
    startup.check_port(config.gate.listen, "gate.listen")
    startup.check_port(config.chat.listen, "chat.listen")
    startup.check_socket_path(config.admin_socket, "admin.socket")
    try:
        sqlite.migrate(data_dir / DATABASE_FILE)
    except SchemaError as error:
        raise StartupError(str(error)) from error
    return EmbeddedServer(config, reactor, lock).service()
