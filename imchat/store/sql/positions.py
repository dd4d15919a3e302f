"""How far members have received and read, in SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from imchat.domain.conversations import RECEIPTS_UP_TO, Mark, Receipt, position_refusal
from imchat.domain.errors import Contended, NotFound
from imchat.domain.models import MAX_ID, Event
from imchat.domain.notes import ReadPosition
from imchat.ports import Announce, Marked
from imchat.store.sql.append import append, lock_heads
from imchat.store.sql.bulk import any_of, chunks, in_list, possible
from imchat.store.sql.own_states import READING_KEY, told_before
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import Transaction

_AT_ONCE = 64

_PLACES = """
    SELECT m.conversation_id, m.user_id, h.last_seq, COALESCE(r.read_seq, 0), COALESCE(r.delivered_seq, 0)
    FROM member m
    JOIN head h ON h.stream_id = m.conversation_id
    LEFT JOIN reading r ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id
    WHERE {condition}
"""
_ORDINALS = "SELECT stream_id, seq, ordinal FROM event WHERE {condition}"
_TAKERS = """
    SELECT m.conversation_id, m.user_id, a.receipts_off
    FROM member m JOIN account a ON a.user_id = m.user_id
    WHERE m.conversation_id IN ({marks})
"""
_COUNTS = "SELECT conversation_id, COUNT(*) FROM member WHERE conversation_id IN ({marks}) GROUP BY conversation_id"
_RECEIPTS = """
    SELECT conversation_id, user_id, delivered_seq, read_seq FROM reading
    WHERE conversation_id = ? AND user_id IN ({marks}) ORDER BY user_id
"""

Place = tuple[int, int]
"""conversation_id, user_id."""


class _Places:
    """Where members are before marks are applied.

    Args:
        tx: The transaction.
        marks: What is to be marked.
        free: Users whose marks are applied; None: all.

    Attributes:
        refusals: For each mark the code of the error, or None.
        wanted: The highest seq of the marks that are not refused.
    """

    def __init__(self, tx: Transaction, marks: Sequence[Mark], free: Collection[int] | None = None) -> None:
        self._free = free
        self._found: dict[Place, tuple[int, int, int]] = {}
        asked = {(mark.conversation_id, mark.user_id) for mark in marks if 0 < mark.conversation_id <= MAX_ID}
        for part in chunks(sorted(asked), _AT_ONCE):
            condition, values = any_of(("m.conversation_id", "m.user_id"), part)
            for row in tx.query(_PLACES.format(condition=condition), values):
                self._found[row[0], row[1]] = row[2:]
        self.refusals = [self._refusal(mark) for mark in marks]
        self.wanted: dict[Place, int] = {}
        for mark, refusal in zip(marks, self.refusals, strict=True):
            if refusal is None:
                place = mark.conversation_id, mark.user_id
                self.wanted[place] = max(mark.seq, self.wanted.get(place, 0))

    def _refusal(self, mark: Mark) -> str | None:
        found = self._found.get((mark.conversation_id, mark.user_id))
        refusal = NotFound.code if found is None else position_refusal(mark.seq, found[0])
        late = self._free is not None and mark.user_id not in self._free
        return refusal or (Contended.code if late else None)

    def moved(self, read: bool) -> list[Receipt]:
        """Where those will be who move on, by the order in which rows are locked."""
        moved: list[Receipt] = []
        for place in sorted(self.wanted):
            seq = self.wanted[place]
            _, read_seq, delivered_seq = self._found[place]
            delivered_seq = max(read_seq, delivered_seq)
            if seq > (read_seq if read else delivered_seq):
                moved.append(Receipt(*place, max(seq, delivered_seq), seq if read else read_seq))
        return moved


def _ordinals(tx: Transaction, moved: Sequence[Receipt]) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for part in chunks(sorted({(one.conversation_id, one.read_seq) for one in moved}), _AT_ONCE):
        condition, values = any_of(("stream_id", "seq"), part)
        for stream_id, seq, ordinal in tx.query(_ORDINALS.format(condition=condition), values):
            found[stream_id, seq] = ordinal
    return found


def _mark_read(tx: Transaction, marks: Sequence[Mark], announce: Announce) -> Marked:
    # The private streams are locked first: read positions of one user are told in the order in which they rise. Those
    # that others keep locked are left out: nobody waits for the lock of another.
    free, _ = lock_heads(tx, [mark.user_id for mark in marks], tx.dialect.lock_free or None)
    places = _Places(tx, marks, free)
    moved = places.moved(read=True)
    ordinals = _ordinals(tx, moved)
    upsert = tx.dialect.upsert("reading", READING_KEY, raised=("read_seq", "read_ordinal", "delivered_seq"))
    rows: list[tuple[int, ...]] = []
    for one in moved:
        ordinal = ordinals[one.conversation_id, one.read_seq]
        rows.append((one.conversation_id, one.user_id, one.read_seq, ordinal, one.delivered_seq))
    tx.execute_many(upsert, rows)
    return Marked(places.refusals, moved, _tell(tx, places, moved, ordinals, announce))


def _tell(
    tx: Transaction,
    places: _Places,
    moved: Sequence[Receipt],
    ordinals: Mapping[Place, int],
    announce: Announce,
) -> tuple[Event, ...]:
    """Tell what moved. Drafts are made for all that may move, so that each is the same in every try."""
    wanted = sorted(places.wanted.items())
    notes = [
        (user_id, ReadPosition(conversation_id, seq, ordinals.get((conversation_id, seq), 0)))
        for (conversation_id, user_id), seq in wanted
    ]
    drafts = dict(zip((place for place, _ in wanted), announce(notes), strict=True)) if notes else {}
    new = [drafts.pop((one.conversation_id, one.user_id)) for one in moved]
    return (*told_before(tx, list(drafts.values())), *append(tx, new))


def _mark_delivered(tx: Transaction, marks: Sequence[Mark]) -> Marked:
    places = _Places(tx, marks)
    moved = places.moved(read=False)
    upsert = tx.dialect.upsert("reading", READING_KEY, raised=("delivered_seq",))
    tx.execute_many(upsert, [(one.conversation_id, one.user_id, one.delivered_seq) for one in moved])
    return Marked(places.refusals, moved)


def _takers(tx: Transaction, conversation_ids: Sequence[int]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for part in chunks(possible(conversation_ids), _AT_ONCE):
        marks, ids = in_list(part)
        small = [row[0] for row in tx.query(_COUNTS.format(marks=marks), ids) if row[1] <= RECEIPTS_UP_TO]
        if small:
            marks, ids = in_list(small)
            for conversation_id, user_id, receipts_off in tx.query(_TAKERS.format(marks=marks), ids):
                if not receipts_off:
                    found.setdefault(conversation_id, set()).add(user_id)
    return {conversation_id: frozenset(user_ids) for conversation_id, user_ids in found.items()}


def _receipts(tx: Transaction, user_id: int, conversation_id: int) -> list[Receipt] | None:
    member = "SELECT user_id FROM member WHERE conversation_id = ? AND user_id = ?"
    if tx.one(member, (conversation_id, user_id)) is None:
        return None
    takers = _takers(tx, [conversation_id]).get(conversation_id, frozenset())
    told = sorted(takers - {user_id})
    if user_id not in takers or not told:
        return []
    marks, ids = in_list(told)
    found = {row[1]: row[2:] for row in tx.query(_RECEIPTS.format(marks=marks), (conversation_id, *ids))}
    positions = ((other_id, *found.get(other_id, (0, 0))) for other_id in told)
    return [
        Receipt(conversation_id, other_id, max(delivered_seq, read_seq), read_seq)
        for other_id, delivered_seq, read_seq in positions
    ]


class SqlPositions:
    """The :class:`imchat.ports.PositionStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def mark_read(self, marks: Sequence[Mark], announce: Announce) -> Marked:
        """Raise read positions and tell each that moved in its user's private stream."""
        return await self._writer.run("mark read", partial(_mark_read, marks=marks, announce=announce))

    async def mark_delivered(self, marks: Sequence[Mark]) -> Marked:
        """Raise delivered positions."""
        return await self._writer.run("mark delivered", partial(_mark_delivered, marks=marks))

    async def receipts(self, user_id: int, conversation_id: int) -> list[Receipt] | None:
        """Where the other members of a conversation are, as far as the user may know."""
        if not possible([conversation_id]):
            return None
        return await self._reader.run("receipts", lambda tx: _receipts(tx, user_id, conversation_id))

    async def takers(self, conversation_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """The members who send receipts, and so are told of others'."""
        return await self._reader.run("takers of receipts", lambda tx: _takers(tx, conversation_ids))
