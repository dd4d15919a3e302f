"""What the harness can do to servers, whichever they are."""

from __future__ import annotations

import re
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imchat.net.background import sleep
from imchat.testing import Child, ServerFailed
from tests.faults.plan import Card
from tests.faults.proxy import CLIENT, SERVER, Proxy

GENEROUS = (
    "gate.codes_per_address.count=100000",
    "gate.logins_per_address.count=100000",
    "gate.logins_per_account.count=100000",
    "gate.requests_per_address.count=1000000",
    "gate.connections_per_address=5000",
    "gate.max_connections=5000",
    *(
        f"chat.{whose}.{kind}.count=100000"
        for whose in ("limits", "account_limits")
        for kind in ("frames", "messages", "acts", "reads", "lookups", "contacts", "marks")
    ),
    # Cheap hashes: hundreds of logins are not what is tried here.
    "gate.hashing.memory_kib=64",
    "gate.hashing.passes=1",
)
"""All users come from one address."""

START = 60.0
"""Seconds for a server to start."""

SHORT = (1.0, 4.0)
LONG = (4.0, 12.0)

_FAULTY = re.compile(r"Traceback|Unhandled|internal error|Unexpected", re.IGNORECASE)


class Log:
    """Keeps what a server prints in a file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("ab", buffering=0)

    def __call__(self, data: bytes) -> None:
        """Take what came."""
        self._file.write(data)

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8", "replace")

    def faults(self) -> list[str]:
        """Lines that no fault from outside excuses."""
        return [line for line in self.text.splitlines() if _FAULTY.search(line)]


class Servers(ABC):
    """Servers under test.

    Args:
        reactor: The reactor.
        directory: For logs.

    Attributes:
        children: The processes by name.
        proxies: The relays by name.
        logs: What each process prints.
        problems: What was seen that must not be.
    """

    children: dict[str, Child]
    proxies: dict[str, Proxy]

    def __init__(self, reactor: Any, directory: Path) -> None:
        self.reactor = reactor
        self.directory = directory
        self.logs: dict[str, Log] = {}
        self.problems: list[str] = []

    def follow(self) -> None:
        """Keep what the processes print."""
        for name, child in self.children.items():
            self.logs[name] = child.follow = Log(self.directory / "log" / f"{name}.log")

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the load finds the gate."""

    @property
    @abstractmethod
    def admin_socket(self) -> Path:
        """The operator's socket."""

    @abstractmethod
    async def start(self) -> None:
        """Start everything."""

    @abstractmethod
    async def kill(self) -> None:
        """End everything at once."""

    @abstractmethod
    def cards(self) -> Sequence[Card]:
        """The faults that there are."""

    @abstractmethod
    def finales(self) -> Sequence[Card]:
        """The faults with which a run may end: what is said last before or in them must arrive without more being
        said."""

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database, past the servers. Blocks."""

    async def do(self, card: Card, hold: float) -> None:
        """Do a fault, let it stay, and end it: what was killed runs again when this returns."""
        await getattr(self, f"do_{card.action.replace('-', '_')}")(card.target, hold)

    # --- processes

    async def revive(self, name: str) -> None:
        """Start a process again, as an init system does: a server that finds no database ends, and is started anew.

        Raises:
            ServerFailed: it does not start for so long that it is its own fault.
        """
        end = self.reactor.seconds() + START
        while True:
            try:
                return await self.children[name].start(START)
            except ServerFailed:
                if self.reactor.seconds() > end:
                    raise
            await sleep(self.reactor, 0.5)

    async def do_kill(self, name: str, hold: float) -> None:
        """SIGKILL, and a new start."""
        await self.children[name].kill()
        await sleep(self.reactor, hold)
        await self.revive(name)

    async def do_freeze(self, name: str, hold: float) -> None:
        """SIGSTOP, and SIGCONT."""
        self.children[name].signal(signal.SIGSTOP)
        await sleep(self.reactor, hold)
        self.children[name].signal(signal.SIGCONT)

    async def do_freeze_and_kill(self, name: str, hold: float) -> None:
        """SIGSTOP, then SIGKILL, and a new start."""
        self.children[name].signal(signal.SIGSTOP)
        await sleep(self.reactor, hold)
        await self.children[name].kill()
        await self.revive(name)

    async def do_restart(self, name: str, hold: float) -> None:
        """SIGTERM, and a new start."""
        await self.children[name].stop()
        await sleep(self.reactor, hold)
        await self.revive(name)

    # --- connections

    async def do_cut(self, name: str, hold: float) -> None:
        """Reset all connections; new ones are taken at once."""
        self.proxies[name].cut()

    async def do_close(self, name: str, hold: float) -> None:
        """Reset all connections; new ones are refused for a while."""
        await self.proxies[name].close()
        await sleep(self.reactor, hold)
        self.proxies[name].open()

    async def do_stall(self, name: str, hold: float) -> None:
        """Nothing gets through for a while."""
        self.proxies[name].stall()
        await sleep(self.reactor, hold)
        self.proxies[name].resume()

    async def do_lose_client(self, name: str, hold: float) -> None:
        """The client's end of each connection is gone, and the server does not learn of it."""
        self.proxies[name].half_open(CLIENT)

    async def do_lose_server(self, name: str, hold: float) -> None:
        """The server's end of each connection is gone, and the client does not learn of it."""
        self.proxies[name].half_open(SERVER)

    def connection_cards(self) -> list[Card]:
        """What can be done to connections."""
        cards = []
        for name in self.proxies:
            cards += [Card("cut", name), Card("close", name, SHORT), Card("stall", name, LONG)]
            cards += [Card("lose-client", name), Card("lose-server", name)]
        return cards
