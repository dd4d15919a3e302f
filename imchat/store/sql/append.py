"""Appending events to streams, inside a transaction: the heart of the flush (DESIGN: the path of a message).

The heads are locked first, in id order, so whatever is read afterwards (stored events, memberships) stays true until
the commit, and numbers are dense and visible in order on every node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from imchat.domain.content import is_message
from imchat.domain.errors import Conflict, NotFound
from imchat.domain.models import MAX_ID, SYSTEM_SENDER, Draft, Event, Head, Membership, Refused, Stored
from imchat.ports import FlushResult, Permit
from imchat.store.sql.bulk import EVENT_COLUMNS, EventRow, chunks, in_list, possible
from imchat.store.sql.members import memberships
from imchat.store.sql.transaction import DuplicateKey, Row, Transaction

HEADS_AT_ONCE = 500
"""Above 1,000 ids MariaDB no longer promises the order in which ``IN (...)`` locks."""

KEYS_AT_ONCE = 64

HEAD_COLUMNS = "stream_id, last_seq, last_message_seq, counted, member_version, last_ms"

Key: TypeAlias = tuple[int, int, bytes]
"""stream_id, sender_id, client_id: an event is stored once under it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event in its place with the digest of its request."""

    event: Event
    digest: bytes

    def answer(self, draft: Draft) -> Stored | Refused:
        """The outcome of a draft that has the same key."""
        return Stored(self.event, resent=True) if self.digest == draft.digest else Refused(Conflict.code)


def key(draft: Draft) -> Key:
    """Under which a draft is stored once."""
    return draft.stream_id, draft.sender_id, draft.client_id


def event_of(row: Row) -> Event:
    """The event of a row of ``EVENT_COLUMNS``."""
    stream_id, seq, sender_id, client_id, kind, content, _, ordinal, created_ms = row
    return Event(stream_id, seq, sender_id, bytes(client_id), kind, bytes(content), ordinal, created_ms)


def lock_heads(tx: Transaction, stream_ids: Iterable[int]) -> tuple[dict[int, Head], int]:
    """Lock the heads of those streams that exist.

    Returns:
        The heads by id, and the database's time in ms.
    """
    heads: dict[int, Head] = {}
    now_ms = 0
    for part in chunks(possible(stream_ids), HEADS_AT_ONCE):
        marks, ids = in_list(part)
        query = f"SELECT {HEAD_COLUMNS}, {tx.dialect.now()} FROM head WHERE stream_id IN ({marks}) ORDER BY stream_id"  # noqa: S608
        for row in tx.query(query + tx.dialect.lock, ids):
            heads[row[0]] = Head(*row[:-1])
            now_ms = max(now_ms, int(row[-1]))
    return heads, now_ms


def find(tx: Transaction, keys: Iterable[Key]) -> dict[Key, Found]:
    """Those of the keys under which an event is stored."""
    found: dict[Key, Found] = {}
    for part in chunks(sorted(k for k in set(keys) if 0 < k[0] <= MAX_ID), KEYS_AT_ONCE):
        padded = [*part, *[part[-1]] * ((1 << (len(part) - 1).bit_length()) - len(part))]
        condition = " OR ".join(["(stream_id = ? AND sender_id = ? AND client_id = ?)"] * len(padded))
        rows = tx.query(f"SELECT {EVENT_COLUMNS} FROM event WHERE {condition}", [v for k in padded for v in k])  # noqa: S608
        for row in rows:
            found[row[0], row[2], bytes(row[3])] = Found(event_of(row), bytes(row[6]))
    return found


class _Batch:
    """Gives places to drafts, one after another.

    Args:
        heads: The locked heads.
        found: Events that are stored already.
        now_ms: The database's time.
    """

    def __init__(self, heads: dict[int, Head], found: dict[Key, Found], now_ms: int) -> None:
        self.heads = heads
        self.rows: list[EventRow] = []
        self.changed: dict[int, Head] = {}
        self._found = found
        self._now_ms = now_ms

    def outcome(self, draft: Draft, refusal: str | None) -> Stored | Refused:
        """Answer a draft; unless it is stored already or refused, it gets the next place of its stream."""
        if (found := self._found.get(key(draft))) is not None:
            return found.answer(draft)
        if refusal is not None:
            return Refused(refusal)
        event = self._place(draft, self.heads[draft.stream_id])
        self._found[key(draft)] = Found(event, draft.digest)
        return Stored(event)

    def _place(self, draft: Draft, head: Head) -> Event:
        seq, created_ms = head.last_seq + 1, max(self._now_ms, head.last_ms)
        counts = is_message(draft.kind)
        ordinal = head.counted + counts
        # Written out: dataclasses.replace costs more than all else that is done here for a message.
        stream_id, sender_id, client_id, kind = draft.stream_id, draft.sender_id, draft.client_id, draft.kind
        last_message_seq = seq if counts else head.last_message_seq
        self.heads[stream_id] = self.changed[stream_id] = Head(
            stream_id, seq, last_message_seq, ordinal, head.member_version, created_ms
        )
        row = (stream_id, seq, sender_id, client_id, kind, draft.content, draft.digest, ordinal, created_ms)
        self.rows.append(row)
        return Event(stream_id, seq, sender_id, client_id, kind, draft.content, ordinal, created_ms)

    def write(self, tx: Transaction, last: bool) -> None:
        """Store what got a place; with ``last`` the transaction may be committed thereby."""
        if self.rows:
            heads = sorted(self.changed.values(), key=lambda head: head.stream_id)
            tx.dialect.store(tx, heads, self.rows, last)


def _stale(drafts: Sequence[Draft], heads: dict[int, Head]) -> list[int]:
    """Conversations whose membership a sender's permission was checked against in another version."""
    return sorted(
        {
            draft.stream_id
            for draft in drafts
            if draft.sender_id != SYSTEM_SENDER
            and (head := heads.get(draft.stream_id)) is not None
            and head.member_version != draft.member_version
        }
    )


def _refusals(
    drafts: Sequence[Draft], heads: dict[int, Head], stale: dict[int, Membership | None], permit: Permit
) -> list[str | None]:
    def refusal(draft: Draft) -> str | None:
        if draft.refusal is not None:
            return draft.refusal
        if draft.stream_id not in heads:
            return NotFound.code
        if draft.sender_id == SYSTEM_SENDER or draft.stream_id not in stale:
            return None
        membership = stale[draft.stream_id]
        return NotFound.code if membership is None else permit(draft, membership)

    return [refusal(draft) for draft in drafts]


def flush(
    tx: Transaction, drafts: Sequence[Draft], permit: Permit, look_up_all: bool, last: bool = False
) -> FlushResult:
    """Append drafts as :meth:`imchat.ports.StreamStore.flush` tells.

    Args:
        tx: A transaction that has done nothing yet, or only locked what comes later in the order of locks.
        drafts: In the order in which they get places.
        permit: Checks permission under the lock.
        look_up_all: Look for stored events under the keys of all drafts, not only under those of refused ones;
            else a resend raises :class:`DuplicateKey`.
        last: Nothing follows in the transaction: it may be committed here.
    """
    heads, now_ms = lock_heads(tx, (draft.stream_id for draft in drafts))
    outdated = _stale(drafts, heads)
    read = memberships(tx, outdated)
    stale = {stream_id: read.get(stream_id) for stream_id in outdated}
    refusals = _refusals(drafts, heads, stale, permit)
    asked = (key(draft) for draft, refusal in zip(drafts, refusals, strict=True) if look_up_all or refusal is not None)
    batch = _Batch(heads, find(tx, asked), now_ms)
    outcomes = [batch.outcome(draft, refusal) for draft, refusal in zip(drafts, refusals, strict=True)]
    batch.write(tx, last)
    return FlushResult(outcomes, read)


def append(tx: Transaction, drafts: Sequence[Draft]) -> tuple[Event, ...]:
    """Append the server's own events as part of another transaction.

    Returns:
        The events, those also that are stored already.

    Raises:
        DuplicateKey: a draft's key is taken by another event.
        LookupError: there is no such stream.
    """
    if not drafts:
        return ()
    outcomes = flush(tx, drafts, lambda *_: None, look_up_all=True).outcomes
    events = []
    for draft, outcome in zip(drafts, outcomes, strict=True):
        if isinstance(outcome, Refused):
            fault = DuplicateKey if outcome.code == Conflict.code else LookupError
            raise fault(f"stream {draft.stream_id}: {outcome.code}")
        events.append(outcome.event)
    return tuple(events)
