"""One body of tests for both kinds of server: the two nodes of a cluster, and the embedded server in their place."""

import contextlib
import sqlite3
from dataclasses import dataclass

import pymysql
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from imchat.testing import Cluster, EmbeddedServer
from tests.functional.conftest import GENEROUS

PRESENCE_LIFETIME = 15

SETTINGS = (
    *GENEROUS,
    "chat.contacts=required",
    "chat.limits.presence.count=100000",
    "chat.account_limits.presence.count=100000",
    f"chat.presence_refresh={PRESENCE_LIFETIME // 3}",
    "retention.text=1",
)


@dataclass(frozen=True)
class Site:
    """A server as its users see it: ``a`` and ``b`` are two nodes of a cluster, or both the embedded server.

    Attributes:
        servers: The processes that hold connections of chat.
        ports: Where clients reach them, by ``chat-a`` and ``chat-b``.
    """

    server: Cluster | EmbeddedServer
    servers: tuple
    ports: dict
    children: dict

    @property
    def url(self):
        return self.server.url

    @property
    def is_cluster(self):
        return isinstance(self.server, Cluster)

    def code_for(self, address):
        return self.server.code_for(address)

    async def whole(self):
        """Start what a test has left dead."""
        for child in self.children.values():
            if child.pid is None:
                await child.start()

    async def restart(self, meanwhile):
        """Kill what holds connections, do something, and start it again."""
        for server in self.servers:
            await server.kill()
        meanwhile()
        for server in self.servers:
            await server.start()
        if self.is_cluster:
            await self.server.until_up()

    def sql(self, *statements):
        """Carry statements out on the database, at once and for good; return what the last one found."""
        if self.is_cluster:
            mariadb = self.server.mariadb
            connection = pymysql.connect(
                host="127.0.0.1",
                port=mariadb.port,
                user=mariadb.user,
                password=mariadb.password,
                database=mariadb.database,
            )
        else:
            connection = sqlite3.connect(next(self.server.directory.glob("*.sqlite")))
        with contextlib.closing(connection):
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            connection.commit()
            return cursor.fetchall()


def _site(kind, directory):
    if kind == "cluster":
        cluster = Cluster(reactor, directory / "cluster", settings=SETTINGS)
        return Site(cluster, tuple(cluster.chats.values()), cluster.ports, cluster.children)
    server = EmbeddedServer(reactor, directory / "data", settings=SETTINGS)
    ports = {"chat-a": server.chat_port, "chat-b": server.chat_port}
    return Site(server, (server,), ports, {"embedded": server})


def running(kind, directory):
    """A running site, ended when the generator is."""
    site = _site(kind, directory)
    try:
        pytest_twisted.blockon(ensureDeferred(site.server.start()))
        yield site
    finally:
        pytest_twisted.blockon(ensureDeferred(site.server.kill()))
