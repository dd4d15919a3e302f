"""Where a MySQL or MariaDB database is and how it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MysqlSettings:
    """How to reach the database, and how many connections to it one process keeps.

    Attributes:
        host: Name or address of the server.
        port: Its TCP port.
        user: Account.
        password: Its password.
        database: Name of the database (schema).
        socket: UNIX socket of a server on this machine, instead of host and port.
        ca_file: PEM file of the authority that signed the server's certificate: the connections are encrypted then,
            and the server must prove that it is ``host``. Without it they are plain.
        readers: Largest number of connections that read.
        writers: Largest number of those that write, other than flushes.
        flushers: Largest number of those that append batches of messages; a chat node has one batch in flight.
        connect_timeout_ms: For a connection to be made.
        allow_not_durable: Use a database that may lose acknowledged messages when its machine fails.
    """

    host: str = "127.0.0.1"
    port: int = 3306
    user: str = "imchat"
    password: str = field(default="", repr=False)
    database: str = "imchat"
    socket: Path | None = None
    ca_file: Path | None = None
    readers: int = 4
    writers: int = 4
    flushers: int = 1
    connect_timeout_ms: int = 3_000
    allow_not_durable: bool = False

    @property
    def server(self) -> str:
        """The server's address, for people."""
        return str(self.socket) if self.socket is not None else f"{self.host}:{self.port}"
