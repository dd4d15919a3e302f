"""What each user decides about conversations, in SQL.

The head of the user's private stream is locked first: changes of one user come one after another, and what is written
there is told in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.conversations import Conversation, Selection, StateChange, changed_state
from imchat.domain.errors import InvalidRequest
from imchat.domain.models import MAX_ID, Draft, Event, Head
from imchat.domain.notes import ConversationState, MessagesDeleted
from imchat.ports import Announce
from imchat.store.sql.append import append, find, key, lock_heads
from imchat.store.sql.bulk import in_list, possible
from imchat.store.sql.listing import listed
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import Transaction

READING_KEY = ("conversation_id", "user_id")

_STATE = """
    SELECT h.stream_id, h.last_seq, h.last_message_seq, h.counted, h.member_version, h.last_ms,
        COALESCE(r.pinned_ms, 0), COALESCE(r.muted, 0), COALESCE(r.hidden_seq, 0), COALESCE(r.cleared_seq, 0)
    FROM member m
    JOIN head h ON h.stream_id = m.conversation_id
    LEFT JOIN reading r ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id
    WHERE m.conversation_id = ? AND m.user_id = ?
"""
_DELETED = "SELECT seq FROM deletion WHERE user_id = ? AND conversation_id = ? AND seq IN ({marks})"
_INSERT_DELETED = "INSERT INTO deletion (user_id, conversation_id, seq) VALUES (?, ?, ?)"
_FORGET_DELETED = "DELETE FROM deletion WHERE user_id = ? AND conversation_id = ? AND seq <= ?"


def told_before(tx: Transaction, drafts: Sequence[Draft]) -> tuple[Event, ...]:
    """Those of the drafts that an earlier try has appended, whose outcome nobody learned: they are pushed still."""
    found = find(tx, [key(draft) for draft in drafts])
    return tuple(found[key(draft)].event for draft in drafts if key(draft) in found)


def _state(tx: Transaction, user_id: int, conversation_id: int) -> tuple[Head, ConversationState] | None:
    """The state of a member, whose private stream is locked from now on; None where the user is none."""
    lock_heads(tx, [user_id])
    row = tx.one(_STATE, (conversation_id, user_id))
    if row is None:
        return None
    pinned_ms, muted, hidden_seq, cleared_seq = row[6:]
    return Head(*row[:6]), ConversationState(conversation_id, pinned_ms, bool(muted), hidden_seq, cleared_seq)


def _set_state(
    tx: Transaction, user_id: int, conversation_id: int, change: StateChange, announce: Announce, now_ms: int
) -> tuple[Event, ...] | None:
    found = _state(tx, user_id, conversation_id)
    if found is None:
        return None
    head, before = found
    after = changed_state(before, change, head, now_ms)
    drafts = announce([(user_id, after)])
    if after == before:
        return told_before(tx, drafts)
    upsert = tx.dialect.upsert("reading", READING_KEY, replaced=("pinned_ms", "muted", "hidden_seq"))
    tx.execute(upsert, (conversation_id, user_id, after.pinned_ms, int(after.muted), after.hidden_seq))
    return append(tx, drafts)


def _delete(
    tx: Transaction, user_id: int, conversation_id: int, seqs: Sequence[int], through_seq: int, announce: Announce
) -> tuple[Event, ...] | None:
    found = _state(tx, user_id, conversation_id)
    if found is None:
        return None
    head, state = found
    if max(*seqs, through_seq, 0, 0) > head.last_seq:
        raise InvalidRequest("there is no message of such a number")
    note = _clear(tx, user_id, state, through_seq) if through_seq else _delete_some(tx, user_id, state, seqs)
    drafts = announce([(user_id, note or MessagesDeleted(conversation_id))])
    return told_before(tx, drafts) if note is None else append(tx, drafts)


def _clear(tx: Transaction, user_id: int, state: ConversationState, through_seq: int) -> MessagesDeleted | None:
    if through_seq <= state.cleared_seq:
        return None
    place = (state.conversation_id, user_id)
    tx.execute(tx.dialect.upsert("reading", READING_KEY, raised=("cleared_seq",)), (*place, through_seq))
    tx.execute(_FORGET_DELETED, (user_id, state.conversation_id, through_seq))
    return MessagesDeleted(state.conversation_id, through_seq=through_seq)


def _delete_some(
    tx: Transaction, user_id: int, state: ConversationState, seqs: Sequence[int]
) -> MessagesDeleted | None:
    wanted = sorted({seq for seq in seqs if seq > state.cleared_seq})
    if not wanted:
        return None
    place = (user_id, state.conversation_id)
    marks, values = in_list(wanted)
    known = {row[0] for row in tx.query(_DELETED.format(marks=marks), (*place, *values))}
    new = tuple(seq for seq in wanted if seq not in known)
    tx.execute_many(_INSERT_DELETED, [(*place, seq) for seq in new])
    return MessagesDeleted(state.conversation_id, new) if new else None


class SqlOwnStates:
    """The :class:`imchat.ports.OwnStateStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def conversations(
        self, user_id: int, selection: Selection, cursor: tuple[int, int] | None, limit: int
    ) -> tuple[list[Conversation], tuple[int, int] | None]:
        """One page of a user's conversations, newest first."""
        if selection.ids:
            ids = tuple(possible(selection.ids))
            if not ids:
                return [], None
            selection = Selection(ids, selection.pinned, selection.hidden)
        if cursor is not None:
            cursor = (max(0, min(cursor[0], MAX_ID)), max(0, min(cursor[1], MAX_ID)))
        count = max(1, limit)
        return await self._reader.run("conversations", lambda tx: listed(tx, user_id, selection, cursor, count))

    async def set_state(
        self, user_id: int, conversation_id: int, change: StateChange, announce: Announce, now_ms: int
    ) -> tuple[Event, ...] | None:
        """Change a user's state of a conversation and tell it in the private stream."""
        if not possible([conversation_id]):
            return None

        def run(tx: Transaction) -> tuple[Event, ...] | None:
            return _set_state(tx, user_id, conversation_id, change, announce, now_ms)

        return await self._writer.run("set state", run)

    async def delete(
        self, user_id: int, conversation_id: int, seqs: Sequence[int], through_seq: int, announce: Announce
    ) -> tuple[Event, ...] | None:
        """Delete messages for a user alone and tell it in the private stream."""
        if not possible([conversation_id]):
            return None

        def run(tx: Transaction) -> tuple[Event, ...] | None:
            return _delete(tx, user_id, conversation_id, seqs, through_seq, announce)

        return await self._writer.run("delete for oneself", run)
