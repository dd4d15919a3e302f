"""Conversations in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.models import ConversationKind, Draft, Membership, Opened
from imchat.store.sql.accounts import insert_head
from imchat.store.sql.append import append, lock_heads
from imchat.store.sql.bulk import possible
from imchat.store.sql.members import memberships
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import DuplicateKey, Transaction

_DIRECT = "SELECT conversation_id FROM direct WHERE low_id = ? AND high_id = ?"


def _existing(tx: Transaction, low_id: int, high_id: int) -> int | None:
    row = tx.one(_DIRECT, (low_id, high_id))
    return None if row is None else int(row[0])


def _insert_direct(tx: Transaction, conversation_id: int, pair: tuple[int, int], now_ms: int) -> None:
    insert_head(tx, conversation_id, now_ms)
    members = [(conversation_id, user_id) for user_id in pair]
    tx.execute_many("INSERT INTO member (conversation_id, user_id, role) VALUES (?, ?, 0)", members)
    periods = "INSERT INTO period (conversation_id, user_id, from_seq, to_seq) VALUES (?, ?, 1, NULL)"
    tx.execute_many(periods, members)
    kind = int(ConversationKind.DIRECT)
    conversation = "INSERT INTO conversation (conversation_id, kind, created_ms) VALUES (?, ?, ?)"
    tx.execute(conversation, (conversation_id, kind, now_ms))
    direct = "INSERT INTO direct (low_id, high_id, conversation_id) VALUES (?, ?, ?)"
    tx.execute(direct, (*pair, conversation_id))


def _open_direct(
    tx: Transaction, pair: tuple[int, int], conversation_id: int, announcements: Sequence[Draft], now_ms: int
) -> Opened | None:
    # Both private heads are locked before anything is looked at: two openings from both sides come one after another.
    lock_heads(tx, [*pair, *(draft.stream_id for draft in announcements)])
    existing = _existing(tx, *pair)
    if existing is not None and existing != conversation_id:
        return Opened(existing, created=False, events=())
    if existing is None:
        accounts = tx.query("SELECT user_id FROM account WHERE user_id IN (?, ?) AND deleted_ms = 0", pair)
        if len(accounts) != len(pair):
            return None
        _insert_direct(tx, conversation_id, pair, now_ms)
    # The id was chosen for this call: if it exists, an earlier try was committed, and its events are found again.
    return Opened(conversation_id, created=True, events=append(tx, announcements))


class SqlConversations:
    """The :class:`imchat.ports.ConversationStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def open_direct(
        self, user_id: int, peer_id: int, conversation_id: int, announcements: Sequence[Draft], now_ms: int
    ) -> Opened | None:
        """The direct conversation of two different users, created where there is none."""
        if len(ids := possible([user_id, peer_id])) != 2:
            return None
        pair = (ids[0], ids[1])

        def run(tx: Transaction) -> Opened | None:
            return _open_direct(tx, pair, conversation_id, announcements, now_ms)

        existing = await self._reader.run("direct conversation", lambda tx: _existing(tx, *pair))
        if existing is not None and existing != conversation_id:
            return Opened(existing, created=False, events=())
        try:
            return await self._writer.run("open direct", run)
        except DuplicateKey:
            return await self._writer.run("open direct", run)

    async def membership(self, conversation_id: int) -> Membership | None:
        """Who is in a conversation now; None if it does not exist."""
        ids = possible([conversation_id])
        found = await self._reader.run("membership", lambda tx: memberships(tx, ids))
        return found.get(conversation_id)
