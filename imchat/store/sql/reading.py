"""Reading a stretch of a stream as a user may see it, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imchat.domain.models import Event, EventRange, Period
from imchat.domain.visibility import Span, highest, lowest, visible
from imchat.store.sql.append import event_of
from imchat.store.sql.bulk import EVENT_COLUMNS
from imchat.store.sql.transaction import Transaction

EVENTS_AT_ONCE = 64
"""So few that what is read beyond the limit of bytes is little."""

_EVENTS = f"SELECT {EVENT_COLUMNS} FROM event WHERE stream_id = ? AND seq BETWEEN ? AND ? ORDER BY seq"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is asked for: the arguments of :meth:`imchat.ports.StreamStore.read`."""

    stream_id: int
    reader_id: int
    after: int | None
    before: int | None
    limit: int
    max_bytes: int


def _periods(tx: Transaction, stretch: Stretch) -> list[Period]:
    if stretch.stream_id == stretch.reader_id:
        return [Period(1, None)]
    query = "SELECT from_seq, to_seq FROM period WHERE conversation_id = ? AND user_id = ?"
    return [Period(*row) for row in tx.query(query, (stretch.stream_id, stretch.reader_id))]


def _pieces(spans: Sequence[Span], upwards: bool) -> Iterator[Span]:
    for first, last in spans if upwards else reversed(spans):
        if upwards:
            for start in range(first, last + 1, EVENTS_AT_ONCE):
                yield start, min(last, start + EVENTS_AT_ONCE - 1)
        else:
            for end in range(last, first - 1, -EVENTS_AT_ONCE):
                yield max(first, end - EVENTS_AT_ONCE + 1), end


def _events(tx: Transaction, stretch: Stretch, spans: Sequence[Span], upwards: bool) -> list[Event]:
    """The events of the spans in the direction of reading, as far as the limit of bytes allows."""
    events: list[Event] = []
    size = 0
    for first, last in _pieces(spans, upwards):
        rows = tx.query(_EVENTS, (stretch.stream_id, first, last))
        for row in rows if upwards else reversed(rows):
            event = event_of(row)
            size += len(event.content)
            if events and size > stretch.max_bytes:
                return events
            events.append(event)
    return events


def _upwards(tx: Transaction, stretch: Stretch, periods: Sequence[Period], after: int, last_seq: int) -> EventRange:
    low = max(after, 0) + 1
    high = last_seq if stretch.before is None else min(last_seq, stretch.before - 1)
    spans = visible(periods, low, high)
    events = _events(tx, stretch, lowest(spans, max(1, stretch.limit)), upwards=True)
    reached = events[-1].seq if events else low - 1
    if not visible(periods, reached + 1, high):
        reached = max(high, low - 1)
    return EventRange(stretch.stream_id, low, reached, last_seq, tuple(events))


def _downwards(tx: Transaction, stretch: Stretch, periods: Sequence[Period], last_seq: int) -> EventRange:
    high = last_seq if stretch.before is None else max(0, min(last_seq, stretch.before - 1))
    spans = visible(periods, 1, high)
    events = _events(tx, stretch, highest(spans, max(1, stretch.limit)), upwards=False)
    reached = events[-1].seq if events else high + 1
    if not visible(periods, 1, reached - 1):
        reached = 1
    return EventRange(stretch.stream_id, reached, high, last_seq, tuple(reversed(events)))


def read(tx: Transaction, stretch: Stretch) -> EventRange | None:
    """Read as :meth:`imchat.ports.StreamStore.read` tells."""
    head = tx.one("SELECT last_seq FROM head WHERE stream_id = ?", (stretch.stream_id,))
    periods = _periods(tx, stretch) if head is not None else []
    if head is None or not periods:
        return None
    if stretch.after is not None:
        return _upwards(tx, stretch, periods, stretch.after, head[0])
    return _downwards(tx, stretch, periods, head[0])


def seq_at(tx: Transaction, stream_id: int, at_ms: int) -> int:
    """Search as :meth:`imchat.ports.StreamStore.seq_at` tells: times never fall, and no seq is left out."""
    head = tx.one("SELECT last_seq FROM head WHERE stream_id = ?", (stream_id,))
    low, high = 1, (0 if head is None else int(head[0])) + 1
    while low < high:
        middle = (low + high) // 2
        row = tx.one("SELECT created_ms FROM event WHERE stream_id = ? AND seq = ?", (stream_id, middle))
        if row is not None and row[0] < at_ms:
            low = middle + 1
        else:
            high = middle
    return low
