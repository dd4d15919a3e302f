"""What a function in a database thread gets to work with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imchat.store.sql.dialect import Dialect

Row = tuple[Any, ...]
"""A row as the driver returns it; stores turn it into a value of the domain before it leaves them."""


class DuplicateKey(Exception):
    """A unique key was taken; the whole transaction was rolled back."""


class Transaction:
    """An open transaction. Statements are written with ``?`` as the placeholder.

    Args:
        cursor: A DB-API cursor.
        dialect: Of the database that the cursor belongs to.
    """

    def __init__(self, cursor: Any, dialect: Dialect) -> None:
        self.dialect = dialect
        self.wrote = False
        self._cursor = cursor

    def begin(self, writes: bool) -> None:
        """Begin; the runner calls it before the function that it runs."""
        if statement := self.dialect.begin if writes else self.dialect.begin_read:
            self._cursor.execute(statement)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Run a SELECT and return all rows."""
        self._cursor.execute(self.dialect.statement(sql), tuple(parameters))
        return list(self._cursor.fetchall())

    def one(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """Run a SELECT and return its first row, None without one."""
        rows = self.query(sql, parameters)
        return rows[0] if rows else None

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement that changes rows.

        Returns:
            How many rows matched its condition (also those that were as they should be already).
        """
        self._cursor.execute(self.dialect.statement(sql), tuple(parameters))
        self.wrote = self.wrote or self._cursor.rowcount > 0
        return int(self._cursor.rowcount)

    def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement that changes rows once for each of ``rows``."""
        if rows:
            self._cursor.executemany(self.dialect.statement(sql), rows)
            self.wrote = True

    def run(self, sql: str) -> None:
        """Run a statement that has no placeholders and changes rows, as it stands."""
        self._cursor.execute(sql)
        self.wrote = True

    @property
    def max_statement(self) -> int:
        """Longest statement to build, in characters: the connection knows it, or else the dialect."""
        return getattr(self._cursor, "max_statement", None) or self.dialect.max_statement

    def run_together(self, statements: Sequence[str], commit: bool) -> None:
        """Run statements as :meth:`run` does, in few packets where the connection takes several in one.

        Args:
            statements: Made of integers and ``x'..'`` literals alone, for a packet is where injection would pay.
            commit: Nothing follows: the connection may commit with them.
        """
        self._cursor.run_together(statements, commit)
        self.wrote = True

    def abort(self) -> None:
        """Make what runs fail, from another thread, where the connection can; nobody waits for it any more."""
        if (abort := getattr(self._cursor, "abort", None)) is not None:
            abort()
