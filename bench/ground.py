"""The servers that are measured, as child processes, with the limits raised that would throttle a load generator."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.request import urlopen

from imchat.assemble.embedded import DATABASE_FILE
from imchat.domain.sessions import DAY_MS
from imchat.store import mysql, sqlite
from imchat.store.sql.database import Database
from imchat.testing import Child, Cluster, EmbeddedServer, ServerFailed, free_port

T = TypeVar("T")

_LIMITS = (
    *(f"chat.{whose}.{kind}" for whose in ("limits", "account_limits") for kind in ("frames", "messages", "reads")),
    "gate.logins_per_address",
    "gate.logins_per_account",
    "gate.requests_per_address",
)

SETTINGS = [
    *(f"{limit}.{part}" for limit in _LIMITS for part in ("count=1000000", "seconds=1")),
    "chat.connections_per_address=20000",
    "gate.connections_per_address=2000",
]
"""What differs from the defaults."""

MARIADB_OPTIONS = ["--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M"]
"""Beside those of :class:`imchat.testing.PrivateMariaDB`; durability stays as it is."""


class Ground(Protocol):
    """Servers under measurement.

    Attributes:
        nodes: HOST, PORT of each chat node.
        url: The gate.
    """

    nodes: list[tuple[str, int]]
    url: str

    async def start(self, fill: Callable[[Database], Awaitable[T]]) -> T:
        """Start all, with what ``fill`` puts into the database."""

    async def stop(self) -> None:
        """End all."""

    async def fresh_node(self) -> None:
        """Start the first chat node anew, so that its memory tells nothing of earlier runs."""

    def pids(self) -> dict[str, int]:
        """Process ids; the names of chat nodes begin with ``chat``."""

    def flushes(self) -> int:
        """How many batches the chat nodes have brought to the database."""


def _with_metrics(server: Child) -> int:
    """Let a server serve its metrics; the port."""
    port = free_port()
    server.command.append(f"--metrics=tcp:{port}:interface=127.0.0.1")
    return port


def _flushes(port: int) -> int:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode("utf-8")
    found = re.search(r"^imchat_chat_flush_messages_count(?:\{.*\})? ([0-9.e+]+)$", text, re.MULTILINE)
    if found is None:
        raise ServerFailed("the chat node does not tell its flushes")
    return int(float(found[1]))


class ClusterGround:
    """A cluster on MariaDB and Redis.

    Args:
        reactor: Starts processes.
        directory: For its data.
        nodes: How many chat nodes.
    """

    def __init__(self, reactor: Any, directory: Path, nodes: int) -> None:
        self._reactor = reactor
        self._cluster = Cluster(reactor, directory, SETTINGS, [chr(ord("a") + number) for number in range(nodes)])
        self._cluster.mariadb.command += MARIADB_OPTIONS
        self.nodes = [("127.0.0.1", self._cluster.ports[f"chat-{node}"]) for node in self._cluster.chats]
        self.url = self._cluster.url
        self._metrics = [_with_metrics(chat) for chat in self._cluster.chats.values()]

    @property
    def _account(self) -> dict[str, Any]:
        mariadb = self._cluster.mariadb
        return {"host": "127.0.0.1", "port": mariadb.port, "user": mariadb.user, "password": mariadb.password}

    async def start(self, fill: Callable[[Database], Awaitable[T]]) -> T:
        """Start all."""
        await self._cluster.start()
        settings = mysql.MysqlSettings(database=self._cluster.mariadb.database, **self._account)
        database = mysql.open_database(settings, self._reactor, 30 * DAY_MS)
        try:
            return await fill(database)
        finally:
            await database.close()

    async def stop(self) -> None:
        """End all."""
        await self._cluster.stop()

    async def fresh_node(self) -> None:
        """Start the first node anew."""
        node = next(iter(self._cluster.chats.values()))
        await node.stop()
        await node.start()

    def pids(self) -> dict[str, int]:
        """All processes."""
        return {name: child.pid for name, child in self._cluster.children.items() if child.pid is not None}

    def flushes(self) -> int:
        """Of all nodes."""
        return sum(map(_flushes, self._metrics))


class EmbeddedGround:
    """The embedded server on SQLite.

    Args:
        reactor: Starts processes.
        directory: For its data.
    """

    def __init__(self, reactor: Any, directory: Path) -> None:
        self._reactor = reactor
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True)
        self._server = EmbeddedServer(reactor, directory, SETTINGS)
        self.nodes = [("127.0.0.1", self._server.chat_port)]
        self.url = self._server.url
        self._metrics = _with_metrics(self._server)

    async def start(self, fill: Callable[[Database], Awaitable[T]]) -> T:
        """Fill the database, which nobody else has open yet, then start."""
        path = self._directory / DATABASE_FILE
        sqlite.migrate(path)
        database = sqlite.open_database(path, self._reactor, lambda: int(time.time() * 1_000), 30 * DAY_MS)
        try:
            filled = await fill(database)
        finally:
            await database.close()
        await self._server.start()
        return filled

    async def stop(self) -> None:
        """End it."""
        await self._server.stop()

    async def fresh_node(self) -> None:
        """Start it anew."""
        await self._server.stop()
        await self._server.start()

    def pids(self) -> dict[str, int]:
        """The one process."""
        return {} if self._server.pid is None else {"chat": self._server.pid}

    def flushes(self) -> int:
        """Of the one node."""
        return _flushes(self._metrics)
