"""What changed for a user: the pages of Sync, inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from imchat.domain.models import MAX_ID, ConversationKind, Head, HostedStream, StreamState
from imchat.store.sql.append import HEAD_COLUMNS
from imchat.store.sql.bulk import in_list
from imchat.store.sql.transaction import Row, Transaction

MEMBERS_TOLD = 8
"""How many other members of a conversation a page tells."""

Cursor = tuple[int, int]
"""(last_ms, stream_id) of the last conversation told; the next page begins below."""

START: Cursor = (MAX_ID, MAX_ID)

_AT_ONCE = 200

_PRIVATE = f"SELECT {HEAD_COLUMNS} FROM head WHERE stream_id = ? AND last_seq > 0"  # noqa: S608

_CONVERSATIONS = """
    SELECT h.stream_id, h.last_seq, h.last_message_seq, h.counted, h.member_version, h.last_ms, c.kind
    FROM member m
    JOIN head h ON h.stream_id = m.conversation_id
    JOIN conversation c ON c.conversation_id = m.conversation_id
    WHERE m.user_id = ? AND h.last_seq > 0 AND (h.last_ms < ? OR (h.last_ms = ? AND h.stream_id < ?))
    ORDER BY h.last_ms DESC, h.stream_id DESC LIMIT ?
"""

_HOSTED = """
    SELECT stream_id, last_seq, 0 FROM head WHERE stream_id = ?
    UNION ALL
    SELECT h.stream_id, h.last_seq, c.kind
    FROM member m
    JOIN head h ON h.stream_id = m.conversation_id
    JOIN conversation c ON c.conversation_id = m.conversation_id
    WHERE m.user_id = ?
"""

_OTHERS = """
    SELECT conversation_id, user_id FROM (
        SELECT conversation_id, user_id, ROW_NUMBER() OVER (PARTITION BY conversation_id ORDER BY user_id) AS place
        FROM member WHERE conversation_id IN ({marks}) AND user_id <> ?
    ) AS others
    WHERE place <= ? ORDER BY conversation_id, user_id
"""


def _conversations(tx: Transaction, user_id: int, cursor: Cursor) -> Iterator[Row]:
    while True:
        last_ms, stream_id = cursor
        rows = tx.query(_CONVERSATIONS, (user_id, last_ms, last_ms, stream_id, _AT_ONCE))
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        cursor = (rows[-1][5], rows[-1][0])


def others(tx: Transaction, user_id: int, conversation_ids: Sequence[int]) -> dict[int, list[int]]:
    """Some of the other members of each conversation, ascending."""
    found: dict[int, list[int]] = {conversation_id: [] for conversation_id in conversation_ids}
    if conversation_ids:
        marks, ids = in_list(conversation_ids)
        for conversation_id, other_id in tx.query(_OTHERS.format(marks=marks), (*ids, user_id, MEMBERS_TOLD)):
            found[conversation_id].append(other_id)
    return found


def _states(tx: Transaction, user_id: int, rows: Sequence[Row]) -> list[StreamState]:
    found = others(tx, user_id, [row[0] for row in rows])
    return [StreamState(Head(*row[:6]), ConversationKind(row[6]), tuple(found[row[0]])) for row in rows]


def changed(
    tx: Transaction, user_id: int, positions: Mapping[int, int], cursor: Cursor | None, limit: int
) -> tuple[list[StreamState], Cursor | None]:
    """One page as :meth:`imchat.ports.StreamStore.changed` tells."""
    page: list[StreamState] = []
    if cursor is None:
        cursor = START
        private = tx.one(_PRIVATE, (user_id,))
        if private is not None and private[1] != positions.get(user_id, 0):
            page.append(StreamState(Head(*private), None, ()))
    room = max(1, limit) - len(page)
    rows: list[Row] = []
    for row in _conversations(tx, user_id, cursor):
        if row[1] == positions.get(row[0], 0):
            continue
        if len(rows) == room:
            end = (rows[-1][5], rows[-1][0]) if rows else cursor
            return page + _states(tx, user_id, rows), end
        rows.append(row)
    return page + _states(tx, user_id, rows), None


def hosted(tx: Transaction, user_id: int) -> list[HostedStream]:
    """The streams that :meth:`imchat.ports.StreamStore.hosted` tells."""
    rows = tx.query(_HOSTED, (user_id, user_id))
    return [HostedStream(row[0], row[1], ConversationKind(row[2]) if row[2] else None) for row in rows]
