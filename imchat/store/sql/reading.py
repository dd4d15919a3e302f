"""Reading a stretch of a stream as a user may see it, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from imchat.domain.acts import with_target
from imchat.domain.models import Event, EventRange, Period, Reaction
from imchat.domain.quoting import weight
from imchat.domain.visibility import Span, highest, lowest, visible
from imchat.store.sql.bulk import EVENT_COLUMNS, event_of, in_list
from imchat.store.sql.targets import read_events
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
    for_others: bool = False

    @property
    def private(self) -> bool:
        """Whether it is of the reader's own private stream."""
        return self.stream_id == self.reader_id

    @property
    def hides_deleted(self) -> bool:
        """Whether the reader sees nothing of what they deleted for themselves."""
        return not (self.private or self.for_others)


def _periods(tx: Transaction, stretch: Stretch) -> list[Period]:
    """What the reader may see, without what they deleted up to a seq."""
    if stretch.private:
        return [Period(1, None)]
    who = (stretch.stream_id, stretch.reader_id)
    query = "SELECT from_seq, to_seq FROM period WHERE conversation_id = ? AND user_id = ?"
    periods = [Period(*row) for row in tx.query(query, who)]
    if not periods or stretch.for_others:
        return periods
    row = tx.one("SELECT cleared_seq FROM reading WHERE conversation_id = ? AND user_id = ?", who)
    first = 1 if row is None else row[0] + 1
    return [Period(max(first, period.from_seq), period.to_seq) for period in periods]


def _pieces(spans: Sequence[Span], upwards: bool) -> Iterator[Span]:
    for first, last in spans if upwards else reversed(spans):
        if upwards:
            for start in range(first, last + 1, EVENTS_AT_ONCE):
                yield start, min(last, start + EVENTS_AT_ONCE - 1)
        else:
            for end in range(last, first - 1, -EVENTS_AT_ONCE):
                yield max(first, end - EVENTS_AT_ONCE + 1), end


def _deleted(tx: Transaction, stretch: Stretch, condition: str, values: Sequence[int]) -> set[int]:
    """Which events the reader deleted for themselves, of those with such a seq."""
    if not stretch.hides_deleted:
        return set()
    query = f"SELECT seq FROM deletion WHERE user_id = ? AND conversation_id = ? AND seq {condition}"  # noqa: S608
    return {seq for (seq,) in tx.query(query, (stretch.reader_id, stretch.stream_id, *values))}


def completed(tx: Transaction, stretch: Stretch, periods: Sequence[Period], events: Sequence[Event]) -> list[Event]:
    """Events with reactions, and with the messages that they are about where the reader may see these."""
    if stretch.private:
        return list(events)
    targets = _targets(tx, stretch, periods, {event.target_seq for event in events if event.target_seq})
    reactions = _reactions(tx, stretch, [event.seq for event in events if event.changed_seq])
    return [_complete(event, targets, reactions) for event in events]


def _complete(event: Event, targets: dict[int, Event], reactions: dict[int, tuple[Reaction, ...]]) -> Event:
    if event.seq in reactions:
        event = replace(event, reactions=reactions[event.seq])
    target = targets.get(event.target_seq)
    return event if target is None else with_target(event, target)


def _targets(tx: Transaction, stretch: Stretch, periods: Sequence[Period], seqs: Iterable[int]) -> dict[int, Event]:
    seen = sorted(seq for seq in seqs if visible(periods, seq, seq))
    if not seen:
        return {}
    marks, values = in_list(seen)
    deleted = _deleted(tx, stretch, f"IN ({marks})", values)
    found = read_events(tx, ((stretch.stream_id, seq) for seq in seen if seq not in deleted))
    return {seq: event for (_, seq), event in found.items()}


def _reactions(tx: Transaction, stretch: Stretch, seqs: Sequence[int]) -> dict[int, tuple[Reaction, ...]]:
    """How events were reacted to, most often first."""
    found: dict[int, list[Reaction]] = {}
    if not seqs:
        return {}
    marks, values = in_list(seqs)
    query = f"""
        SELECT seq, emoji, COUNT(*), MAX(CASE WHEN user_id = ? THEN 1 ELSE 0 END) FROM reaction
        WHERE stream_id = ? AND seq IN ({marks}) GROUP BY seq, emoji
    """  # noqa: S608
    for seq, emoji, count, own in tx.query(query, (stretch.reader_id, stretch.stream_id, *values)):
        found.setdefault(seq, []).append(Reaction(bytes(emoji).decode(), int(count), bool(own)))
    return {seq: tuple(sorted(some, key=lambda one: (-one.count, one.emoji))) for seq, some in found.items()}


def _events(
    tx: Transaction, stretch: Stretch, periods: Sequence[Period], spans: Sequence[Span], upwards: bool
) -> tuple[list[Event], bool]:
    """The events of the spans in the direction of reading, and whether the limit of bytes allows all of them."""
    events: list[Event] = []
    size = 0
    for first, last in _pieces(spans, upwards):
        rows = tx.query(_EVENTS, (stretch.stream_id, first, last))
        deleted = _deleted(tx, stretch, "BETWEEN ? AND ?", (first, last)) if rows else ()
        found = completed(tx, stretch, periods, [event_of(row) for row in rows if row[1] not in deleted])
        for event in found if upwards else reversed(found):
            size += weight(event)
            if events and size > stretch.max_bytes:
                return events, False
            events.append(event)
    return events, True


def _upwards(tx: Transaction, stretch: Stretch, periods: Sequence[Period], after: int, last_seq: int) -> EventRange:
    low = max(after, 0) + 1
    high = last_seq if stretch.before is None else min(last_seq, stretch.before - 1)
    spans = lowest(visible(periods, low, high), max(1, stretch.limit))
    events, complete = _events(tx, stretch, periods, spans, upwards=True)
    # What was deleted is passed over as what was read.
    reached = (spans[-1][1] if spans else low - 1) if complete else events[-1].seq
    if not visible(periods, reached + 1, high):
        reached = max(high, low - 1)
    return EventRange(stretch.stream_id, low, reached, last_seq, tuple(events))


def _downwards(tx: Transaction, stretch: Stretch, periods: Sequence[Period], last_seq: int) -> EventRange:
    high = last_seq if stretch.before is None else max(0, min(last_seq, stretch.before - 1))
    spans = highest(visible(periods, 1, high), max(1, stretch.limit))
    events, complete = _events(tx, stretch, periods, spans, upwards=False)
    reached = (spans[0][0] if spans else high + 1) if complete else events[-1].seq
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
