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
from imchat.assemble import metrics, parts
from imchat.assemble import settings as mapped
from imchat.assemble.lifecycle import Listener, ServerService, Steps
from imchat.config import Config
from imchat.startup import DirectoryLock, StartupError
from imchat.store import sqlite
from imchat.store.memory import MemoryCodeStore, MemoryHub, MemoryNodeCopy, MemoryPresence, MemoryRateLimiter
from imchat.store.sql.schema import SchemaError
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
        self._base = base = parts.Base(config, reactor)
        self._config = config
        self._reactor = reactor
        self._lock = lock
        self._file_threads = ThreadPool(0, 1, "imchat-files")
        self.address = startup.advertised(config.chat.listen, config.chat.advertise)
        lifetime = mapped.session_lifetime_ms(config.status)
        self.database = sqlite.open_database(self._data / DATABASE_FILE, reactor, base.now_ms, lifetime)
        limiter = MemoryRateLimiter(base.now_ms)
        hub = MemoryHub(reactor)
        self._bus = hub.attach(NODE_ID)
        self._nodes = parts.nodes(base, MemoryNodeCopy(base.now_ms))
        self.status = parts.status_logic(base, self.database.sessions, hub, self._nodes)
        self.mailer = self._mailer()
        self.verify = parts.verify_logic(base, MemoryCodeStore(base.now_ms), limiter, self.mailer)
        settings = mapped.chat_settings(config)
        presence = MemoryPresence(base.now_ms)
        self.node = parts.chat_node(
            base, NODE_ID, self.address, self.database, self._bus, presence, self.status, limiter, settings
        )
        dependencies = {"database": self.database.health}
        self._gate = parts.gate_part(base, self.database, self.status, self.verify, limiter, dependencies)

    @property
    def _data(self) -> Path:
        return self._config.server.data_dir

    def _mailer(self) -> SmtpMailer | OutboxMailer:
        smtp = mapped.smtp_settings(self._config.verify.smtp)
        if smtp.host:
            return parts.smtp_mailer(self._base, smtp)
        in_thread = partial(deferToThreadPool, self._reactor, self._file_threads)
        try:
            return OutboxMailer(self._data / OUTBOX, self._base.ids, self._base.now_ms, in_thread, smtp.sender)
        except BadAddress as error:
            raise parts.bad_sender(smtp, error) from error

    def service(self) -> IService:
        """The service that runs everything."""
        gate, threads = self._gate, (self._gate.threads, self._file_threads)
        chat = Listener("chat", self._config.chat.listen, self.node.factory)
        watch = metrics.Watch(self._config, self._reactor, NODE_ID, startup.node_name(self._config.server.node))
        watch.database(self.database).chat(self.node)
        return ServerService(
            self._reactor,
            Steps(
                opening=(self._open,),
                listeners=(chat, gate.public, gate.private, *watch.listeners),
                opened=(self._tell,),
                closing=(self.node.drain, self._stop_mails, self.database.close),
                released=(self._nodes.stop, self._bus.close, *(pool.stop for pool in threads), self._lock.release),
            ),
        )

    async def _open(self) -> None:
        self._lock.note_holder()
        self._gate.threads.start()
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
    config = mapped.with_directory(config, data_dir)
    lock = DirectoryLock(data_dir)
    lock.acquire()
    startup.check_ports(
        (config.gate.listen, "gate.listen"), (config.chat.listen, "chat.listen"), *metrics.ports(config)
    )
    startup.check_socket_path(config.admin_socket, "admin.socket")
    try:
        sqlite.migrate(data_dir / DATABASE_FILE)
    except SchemaError as error:
        raise StartupError(str(error)) from error
    return EmbeddedServer(config, reactor, lock).service()
