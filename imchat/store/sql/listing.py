"""The list of a user's conversations, inside a transaction: a few statements for a page, none for each of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from imchat.domain.conversations import Conversation, Selection, direct_title, unread
from imchat.domain.models import ConversationKind, Event, Head, Reaction
from imchat.domain.notes import ConversationState
from imchat.store.sql.bulk import EVENT_COLUMNS, any_of, chunks, event_of, in_list
from imchat.store.sql.syncing import START, Cursor, others
from imchat.store.sql.transaction import Row, Transaction

KEYS_AT_ONCE = 64

_PAGE = """
    SELECT h.stream_id, h.last_seq, h.last_message_seq, h.counted, h.member_version, h.last_ms, c.kind, p.from_seq,
        COALESCE(r.read_seq, 0), COALESCE(r.read_ordinal, 0), COALESCE(r.mention_seq, 0), COALESCE(r.pinned_ms, 0),
        COALESCE(r.muted, 0), COALESCE(r.hidden_seq, 0), COALESCE(r.cleared_seq, 0)
    FROM member m
    JOIN head h ON h.stream_id = m.conversation_id
    JOIN conversation c ON c.conversation_id = m.conversation_id
    JOIN period p ON p.conversation_id = m.conversation_id AND p.user_id = m.user_id AND p.to_seq IS NULL
    LEFT JOIN reading r ON r.conversation_id = m.conversation_id AND r.user_id = m.user_id
    WHERE m.user_id = ? AND (h.last_ms < ? OR (h.last_ms = ? AND h.stream_id < ?)) AND {condition}
    ORDER BY h.last_ms DESC, h.stream_id DESC LIMIT ?
"""
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM event WHERE {{condition}}"  # noqa: S608
_REACTIONS = """
    SELECT stream_id, emoji, COUNT(*), MAX(CASE WHEN user_id = ? THEN 1 ELSE 0 END)
    FROM reaction WHERE {condition} GROUP BY stream_id, emoji ORDER BY stream_id, emoji
"""
_DELETED = "SELECT conversation_id FROM deletion WHERE {condition}"
_PEERS = """
    SELECT a.user_id, a.name, a.nickname, a.avatar, COALESCE(k.remark, '')
    FROM account a LEFT JOIN contact k ON k.user_id = ? AND k.peer_id = a.user_id
    WHERE a.user_id IN ({marks})
"""


class _Listed(NamedTuple):
    """A row of the page."""

    head: Head
    kind: ConversationKind
    from_seq: int
    read_seq: int
    read_ordinal: int
    mention_seq: int
    state: ConversationState


def _listed(row: Row) -> _Listed:
    from_seq, read_seq, read_ordinal, mention_seq, pinned_ms, muted, hidden_seq, cleared_seq = row[7:]
    state = ConversationState(row[0], pinned_ms, bool(muted), hidden_seq, cleared_seq)
    return _Listed(Head(*row[:6]), ConversationKind(row[6]), from_seq, read_seq, read_ordinal, mention_seq, state)


def _page(tx: Transaction, user_id: int, selection: Selection, cursor: Cursor, limit: int) -> list[_Listed]:
    conditions, values = ["1 = 1"], list[int]()
    if selection.ids:
        marks, values = in_list(selection.ids)
        conditions.append(f"m.conversation_id IN ({marks})")
    else:
        conditions.append("(h.last_seq > 0 OR r.pinned_ms > 0)")
    if selection.pinned:
        conditions.append("r.pinned_ms > 0")
    if not selection.hidden and not selection.ids:
        # The rule of imchat.domain.conversations.is_hidden.
        conditions.append("(COALESCE(r.hidden_seq, 0) = 0 OR h.last_message_seq > r.hidden_seq)")
    query = _PAGE.format(condition=" AND ".join(conditions))
    last_ms, stream_id = cursor
    return [_listed(row) for row in tx.query(query, (user_id, last_ms, last_ms, stream_id, *values, limit))]


def _keyed(
    tx: Transaction, query: str, columns: Sequence[str], keys: Sequence[Sequence[int]], *first: int
) -> list[Row]:
    """The rows of a query with a ``{condition}`` for those that have one of the keys."""
    rows: list[Row] = []
    for part in chunks(keys, KEYS_AT_ONCE):
        condition, values = any_of(columns, part)
        rows += tx.query(query.format(condition=condition), (*first, *values))
    return rows


def _newest(tx: Transaction, user_id: int, page: Sequence[_Listed]) -> dict[int, Event]:
    """The newest message of each conversation that this user sees, by conversation."""
    seen = [(one.head.stream_id, one.head.last_message_seq) for one in page if _is_seen(one)]
    own = [(user_id, *place) for place in seen]
    deleted = {row[0] for row in _keyed(tx, _DELETED, ("user_id", "conversation_id", "seq"), own)}
    places = [place for place in seen if place[0] not in deleted]
    events = [event_of(row) for row in _keyed(tx, _EVENTS, ("stream_id", "seq"), places)]
    reactions = _reactions(tx, user_id, [(event.stream_id, event.seq) for event in events if event.changed_seq])
    return {event.stream_id: replace(event, reactions=tuple(reactions.get(event.stream_id, ()))) for event in events}


def _is_seen(one: _Listed) -> bool:
    return one.head.last_message_seq >= max(one.from_seq, one.state.cleared_seq + 1)


def _reactions(tx: Transaction, user_id: int, places: Sequence[tuple[int, int]]) -> dict[int, list[Reaction]]:
    found: dict[int, list[Reaction]] = {}
    for stream_id, emoji, count, own in _keyed(tx, _REACTIONS, ("stream_id", "seq"), places, user_id):
        found.setdefault(stream_id, []).append(Reaction(bytes(emoji).decode(), count, bool(own)))
    return found


def _peers(tx: Transaction, user_id: int, peer_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Title and avatar by peer."""
    found: dict[int, tuple[str, str]] = {}
    for part in chunks(peer_ids, KEYS_AT_ONCE):
        marks, ids = in_list(part)
        for peer_id, name, nickname, avatar, remark in tx.query(_PEERS.format(marks=marks), (user_id, *ids)):
            found[peer_id] = direct_title(remark, nickname, name), avatar
    return found


def listed(
    tx: Transaction, user_id: int, selection: Selection, cursor: Cursor | None, limit: int
) -> tuple[list[Conversation], Cursor | None]:
    """One page as :meth:`imchat.ports.OwnStateStore.conversations` tells."""
    page = _page(tx, user_id, selection, cursor or START, limit + 1)
    more, page = len(page) > limit, page[:limit]
    following = (page[-1].head.last_ms, page[-1].head.stream_id) if more else None
    members = others(tx, user_id, [one.head.stream_id for one in page])
    direct = {one.head.stream_id for one in page if one.kind is ConversationKind.DIRECT}
    peers = _peers(tx, user_id, sorted({peer for an_id in direct for peer in members[an_id]}))
    newest = _newest(tx, user_id, page)

    def conversation(one: _Listed) -> Conversation:
        an_id = one.head.stream_id
        member_ids = tuple(members[an_id])
        title, avatar = peers.get(member_ids[0], ("", "")) if an_id in direct and member_ids else ("", "")
        missing = unread(one.head.counted, one.read_ordinal)
        mentioned = one.mention_seq > one.read_seq
        shown = (title, avatar, newest.get(an_id), missing, mentioned)
        return Conversation(one.head, one.kind, member_ids, *shown, one.state, one.read_seq, one.mention_seq)

    return [conversation(one) for one in page], following
