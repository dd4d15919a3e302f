"""The cluster of real processes, with relays in front of what can be cut off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from imchat.net.background import sleep
from imchat.testing import Cluster, free_port
from tests.faults.plan import Card
from tests.faults.proxy import Proxy
from tests.faults.servers import GENEROUS, LONG, SHORT, Servers

NODES = ("a", "b")
IMCHAT = ("verify", "status", "chat-a", "chat-b", "gate")


class ClusterServers(Servers):
    """gate, verify, status, two chat nodes, MariaDB and Redis.

    Relays stand between clients and each chat node, clients and gate, each chat node and MariaDB, and each chat node
    and Redis.
    """

    def __init__(self, reactor: Any, directory: Path) -> None:
        super().__init__(reactor, directory)
        self._cluster = cluster = Cluster(reactor, directory / "cluster", settings=GENEROUS, nodes=NODES)
        self.children = cluster.children
        self.proxies = {"gate-clients": self._proxy(cluster.ports["gate"])}
        for node in NODES:
            name = f"chat-{node}"
            clients = self.proxies[f"{name}-clients"] = self._proxy(cluster.ports[name])
            database = self.proxies[f"{name}-mariadb"] = self._proxy(cluster.mariadb.port)
            redis = self.proxies[f"{name}-redis"] = self._proxy(cluster.redis.port)
            cluster.chats[node].command += [
                f"--set=chat.advertise=127.0.0.1:{clients.port}",
                f"--set=database.port={database.port}",
                f"--set=redis.endpoint=tcp:127.0.0.1:{redis.port}",
            ]
        self.follow()

    def _proxy(self, target: int) -> Proxy:
        return Proxy(self.reactor, free_port(), target)

    @property
    def url(self) -> str:
        """Through the relay."""
        return f"http://127.0.0.1:{self.proxies['gate-clients'].port}"

    @property
    def admin_socket(self) -> Path:
        """The gate's."""
        return next((self._cluster.directory / "gate").glob("admin*.sock"))

    async def start(self) -> None:
        """Start everything."""
        for proxy in self.proxies.values():
            proxy.open()
        await self._cluster.start()

    async def kill(self) -> None:
        """End everything at once."""
        for proxy in self.proxies.values():
            await proxy.close()
        await self._cluster.kill()

    def cards(self) -> Sequence[Card]:
        """See the class."""
        cards = [Card("flush", "redis", core=True), Card("roll", "all", touches=frozenset(self.everything))]
        for name in self.children:
            chat = name.startswith("chat")
            cards.append(Card("kill", name, SHORT, core=True))
            cards.append(Card("freeze", name, LONG, core=chat or name == "mariadb"))
            cards.append(Card("freeze-and-kill", name, LONG, core=chat))
        return cards + self.connection_cards()

    def finales(self) -> Sequence[Card]:
        """Whatever loses what one node has to tell the other."""
        cards = [Card("kill", "redis", SHORT), Card("freeze-and-kill", "redis", LONG)]
        for node in NODES:
            cards += [Card("close", f"chat-{node}-redis", SHORT), Card("kill", f"chat-{node}", SHORT)]
            cards += [Card("freeze", f"chat-{node}", LONG), Card("stall", f"chat-{node}-mariadb", LONG)]
        return cards

    @property
    def everything(self) -> tuple[str, ...]:
        """Names of all that a fault can touch."""
        return (*self.children, *self.proxies)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask MariaDB itself."""
        server = self._cluster.mariadb
        connection = pymysql.connect(
            host="127.0.0.1", port=server.port, user=server.user, password=server.password, database=server.database
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    # --- faults of its own

    async def do_flush(self, name: str, hold: float) -> None:
        """Redis forgets everything."""
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", self._cluster.redis.port, timeout=5)
        protocol = await connectProtocol(endpoint, _Once(b"FLUSHALL\r\n"))
        await protocol.answered.addTimeout(5, self.reactor)

    async def do_roll(self, name: str, hold: float) -> None:
        """A rolling restart: SIGTERM of one after another, each with its successor before the next."""
        for each in IMCHAT:
            await self.children[each].stop()
            await self.revive(each)
            await sleep(self.reactor, 0.5)


class _Once(Protocol):
    """Says one thing, waits for any answer."""

    def __init__(self, line: bytes) -> None:
        self._line = line
        self.answered: Deferred[bytes] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self._line)

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.loseConnection()
        if not self.answered.called:
            self.answered.callback(data)
