"""A connection to MySQL or MariaDB: its session is set up as the stores need it, and another thread can tear it off."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymysql.connections import Connection
from pymysql.constants import CLIENT, CR, ER
from pymysql.cursors import Cursor
from pymysql.err import MySQLError, OperationalError

from imchat.store.sql.mysql_settings import MysqlSettings

LOCK_WAIT_SECONDS = 2
"""How long a statement waits for rows that others keep locked."""

IDLE_TRANSACTION_SECONDS = 3
"""A frozen process must not keep rows locked: after so long the server ends its transaction, where it can."""

_SQL_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY"

_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))
"""A firewall that forgets idle connections does not say so."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a connection is for.

    Attributes:
        name: For the server's list of connections.
        writes: It may write, in transactions that begin with their first statement; else each statement stands alone.
        together: It takes several statements in one packet. Only integers and ``x'..'`` literals go through it.
        timeout_ms: Longest wait for the server's answer to one statement.
    """

    name: str
    writes: bool
    together: bool
    timeout_ms: int


if TYPE_CHECKING:
    _Connection = Connection[Cursor]  # a generic class in its stubs alone
else:
    _Connection = Connection


class MysqlConnection(_Connection):
    """One connection; made closed, opened by :meth:`establish`.

    Args:
        settings: Where the database is.
        use: What it is for.

    Attributes:
        busy: Whether an interaction uses it.
        max_statement: Half of the longest packet that the server takes, in bytes.
        proven: What :class:`imchat.store.sql.mysql_pool.Doubts` had counted before it last answered.

    Raises:
        pymysql.err.OperationalError: the authority's certificate cannot be read.
    """

    def __init__(self, settings: MysqlSettings, use: Use) -> None:
        self.use = use
        self.busy = False
        self.max_statement = 0
        self.proven = 0
        self._settings = settings
        self._line: socket.socket | None = None
        self._torn = False
        seconds = use.timeout_ms / 1000
        super().__init__(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password,
            database=settings.database,
            charset="utf8mb4",
            autocommit=None,
            client_flag=CLIENT.FOUND_ROWS | (CLIENT.MULTI_STATEMENTS if use.together else 0),
            read_timeout=seconds,
            write_timeout=seconds,
            program_name=f"imchat-{use.name}",
            defer_connect=True,
            **_encryption(settings),
        )

    def establish(self) -> None:
        """Connect, log in and set up the session. Blocks for at most a few times the time-outs.

        Raises:
            pymysql.err.MySQLError: it did not succeed; :meth:`close` is still to be called.
        """
        try:
            line = self._dial()
        except OSError as error:
            raise OperationalError(CR.CR_CONN_HOST_ERROR, f"{error.strerror or error}") from error
        self._line = line.dup()
        if self._torn:
            line.close()
            raise OperationalError(CR.CR_SERVER_LOST, "torn off")
        self.connect(line)
        self._prepare()

    def _dial(self) -> socket.socket:
        seconds = self._settings.connect_timeout_ms / 1000
        if self._settings.socket is not None:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                line.settimeout(seconds)
                line.connect(str(self._settings.socket))
            except OSError:
                line.close()
                raise
            return line
        line = socket.create_connection((self._settings.host, self._settings.port), seconds)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                line.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        return line

    def _prepare(self) -> None:
        with self.cursor() as cursor:
            access = "" if self.use.writes else ", READ ONLY"
            cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED{access}")
            cursor.execute(
                f"SET SESSION sql_mode = '{_SQL_MODE}', time_zone = '+00:00', "
                f"innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}, autocommit = {0 if self.use.writes else 1}"
            )
            self._set_if_known(cursor, "idle_transaction_timeout", IDLE_TRANSACTION_SECONDS)
            # What its caller waits for no longer must not go on to hold locks.
            self._set_if_known(cursor, "max_statement_time", -(-self.use.timeout_ms // 1000))
            cursor.execute("SELECT @@max_allowed_packet")
            row = cursor.fetchone()
        self.max_statement = int(row[0]) // 2 if row else 0

    @staticmethod
    def _set_if_known(cursor: Cursor, variable: str, value: int) -> None:
        try:
            cursor.execute(f"SET SESSION {variable} = {value:d}")
        except MySQLError as error:
            if error.args[0] != ER.UNKNOWN_SYSTEM_VARIABLE:
                raise

    def escape(self, obj: object, mapping: Mapping[Any, Any] | None = None) -> str:
        """The literal of a value: bytes in hexadecimal, whatever the driver's version."""
        if type(obj) is int:
            # Most of them: the ids whose heads a flush locks.
            return str(obj)
        if isinstance(obj, bytes):
            return f"x'{obj.hex()}'"
        if self.use.together:
            raise TypeError(f"{type(obj).__name__} may not go through a connection that takes several statements")
        literal: str = super().escape(obj, mapping)
        return literal

    def abort(self) -> None:
        """Tear the connection off, from any thread: what waits for the server in its own thread fails at once."""
        self._torn = True
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take leave of the server and close; called once."""
        try:
            super().close()
        finally:
            line, self._line = self._line, None
            if line is not None:
                line.close()


def _encryption(settings: MysqlSettings) -> dict[str, Any]:
    if settings.ca_file is None:
        return {"ssl_disabled": True}
    try:
        return {"ssl": ssl.create_default_context(cafile=str(settings.ca_file))}
    except OSError as error:
        text = f"ca_file {settings.ca_file}: {error.strerror or error}"
        raise OperationalError(CR.CR_SSL_CONNECTION_ERROR, text) from error
