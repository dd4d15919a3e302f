"""The data: one SQLite in memory, in which each transaction sees what is committed and what it wrote itself.

SQLite has one connection here, hence one transaction at a time. Whatever a transaction writes is noted as images of
rows (by triggers). When another one has its turn in between, SQLite rolls back, and the images are put in place again
when the first goes on: the row locks hold that nobody else changed these rows meanwhile.
"""

import sqlite3
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from imchat.store.sql.schema import upgrade_sqlite
from tests.simulation.database.faults import converted
from tests.simulation.database.locks import Key

Row = tuple[Any, ...]

_STATEMENTS_KEPT = 300
_LONGEST = 100_000_000
_prototype: list[bytes] = []


class Image(NamedTuple):
    """One row that a transaction wrote or deleted, whole."""

    table: "Table"
    written: bool
    row: Row


class Owner(Protocol):
    """A transaction, as the storage sees it: what it wrote so far."""

    images: list[Image]


def _place_of(index: str, columns: Sequence[int]) -> Callable[[Row], Key]:
    """What tells a row's place in an index."""
    if len(columns) == 1:
        only = columns[0]
        return lambda row: (index, row[only])
    pick = itemgetter(*columns)
    return lambda row: (index, *pick(row))


class Table:
    """A table's columns and unique indexes.

    Args:
        connection: Where it is.
        name: Its name.

    Attributes:
        columns: Their names.
        primary_key: The names of its columns.
        put: The statement that puts an image in place.
        delete: The statement that takes the row of an image out.
    """

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.name = name
        described = connection.execute(f"PRAGMA table_info({name})").fetchall()
        self.columns = [row[1] for row in described]
        self.primary_key = [row[1] for row in sorted(described, key=lambda row: row[5]) if row[5]]
        places = self._unique(connection)
        self._places = [_place_of(name, columns) for name, columns in places]
        self.put = f"INSERT OR REPLACE INTO {name} VALUES ({', '.join('?' * len(self.columns))})"
        self.delete = f"DELETE FROM {name} WHERE {' AND '.join(f'{column} = ?' for column in self.primary_key)}"

    def _unique(self, connection: sqlite3.Connection) -> list[tuple[str, list[int]]]:
        """Name and columns of each unique index, the primary key (under the table's name) first."""
        indexes = [(self.name, self.primary_key)]
        for row in connection.execute(f"PRAGMA index_list({self.name})").fetchall():
            if row[2] and row[3] != "pk":
                found = connection.execute(f"PRAGMA index_info({row[1]})").fetchall()
                columns = [part[2] for part in found]
                indexes.append((f"{self.name} {' '.join(columns)}", columns))
        return [(name, [self.columns.index(column) for column in columns]) for name, columns in indexes]

    def keys(self, row: Row) -> list[Key]:
        """The places of a row in all unique indexes."""
        return [place(row) for place in self._places]

    def key(self, row: Row) -> Row:
        """The primary key of a row."""
        return self._places[0](row)[1:]


def _memory() -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS_KEPT
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, _LONGEST)
    return connection


def _migrated() -> sqlite3.Connection:
    if not _prototype:
        connection = _memory()
        upgrade_sqlite(connection)
        _prototype.append(connection.serialize())
    connection = _memory()
    connection.deserialize(_prototype[0])
    return connection


def table_names(connection: sqlite3.Connection) -> list[str]:
    """The tables of a database."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [row[0] for row in connection.execute(query).fetchall()]


class Storage:
    """The committed data and the transactions on it.

    Args:
        seconds: The database's time.

    Attributes:
        tables: By name.
        connection: SQLite; what is committed is seen after :meth:`enter` with None.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.connection = _migrated()
        self._execute = self.connection.execute
        self._many = self.connection.executemany
        self._inside: Owner | None = None
        self._noted: list[Image] | None = None
        self.connection.create_function("database_seconds", 0, seconds)
        self.tables = {name: Table(self.connection, name) for name in table_names(self.connection)}
        for table in self.tables.values():
            self._watch(table)

    def _watch(self, table: Table) -> None:
        """Note each row of a table that a statement writes or deletes."""

        def note(written: bool) -> Callable[..., None]:
            def noted(*row: Any) -> None:
                if self._noted is not None:
                    self._noted.append(Image(table, written, row))

            return noted

        names = {True: f"written_{table.name}", False: f"deleted_{table.name}"}
        for written, name in names.items():
            self.connection.create_function(name, len(table.columns), note(written))
        new = f"SELECT {names[True]}({', '.join(f'NEW.{column}' for column in table.columns)});"
        old = f"SELECT {names[False]}({', '.join(f'OLD.{column}' for column in table.columns)});"
        for event, actions in (("INSERT", new), ("DELETE", old), ("UPDATE", old + new)):
            trigger = f"CREATE TEMP TRIGGER {event}_{table.name} AFTER {event} ON main.{table.name}"
            self._execute(f"{trigger} BEGIN {actions} END")

    # --- whose turn it is

    def enter(self, owner: Owner | None) -> None:
        """Make SQLite show what ``owner`` sees; for None what is committed."""
        if self._inside is owner:
            return
        if self._inside is not None:
            self._execute("ROLLBACK")
            self._inside = None
        if owner is not None and owner.images:
            self._begin(owner)
            for image in owner.images:
                if image.written:
                    self._execute(image.table.put, image.row)
                else:
                    self._execute(image.table.delete, image.table.key(image.row))

    def _begin(self, owner: Owner) -> None:
        self._execute("BEGIN")
        self._inside = owner

    def read(self, owner: Owner, sql: str, parameters: Sequence[object]) -> list[Row]:
        """The rows of a SELECT.

        Raises:
            Exception: as MariaDB's driver would.
        """
        self.enter(owner)
        try:
            return self._execute(sql, parameters).fetchall()
        except (sqlite3.Error, OverflowError) as problem:
            raise converted(problem) from problem

    def write(self, owner: Owner, sql: str, rows: Sequence[Sequence[object]]) -> tuple[int, list[Key]]:
        """Run a statement that writes, once for each of ``rows``.

        Returns:
            How many rows matched, and the places in unique indexes that were written, in order.

        Raises:
            Exception: as MariaDB's driver would; the statement has done nothing then.
        """
        self.enter(owner)
        if self._inside is None:
            self._begin(owner)
        mark = len(owner.images)
        self._noted = owner.images
        try:
            count = (self._execute(sql, rows[0]) if len(rows) == 1 else self._many(sql, rows)).rowcount
        except (sqlite3.Error, OverflowError) as problem:
            self._noted = None
            self.undo(owner, mark)
            raise converted(problem) from problem
        finally:
            self._noted = None
        keys = [key for table, _, row in owner.images[mark:] for key in table.keys(row)]
        return count, keys

    def undo(self, owner: Owner, mark: int) -> None:
        """Undo what ``owner`` wrote since it had ``mark`` images."""
        del owner.images[mark:]
        self._leave(owner)

    def _leave(self, owner: Owner) -> None:
        if self._inside is owner:
            self._execute("ROLLBACK")
            self._inside = None

    def commit(self, owner: Owner) -> None:
        """Keep what ``owner`` wrote."""
        self.enter(owner)
        if self._inside is owner:
            self._execute("COMMIT")
            self._inside = None
        owner.images = []

    def rollback(self, owner: Owner) -> None:
        """Forget what ``owner`` wrote."""
        self._leave(owner)
        owner.images = []


def committed(connection: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    """The rows of all tables, each in the order of its primary key: the same for every SQLite database of imchat."""
    found = {}
    for name in table_names(connection):
        table = Table(connection, name)
        rows = connection.execute(f"SELECT * FROM {name} ORDER BY {', '.join(table.primary_key)}").fetchall()
        found[name] = [dict(zip(table.columns, row, strict=True)) for row in rows]
    return found
