"""Emptying content that was kept long enough, in SQL.

For each conversation and kind the table ``expired`` says up to where this is done, so that a pass looks at no event
twice, and at one event alone of a conversation in which nothing is due.
"""

from __future__ import annotations

from imchat.domain.models import EventState
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import DuplicateKey, Transaction

EVENTS_AT_ONCE = 500

CONVERSATIONS_AT_ONCE = 1_000

_LAST = """
    SELECT MAX(conversation_id) FROM (
        SELECT conversation_id FROM conversation WHERE conversation_id >= ? ORDER BY conversation_id LIMIT ?
    ) AS some
"""
_DUE = """
    SELECT c.conversation_id, COALESCE(x.through_seq, 0)
    FROM conversation c
    LEFT JOIN expired x ON x.stream_id = c.conversation_id AND x.kind = ?
    JOIN event e ON e.stream_id = c.conversation_id AND e.seq = COALESCE(x.through_seq, 0) + 1
    WHERE c.conversation_id BETWEEN ? AND ? AND e.created_ms < ?
    ORDER BY c.conversation_id LIMIT 1
"""
_NEXT = "SELECT seq, created_ms FROM event WHERE stream_id = ? AND seq > ? ORDER BY seq LIMIT ?"
_EMPTY = """
    UPDATE event SET content = ?, state = ?
    WHERE stream_id = ? AND seq > ? AND seq <= ? AND kind = ? AND state < ?
"""


def _take(tx: Transaction, job: bytes, now_ms: int, next_ms: int) -> bool:
    if tx.one("SELECT due_ms FROM job WHERE name = ?", (job,)) is None:
        tx.execute("INSERT INTO job (name, due_ms) VALUES (?, ?)", (job, next_ms))
        return True
    return tx.execute("UPDATE job SET due_ms = ? WHERE name = ? AND due_ms <= ?", (next_ms, job, now_ms)) > 0


def _expire(tx: Transaction, kind: int, before_ms: int, from_id: int) -> int | None:
    row = tx.one(_LAST, (from_id, CONVERSATIONS_AT_ONCE))
    if row is None or row[0] is None:
        return None
    due = tx.one(_DUE, (kind, from_id, row[0], before_ms))
    if due is None:
        return int(row[0]) + 1
    _empty(tx, kind, before_ms, *due)
    return int(due[0])


def _empty(tx: Transaction, kind: int, before_ms: int, stream_id: int, done_seq: int) -> None:
    rows = tx.query(_NEXT, (stream_id, done_seq, EVENTS_AT_ONCE))
    through_seq = max(seq for seq, created_ms in rows if created_ms < before_ms)
    recalled = int(EventState.RECALLED)
    tx.execute(_EMPTY, (b"", int(EventState.EXPIRED), stream_id, done_seq, through_seq, kind, recalled))
    upsert = tx.dialect.upsert("expired", ("stream_id", "kind"), raised=("through_seq",))
    tx.execute(upsert, (stream_id, kind, through_seq))


class SqlRetention:
    """The :class:`imchat.ports.RetentionStore` in SQL.

    Args:
        writer: Runs transactions that write.
    """

    def __init__(self, writer: Runner) -> None:
        self._writer = writer

    async def take(self, job: str, now_ms: int, next_ms: int) -> bool:
        """Whether the caller is the one who does a job that is due."""
        name = job.encode()
        try:
            return await self._writer.run("take job", lambda tx: _take(tx, name, now_ms, next_ms))
        except DuplicateKey:
            # Another was the first ever to take it.
            return False

    async def expire(self, kind: int, before_ms: int, from_id: int) -> int | None:
        """Empty the content of some old messages of one kind in the first conversation where any are due.

        So many conversations are looked at in one call as do not keep others waiting.
        """
        return await self._writer.run("expire", lambda tx: _expire(tx, kind, before_ms, from_id))
