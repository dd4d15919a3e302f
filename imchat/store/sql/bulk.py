"""Many rows in one statement, for databases where a statement costs a round trip.

The text is made of integers and ``x'..'`` literals alone: nothing else can stand in it, so nothing can be injected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

from imchat.domain.models import MAX_ID, Event, Head

T = TypeVar("T")

EventRow: TypeAlias = tuple[int, int, int, bytes, int, bytes, bytes, int, int, int]
"""stream_id, seq, sender_id, client_id, kind, content, digest, ordinal, created_ms, target_seq."""

_NEW_COLUMNS = "stream_id, seq, sender_id, client_id, kind, content, digest, ordinal, created_ms, target_seq"
EVENT_COLUMNS = f"{_NEW_COLUMNS}, changed_seq, state"
_INSERT = f"INSERT INTO event ({_NEW_COLUMNS}) VALUES "  # noqa: S608
INSERT_EVENT = _INSERT + "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

HEADS_AT_ONCE = 64
"""Heads per UPDATE: a CASE is searched from its start, so its cost grows with the square of its length."""


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of at most ``size``."""
    return (values[start : start + size] for start in range(0, len(values), size))


def possible(ids: Iterable[int]) -> list[int]:
    """Those of the ids that anything can have, ascending, each once: what clients send may not even fit a BIGINT."""
    return sorted({an_id for an_id in ids if 0 < an_id <= MAX_ID})


def in_list(values: Sequence[T]) -> tuple[str, list[T]]:
    """Placeholders and values for ``IN (...)``.

    The last value is repeated up to a power of two, so that drivers that keep prepared statements see few texts.
    """
    size = 1 << (len(values) - 1).bit_length()
    padded = [*values, *[values[-1]] * (size - len(values))]
    return ", ".join("?" * size), padded


def event_of(row: Sequence[Any]) -> Event:
    """The event of a row of ``EVENT_COLUMNS``, without what stands elsewhere."""
    stream_id, seq, sender_id, client_id, kind, content, _, ordinal, created_ms, target_seq, changed_seq, state = row
    content, client_id = bytes(content), bytes(client_id)
    return Event(
        stream_id, seq, sender_id, client_id, kind, content, ordinal, created_ms, changed_seq, state, (), None, None,
        target_seq,
    )  # fmt: skip


def insert_into(table: str, columns: Sequence[str]) -> str:
    """A statement that inserts one row."""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def any_of(columns: Sequence[str], keys: Sequence[Sequence[T]]) -> tuple[str, list[T]]:
    """A condition that holds for rows with one of the keys (at least one), and its values; padded as :func:`in_list`.

    Databases look each key up; of ``(a, b) IN (...)`` some read whole indexes.
    """
    size = 1 << (len(keys) - 1).bit_length()
    padded = [*keys, *[keys[-1]] * (size - len(keys))]
    one = " AND ".join(f"{column} = ?" for column in columns)
    return " OR ".join([f"({one})"] * size), [value for key in padded for value in key]


def _literal(row: EventRow) -> str:
    stream_id, seq, sender_id, client_id, kind, content, digest, ordinal, created_ms, target_seq = row
    return (
        f"({stream_id:d},{seq:d},{sender_id:d},x'{client_id.hex()}',{kind:d},"
        f"x'{content.hex()}',x'{digest.hex()}',{ordinal:d},{created_ms:d},{target_seq:d})"
    )


def statements(heads: Sequence[Head], rows: Sequence[EventRow], max_statement: int) -> Iterator[str]:
    """The statements that write heads and insert events, each of at most ``max_statement`` characters if it can."""
    yield from update_heads(heads)
    yield from insert_events(rows, max_statement)


def insert_events(rows: Sequence[EventRow], max_statement: int) -> Iterator[str]:
    """Insert events with as few statements as ``max_statement`` (characters of one) allows."""
    room = max_statement - len(_INSERT)
    literals: list[str] = []
    length = 0
    for row in rows:
        literal = _literal(row)
        if literals and length + len(literal) > room:
            yield _INSERT + ",".join(literals)
            literals, length = [], 0
        literals.append(literal)
        length += len(literal) + 1
    if literals:
        yield _INSERT + ",".join(literals)


def _case(column: str, ids: Sequence[str], values: Sequence[int]) -> str:
    if len(set(values)) == 1:
        return f"{column} = {values[0]:d}"
    cases = [f"WHEN {an_id} THEN {value:d}" for an_id, value in zip(ids, values, strict=True)]
    return f"{column} = CASE stream_id {' '.join(cases)} END"


def update_heads(heads: Sequence[Head]) -> Iterator[str]:
    """Write the numbers of heads with one UPDATE for up to 64 of them."""
    for part in chunks(heads, HEADS_AT_ONCE):
        ids = [f"{head.stream_id:d}" for head in part]
        columns = (
            _case("last_seq", ids, [head.last_seq for head in part]),
            _case("last_message_seq", ids, [head.last_message_seq for head in part]),
            _case("counted", ids, [head.counted for head in part]),
            _case("last_ms", ids, [head.last_ms for head in part]),
        )
        yield f"UPDATE head SET {', '.join(columns)} WHERE stream_id IN ({', '.join(ids)})"  # noqa: S608
