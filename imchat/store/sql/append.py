"""Appending events to streams, inside a transaction: the heart of the flush (DESIGN: the path of a message).

The heads are locked first, in id order, so whatever is read afterwards (stored events, memberships) stays true until
the commit, and numbers are dense and visible in order on every node.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from imchat.domain.acts import with_target
from imchat.domain.errors import Conflict, Contended, NotFound
from imchat.domain.models import MAX_ID, SYSTEM_SENDER, Draft, Event, Head, Membership, Refused
from imchat.ports import FlushResult, Permit
from imchat.store.sql.bulk import EVENT_COLUMNS, chunks, in_list, possible
from imchat.store.sql.bulk import event_of as event_of
from imchat.store.sql.members import memberships
from imchat.store.sql.placing import Batch, Found, Key
from imchat.store.sql.placing import key as key
from imchat.store.sql.targets import Targets
from imchat.store.sql.transaction import DuplicateKey, Transaction

HEADS_AT_ONCE = 500
"""Above 1,000 ids MariaDB no longer promises the order in which ``IN (...)`` locks."""

KEYS_AT_ONCE = 64

PROBES = 10
"""How often a head is tried that others have locked, at a round trip each: another node's flush lets go in a moment."""

HEAD_COLUMNS = "stream_id, last_seq, last_message_seq, counted, member_version, last_ms"


def lock_heads(tx: Transaction, stream_ids: Iterable[int], lock: str | None = None) -> tuple[dict[int, Head], int]:
    """Lock the heads of those streams that exist.

    Args:
        tx: The transaction.
        stream_ids: Any number, in any order.
        lock: The dialect's ``lock`` where None.

    Returns:
        The heads by id, and the database's time in ms.
    """
    heads: dict[int, Head] = {}
    now_ms = 0
    for part in chunks(possible(stream_ids), HEADS_AT_ONCE):
        marks, ids = in_list(part)
        query = f"SELECT {HEAD_COLUMNS}, {tx.dialect.now()} FROM head WHERE stream_id IN ({marks}) ORDER BY stream_id"  # noqa: S608
        for row in tx.query(query + (tx.dialect.lock if lock is None else lock), ids):
            heads[row[0]] = Head(*row[:-1])
            now_ms = max(now_ms, int(row[-1]))
    return heads, now_ms


@dataclass(frozen=True, slots=True)
class _Locked:
    """The heads that a transaction has locked, its time in ms, and the streams whose heads others keep locked."""

    heads: dict[int, Head]
    now_ms: int
    kept: frozenset[int] = frozenset()


def _lock_what_is_free(tx: Transaction, stream_ids: Iterable[int], kept: Collection[int]) -> _Locked:
    """Lock heads, and go on without those that others keep locked for longer than a statement waits.

    Trying a head without waiting breaks no order of locks: nobody waits for us while we wait.

    Args:
        tx: A transaction that has done nothing yet.
        stream_ids: Any number, in any order.
        kept: Streams whose heads others kept locked a moment ago: these are not waited for.
    """
    ids = possible(stream_ids)
    if kept:
        kept = [stream_id for stream_id in ids if stream_id in kept]
    try:
        heads, now_ms = lock_heads(tx, (stream_id for stream_id in ids if stream_id not in kept) if kept else ids)
    except Exception as error:
        if not tx.dialect.lock_free or not tx.dialect.waited(error):
            raise
        # Which of them it was, nobody says. Those that it locked before are tried again and are ours already.
        heads, now_ms, kept = {}, 0, ids
    for _ in range(PROBES if kept else 0):
        left = [stream_id for stream_id in kept if stream_id not in heads]
        more, later_ms = lock_heads(tx, left, tx.dialect.lock_free)
        heads, now_ms = heads | more, max(now_ms, later_ms)
    return _Locked(heads, now_ms, frozenset(_existing(tx, [an_id for an_id in kept if an_id not in heads])))


def _existing(tx: Transaction, stream_ids: Sequence[int]) -> Iterator[int]:
    for part in chunks(stream_ids, HEADS_AT_ONCE):
        marks, ids = in_list(part)
        for (stream_id,) in tx.query(f"SELECT stream_id FROM head WHERE stream_id IN ({marks})", ids):  # noqa: S608
            yield stream_id


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
    drafts: Sequence[Draft], locked: _Locked, stale: dict[int, Membership | None], permit: Permit
) -> list[str | None]:
    def refusal(draft: Draft) -> str | None:
        if draft.stream_id in locked.kept:
            # Before any other reason: whoever holds the lock may be about to store this very draft.
            return Contended.code
        if draft.refusal is not None:
            return draft.refusal
        if draft.stream_id not in locked.heads:
            return NotFound.code
        if draft.sender_id == SYSTEM_SENDER or draft.stream_id not in stale:
            return None
        membership = stale[draft.stream_id]
        return NotFound.code if membership is None else permit(draft, membership)

    return [refusal(draft) for draft in drafts]


def _targets(
    tx: Transaction, drafts: Sequence[Draft], refusals: Sequence[str | None], found: dict[Key, Found]
) -> Targets | None:
    """What drafts are about that may be stored; what those are about that are stored already is filled in."""
    about = [
        draft
        for draft, refusal in zip(drafts, refusals, strict=True)
        if draft.target and refusal is None and key(draft) not in found
    ]
    told = [one for one in found.values() if one.event.target_seq] if found else []
    if not about and not told:
        return None
    targets = Targets(tx, about, [(one.event.stream_id, one.event.target_seq) for one in told])
    for one in told:
        target = targets.get((one.event.stream_id, one.event.target_seq))
        if target is not None:
            event = one.event
            filled = Found(with_target(event, target), one.digest)
            found[event.stream_id, event.sender_id, event.client_id] = filled
    return targets


def flush(
    tx: Transaction,
    drafts: Sequence[Draft],
    permit: Permit,
    look_up_all: bool,
    last: bool = False,
    kept: Collection[int] | None = None,
) -> FlushResult:
    """Append drafts as :meth:`imchat.ports.StreamStore.flush` tells.

    Args:
        tx: A transaction that has done nothing yet, or only locked what comes later in the order of locks.
        drafts: In the order in which they get places.
        permit: Checks permission under the lock.
        look_up_all: Look for stored events under the keys of all drafts, not only under those of refused ones;
            else a resend raises :class:`DuplicateKey`.
        last: Nothing follows in the transaction: it may be committed here.
        kept: Streams that others kept locked a moment ago. Where it is None, all heads are waited for; else the
            transaction goes on without those that others keep locked.
    """
    stream_ids = (draft.stream_id for draft in drafts)
    locked = _Locked(*lock_heads(tx, stream_ids)) if kept is None else _lock_what_is_free(tx, stream_ids, kept)
    outdated = _stale(drafts, locked.heads)
    read = memberships(tx, outdated)
    stale = {stream_id: read.get(stream_id) for stream_id in outdated}
    refusals = _refusals(drafts, locked, stale, permit)
    # What is about a message is judged before its key can turn out to be taken: so it is always looked up.
    found = find(
        tx,
        (
            key(draft)
            for draft, refusal in zip(drafts, refusals, strict=True)
            if look_up_all or refusal is not None or draft.target
        ),
    )
    batch = Batch(locked.heads, found, locked.now_ms, _targets(tx, drafts, refusals, found))
    outcomes = [batch.outcome(draft, refusal) for draft, refusal in zip(drafts, refusals, strict=True)]
    batch.write(tx, last)
    return FlushResult(outcomes, read, locked.kept)


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
