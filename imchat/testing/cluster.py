"""A whole cluster as child processes on the loopback interface: MariaDB, Redis, mails, and imchat's servers."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from imchat.testing.databases import PrivateMariaDB, PrivateRedis
from imchat.testing.embedded import READY, TWISTD, code_in_outbox
from imchat.testing.mails import MailCatcher
from imchat.testing.processes import Child, free_port

COMMAND = (sys.executable, "-c", "from imchat.cli.main import main; main()")
"""The ``imchat`` command, wherever it is installed."""

_CONFIG = """\
# Made by imchat.testing.cluster, anew at each start.
[server]
data_dir = "{directory}/gate"
[gate]
listen = "tcp:{gate}:interface=127.0.0.1"
[verify]
listen = "unix:{directory}/verify.sock"
[verify.smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
[status]
listen = "unix:{directory}/status.sock"
[chat]
contacts = "open"
[database]
host = "127.0.0.1"
port = {mariadb}
user = "{user}"
password = "{password}"
name = "{database}"
[redis]
endpoint = "tcp:127.0.0.1:{redis}"
[links]
secret_file = "{directory}/link-secret"
verify = ["unix:{directory}/verify.sock"]
status = ["unix:{directory}/status.sock"]
"""


class Cluster:
    """A cluster with one verify server, one status server, one gate and some chat nodes.

    Args:
        reactor: A reactor that can start processes.
        directory: Where its data goes, and where its ports are noted: the same directory finds all of it again.
        settings: ``section.key=value`` as for ``--set``, for all servers and ``imchat migrate``; the file of
            all has ``chat.contacts = "open"``.
        nodes: Names of the chat nodes.
        own_groups: Start each process outside this one's group, so that a Ctrl-C at the terminal reaches only this.

    Attributes:
        config: The file of settings that all servers have.
        mariadb: The database.
        redis: Redis.
        verify: The verify server.
        status: The status server.
        gate: The gate.
        chats: The chat nodes by name.
    """

    def __init__(
        self,
        reactor: Any,
        directory: Path,
        settings: Iterable[str] = (),
        nodes: Iterable[str] = ("a", "b"),
        own_groups: bool = False,
    ) -> None:
        self._reactor = reactor
        self.directory = directory.absolute()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings = [f"--set={setting}" for setting in settings]
        self.ports = self._keep_ports(["gate", "smtp", "mariadb", "redis", *(f"chat-{node}" for node in nodes)])
        self.config = self.directory / "imchat.toml"
        self.mariadb = PrivateMariaDB(reactor, self.directory / "mariadb", self.ports["mariadb"])
        self.redis = PrivateRedis(reactor, self.directory / "redis", self.ports["redis"])
        self._mails = MailCatcher(reactor, self.directory / "mails", self.ports["smtp"])
        self.verify = self._server("verify")
        self.status = self._server("status")
        self.gate = self._server("gate")
        self.chats = {node: self._chat(node) for node in nodes}
        if own_groups and (setsid := shutil.which("setsid")):
            for child in self.children.values():
                child.command.insert(0, setsid)

    @property
    def children(self) -> dict[str, Child]:
        """All processes by name, in the order in which they start."""
        chats = {f"chat-{node}": chat for node, chat in self.chats.items()}
        stores: dict[str, Child] = {"mariadb": self.mariadb, "redis": self.redis}
        return {**stores, "verify": self.verify, "status": self.status, **chats, "gate": self.gate}

    @property
    def url(self) -> str:
        """The base address of the gate."""
        return f"http://127.0.0.1:{self.ports['gate']}"

    @property
    def mails(self) -> Path:
        """Where mails become files."""
        return self.directory / "mails"

    def code_for(self, address: str) -> str:
        """The verification code in the newest mail to an address.

        Raises:
            LookupError: there is no mail with a code.
        """
        return code_in_outbox(self.mails, address)

    def _keep_ports(self, names: Iterable[str]) -> dict[str, int]:
        path = self.directory / "ports.json"
        ports: dict[str, int] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        for name in names:
            while name not in ports:
                if (port := free_port()) not in ports.values():
                    ports[name] = port
        path.write_text(json.dumps(ports, indent=1), "utf-8")
        return ports

    def _server(self, kind: str, *options: str) -> Child:
        command = [*TWISTD, f"imchat-{kind}", f"--config={self.config}", *options, *self._settings]
        return Child(self._reactor, command, READY)

    def _chat(self, node: str) -> Child:
        listen = f"--listen=tcp:{self.ports[f'chat-{node}']}:interface=127.0.0.1"
        return self._server("chat", f"--node={node}", listen)

    def _write_config(self) -> None:
        secret = self.directory / "link-secret"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(32))
        names = {"user": PrivateMariaDB.user, "password": PrivateMariaDB.password, "database": PrivateMariaDB.database}
        self.config.touch(mode=0o600)
        self.config.write_text(_CONFIG.format(directory=self.directory, **self.ports, **names), "utf-8")

    async def start(self) -> None:
        """Start everything, and return when people can log in.

        Raises:
            imchat.testing.ServerFailed: a process ended; what it printed says why.
        """
        self._write_config()
        await self._mails.start()
        for name, child in self.children.items():
            await child.start(60.0)
            if name == "mariadb":
                await self.migrate()
        await self.until_up()

    async def migrate(self) -> None:
        """Bring the database's schema up to date with ``imchat migrate``."""
        command = [*COMMAND, "migrate", f"--config={self.config}", *self._settings]
        migration = Child(self._reactor, command, "schema revision")
        await migration.start(60.0)
        await migration.wait()

    async def until_up(self, seconds: float = 20.0) -> None:
        """Return when the status server has heard of all chat nodes since it started last."""
        end = self._reactor.seconds() + seconds
        # Workers have names with a dot and their number behind.
        while not all(re.search(rf"chat node {re.escape(n)}(\.\d+)? is up", self.status.output) for n in self.chats):
            if self._reactor.seconds() > end:
                raise TimeoutError("not all chat nodes reported to the status server")
            await deferLater(self._reactor, 0.05)

    async def stop(self) -> None:
        """End everything in order."""
        for child in reversed(self.children.values()):
            await child.stop()
        await self._mails.stop()

    async def kill(self) -> None:
        """End everything at once."""
        for child in self.children.values():
            await child.kill()
        await self._mails.stop()
