"""What a statement is to the server, and its text for SQLite."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from tests.simulation.database.locks import Key


class Kind(Enum):
    """What the server does with a statement."""

    READ = 1
    LOCK = 2
    WRITE = 3
    COMMIT = 4
    ROLLBACK = 5


class LockedTable(NamedTuple):
    """A table of a locking read.

    Attributes:
        table: Its name.
        columns: Where in the row that SQLite returns the columns of its primary key are.
    """

    table: str
    columns: slice


class Statement(NamedTuple):
    """A statement as the server runs it.

    Attributes:
        kind: What it is.
        sql: For SQLite, with ``?`` as the placeholder.
        width: Of a locking read: how many columns the client asked for; those behind are keys.
        locked: Of a locking read: its tables in the order in which they are locked.
        skips: Of a locking read: it leaves out what others have locked.
    """

    kind: Kind
    sql: str
    width: int | None = None
    locked: Sequence[LockedTable] = ()
    skips: bool = False

    def keys(self, row: Sequence[Any]) -> list[Key]:
        """The places that a locking read locks for one of its rows; none in a table that has no row there."""
        return [(table, *key) for table, columns in self.locked if (key := row[columns])[0] is not None]


Step: TypeAlias = tuple[Statement, Sequence[Sequence[object]]]
"""A statement and the rows of parameters that it is run for."""

NO_PARAMETERS: Sequence[Sequence[object]] = ((),)

COMMIT: Step = Statement(Kind.COMMIT, "COMMIT"), NO_PARAMETERS
ROLLBACK: Step = Statement(Kind.ROLLBACK, "ROLLBACK"), NO_PARAMETERS

_FOR_UPDATE = " FOR UPDATE"
_SKIP_LOCKED = " SKIP LOCKED"
_NOW = "UNIX_TIMESTAMP(NOW(3))"
_TABLES = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)(?:\s+(?!WHERE\b|JOIN\b|LEFT\b|ON\b|ORDER\b)(\w+))?")
_FROM = re.compile(r"\s+FROM\s+")
_LITERALS = re.compile(r"(x'[0-9a-f]*'|\d+)")
_ON_DUPLICATE = " ON DUPLICATE KEY UPDATE "
_OFFERED = re.compile(r"\bVALUES\((\w+)\)")
_WORDS = {"SELECT": Kind.READ, "INSERT": Kind.WRITE, "UPDATE": Kind.WRITE, "DELETE": Kind.WRITE}

PrimaryKeys = Mapping[str, Sequence[str]]
"""The columns of each table's primary key."""


def _kind(sql: str) -> Kind:
    word = sql.split(None, 1)[0].upper()
    if word not in _WORDS:
        raise NotImplementedError(f"the simulated server does not know {word}")
    return _WORDS[word]


def _value(literal: str) -> object:
    return bytes.fromhex(literal[2:-1]) if literal[0] == "x" else int(literal)


def _plain(sql: str) -> Step:
    """A statement of a packet: rows of an INSERT, or a change with literals; no name in it has a digit.

    SQLite takes ten times as long to parse literals as to be given values.
    """
    if sql == "COMMIT":
        return COMMIT
    before, values, rest = sql.partition(" VALUES (")
    if values:
        rows, upserts, raised = rest.partition(_ON_DUPLICATE)
        parameters = [[_value(literal) for literal in row.split(",")] for row in rows[:-1].split("),(")]
        return _shape(f"{before} VALUES ({', '.join('?' * len(parameters[0]))}){upserts}{raised}"), parameters
    pieces = _LITERALS.split(sql)
    return _shape("?".join(pieces[::2])), [[_value(literal) for literal in pieces[1::2]]]


def _upsert(sql: str) -> str:
    """What SQLite says for an INSERT that changes the rows that are there."""
    before, upserts, raised = sql.partition(_ON_DUPLICATE)
    if not upserts:
        return sql
    raised = _OFFERED.sub(r"excluded.\1", raised).replace("GREATEST(", "MAX(").replace("LEAST(", "MIN(")
    return f"{before} ON CONFLICT DO UPDATE SET {raised}"


@lru_cache(maxsize=1000)
def _shape(sql: str) -> Statement:
    return Statement(_kind(sql), _upsert(sql))


def packet(text: str) -> list[Step]:
    """The statements of one packet; they are made of integers and ``x'..'`` literals, so no value has a semicolon."""
    return [_plain(sql) for sql in text.split(";")]


class Translator:
    """Translates the driver's texts.

    Args:
        primary_keys: Of all tables.
    """

    def __init__(self, primary_keys: PrimaryKeys) -> None:
        self._primary_keys = primary_keys
        self.statement = lru_cache(maxsize=1000)(self._statement)

    def _statement(self, text: str) -> Statement:
        sql = text.replace("%s", "?").replace("%%", "%").replace(_NOW, "database_seconds()")
        sql = _upsert(sql)
        kind = _kind(sql)
        read = sql.removesuffix(_SKIP_LOCKED)
        if kind is not Kind.READ or not read.endswith(_FOR_UPDATE):
            return Statement(kind, sql)
        return self._locking(read.removesuffix(_FOR_UPDATE))._replace(skips=read != sql)

    def _locking(self, sql: str) -> Statement:
        """The read with the primary keys of its tables behind the columns that were asked for.

        They are counted from the end of the row: what was asked for may hold commas of its own.
        """
        columns: list[str] = []
        spans: list[tuple[str, int, int]] = []
        for table, alias in _TABLES.findall(sql):
            key = self._primary_keys[table]
            spans.append((table, len(columns), len(columns) + len(key)))
            columns += [f"{alias or table}.{column}" for column in key]
        before, after = _FROM.split(sql, maxsplit=1)
        total = len(columns)
        locked = [LockedTable(table, slice(first - total, (last - total) or None)) for table, first, last in spans]
        return Statement(Kind.LOCK, f"{before}, {', '.join(columns)} FROM {after}", -total, locked)
