"""The embedded server on SQLite, with relays in front of it and its data on a disk that can be full."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imchat.net.background import sleep
from imchat.testing import EmbeddedServer, free_port
from tests.faults.disk import make_disk
from tests.faults.plan import Card
from tests.faults.proxy import Proxy
from tests.faults.servers import GENEROUS, SHORT, Servers

SERVER = "imchat"
FROZEN = (2.0, 7.0)

RECOVERY = 20.0
"""Seconds within which the server must say that it serves again, once there is space."""


class EmbeddedServers(Servers):
    """One process, one database file."""

    def __init__(self, reactor: Any, directory: Path) -> None:
        super().__init__(reactor, directory)
        self.disk = make_disk(directory / "disk", lambda: self._server.pid)
        self._server = server = EmbeddedServer(reactor, directory / "disk" / "data", settings=GENEROUS)
        self.children = {SERVER: server}
        chat = Proxy(reactor, free_port(), server.chat_port)
        self.proxies = {"gate-clients": Proxy(reactor, free_port(), server.http_port), "chat-clients": chat}
        server.command.append(f"--set=chat.advertise=127.0.0.1:{chat.port}")
        self.follow()

    @property
    def url(self) -> str:
        """Through the relay."""
        return f"http://127.0.0.1:{self.proxies['gate-clients'].port}"

    @property
    def admin_socket(self) -> Path:
        """The server's."""
        return self._server.admin_socket

    async def start(self) -> None:
        """Start everything."""
        for proxy in self.proxies.values():
            proxy.open()
        await self._server.start()

    async def kill(self) -> None:
        """End everything at once."""
        for proxy in self.proxies.values():
            await proxy.close()
        await self._server.kill()
        self.disk.close()

    def cards(self) -> Sequence[Card]:
        """See the class."""
        everything = frozenset((SERVER, *self.proxies))
        cards = [
            Card("kill", SERVER, SHORT, core=True),
            Card("freeze", SERVER, FROZEN, core=True),
            Card("freeze-and-kill", SERVER, FROZEN),
            Card("restart", SERVER, SHORT, core=True),
            Card("fill", "disk", FROZEN, core=True, touches=everything),
            Card("fill-and-kill", "disk", FROZEN, touches=everything),
        ]
        return cards + self.connection_cards()

    def finales(self) -> Sequence[Card]:
        """Whatever may lose what the server has to tell."""
        return [
            Card("kill", SERVER, SHORT),
            Card("restart", SERVER, SHORT),
            Card("close", "chat-clients", SHORT),
            Card("stall", "chat-clients", FROZEN),
        ]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the file beside the server."""
        uri = f"{(self._server.directory / 'imchat.sqlite').absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    async def do_fill_and_kill(self, name: str, hold: float) -> None:
        """The server is killed while the disk is full, and starts again when there is space."""
        self.disk.fill()
        try:
            await sleep(self.reactor, hold)
            await self._server.kill()
        finally:
            self.disk.free()
        await self.revive(SERVER)

    async def do_fill(self, name: str, hold: float) -> None:
        """The disk is full for a while; the server must say so in one line, and go on when there is space."""
        log, pid = self.logs[SERVER], self._server.pid
        before = len(log.text)
        self.disk.fill()
        try:
            await sleep(self.reactor, hold)
            # A line may be repeated where reading fails as well as writing: those are two databases to the server.
            said = [line for line in log.text[before:].splitlines() if "the database" in line]
            if not said or len(said) > 2 or not all(self.disk.said in line for line in said):
                self.problems.append(f"while the disk was full the server said: {said}")
        finally:
            self.disk.free()
        for _ in range(int(RECOVERY / 0.2)):
            if "serves again" in log.text[before:]:
                break
            await sleep(self.reactor, 0.2)
        else:
            self.problems.append(f"{RECOVERY:.0f} s after there was space the server had not recovered")
        if self._server.pid != pid:
            self.problems.append("the server did not survive a full disk")
