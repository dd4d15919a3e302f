"""adbapi's pool over MySQL or MariaDB: connections that died are replaced, and none is waited for without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from pymysql.cursors import Cursor
from pymysql.err import MySQLError
from twisted.enterprise.adbapi import ConnectionPool

from imchat.store.sql.dialect import Fault
from imchat.store.sql.mysql_connection import MysqlConnection, Use
from imchat.store.sql.mysql_dialect import classify
from imchat.store.sql.mysql_settings import MysqlSettings

T = TypeVar("T")

_KEPT = (Fault.NONE, Fault.DUPLICATE, Fault.CONTENDED, Fault.BUSY, Fault.FULL)
"""After these the connection is as good as before, once rolled back. A server that became read-only has perhaps a
successor under the same name: the next connection finds it."""


class Doubts:
    """Counts the times that a database did not answer in time; all pools of one database share it.

    Where the network swallows what is sent, every connection that stood is as dead as the one that was waited for, and
    says so as little: each would cost a time-out of its own.

    Attributes:
        count: Counted in the reactor's thread alone, read in all.
    """

    def __init__(self) -> None:
        self.count = 0


def _severed(error: MySQLError) -> bool:
    """Whether the connection was found dead, as opposed to a server that does not answer."""
    return classify(error) is Fault.LOST and not isinstance(error.__context__, TimeoutError)


def packets(statements: Sequence[str], longest: int) -> Iterator[str]:
    """Join statements to as few texts of at most ``longest`` characters as order allows."""
    packet: list[str] = []
    length = 0
    for statement in statements:
        if packet and length + len(statement) > longest:
            yield ";".join(packet)
            packet, length = [], 0
        packet.append(statement)
        length += len(statement) + 1
    if packet:
        yield ";".join(packet)


def _run_packet(packet: str, cursor: Cursor) -> None:
    cursor.execute(packet)
    # An error of a later statement is raised here; those behind it were not run.
    while cursor.nextset():
        pass


class Lease:
    """One interaction's use of a pool: what adbapi takes for its connection and for its cursor.

    The connection is taken at the first statement, so that an interaction that nobody waits for any more costs none.

    Args:
        pool: Whose connections to use.
    """

    def __init__(self, pool: MysqlPool) -> None:
        self._pool = pool
        self._connection: MysqlConnection | None = None
        self._cursor: Cursor | None = None
        self._fresh = True
        self._first = True
        self._open = False
        self._retire = False
        self._aborted = False

    # --- as a cursor

    @property
    def rowcount(self) -> int:
        """Rows that the last statement matched."""
        return int(self._taken().rowcount)

    @property
    def max_statement(self) -> int:
        """Longest statement to build, in characters."""
        self._taken()
        return self._connection.max_statement if self._connection is not None else 0

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> None:
        """Run one statement."""
        self._do(lambda cursor: cursor.execute(sql, parameters))

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for each of many rows."""
        self._do(lambda cursor: cursor.executemany(sql, rows))

    def fetchall(self) -> Sequence[tuple[Any, ...]]:
        """The rows of the last statement."""
        return self._taken().fetchall()

    def run_together(self, statements: Sequence[str], commit: bool) -> None:
        """Run statements in as few packets as the server takes, and commit with them if asked to.

        On connections that take one statement at a time they run one by one, and the commit is left to adbapi.
        """
        if not self._pool.use.together:
            for statement in statements:
                self.execute(statement)
            return
        for packet in packets([*statements, "COMMIT"] if commit else statements, self.max_statement):
            if len(packet) > 2 * self.max_statement:
                # The server would close the connection while it is sent: that looks like an outage, and is one
                # event's own fault.
                raise ValueError(f"a statement of {len(packet)} bytes is longer than max_allowed_packet")
            self._do(partial(_run_packet, packet))
        self._open = self._open and not commit

    def close(self) -> None:
        """Nothing is left to read: results are read whole."""

    # --- the connection

    @property
    def _unwanted(self) -> bool:
        return self._aborted or self._pool.closing

    def _taken(self) -> Cursor:
        if self._cursor is None:
            self._connection = connection = self._pool.connect()
            if connection.open and connection.proven != self._pool.doubts.count:
                self._drop()
                self._connection = connection = self._pool.connect()
            self._fresh = not connection.open
            connection.busy = True
            if self._unwanted:
                connection.abort()
            if self._fresh:
                self._retire = True
                connection.establish()
                self._retire = False
            self._cursor = connection.cursor()
        return self._cursor

    def _do(self, action: Callable[[Cursor], object]) -> None:
        try:
            self._attempt(action)
        except MySQLError as error:
            if self._fresh or not self._first or self._unwanted or not _severed(error):
                raise
            # It died while it was idle. Nothing was done yet that the next one lacks, so nobody need notice.
            self._drop()
            self._attempt(action)
        self._first = False

    def _attempt(self, action: Callable[[Cursor], object]) -> None:
        doubts = self._pool.doubts.count
        cursor = self._taken()
        self._open = self._pool.use.writes
        try:
            action(cursor)
            if self._connection is not None:
                self._connection.proven = doubts
        except MySQLError as error:
            self._retire = classify(error) not in _KEPT
            raise

    def _drop(self) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            self._pool.disconnect(connection)

    def commit(self) -> None:
        """adbapi: end the transaction, unless it ended with its statements."""
        if self._connection is not None:
            if self._open:
                self._connection.commit()
            self._end()

    def rollback(self) -> None:
        """adbapi: undo; a connection that cannot do it is dropped, and the server undoes it. Raises nothing."""
        if self._connection is not None:
            try:
                if self._open and self._connection.open:
                    self._connection.rollback()
            except MySQLError:
                self._retire = True
            self._end()

    def _end(self) -> None:
        connection = self._connection
        if connection is None:
            return
        connection.busy = False
        if self._retire or self._aborted or not connection.open:
            self._drop()
        self._connection = None

    def abort(self) -> None:
        """Make what the interaction waits for fail at once. Called from the reactor's thread."""
        self._aborted = True
        connection = self._connection
        if connection is not None and connection.busy:
            self._pool.doubts.count += 1
            connection.abort()


def _cursor_of(_: MysqlPool, lease: Lease) -> Lease:
    return lease


class MysqlPool(ConnectionPool):
    """Connections of one use to one database, one per thread.

    Args:
        reactor: Runs the threads.
        settings: Where the database is.
        use: What the connections are for.
        size: Largest number of connections.
        doubts: Shared with the other pools of the database; of its own where None.

    Attributes:
        closing: No new connections are to be made.
    """

    connectionFactory: Any = Lease
    transactionFactory: Any = staticmethod(_cursor_of)

    def __init__(
        self, reactor: Any, settings: MysqlSettings, use: Use, size: int, doubts: Doubts | None = None
    ) -> None:
        self.use = use
        self.doubts = doubts or Doubts()
        self.closing = False
        self._settings = settings
        super().__init__("pymysql", cp_reactor=reactor, cp_min=1, cp_max=size, cp_noisy=False)

    def connect(self) -> MysqlConnection:
        """adbapi: this thread's connection, perhaps not open yet: so it can be torn off while it opens."""
        thread = self.threadID()
        connection: MysqlConnection | None = self.connections.get(thread)
        if connection is None:
            connection = self.connections[thread] = MysqlConnection(self._settings, self.use)
        return connection

    def finalClose(self) -> None:
        """adbapi: stop the threads, which must not be held by a server that does not answer."""
        self.closing = True
        for connection in list(self.connections.values()):
            if connection.busy:
                connection.abort()
        super().finalClose()
