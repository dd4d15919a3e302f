"""Conversations in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.errors import IMError, by_code
from imchat.domain.models import ConversationKind, Draft, Member, Membership, Opened
from imchat.ports import MayWrite
from imchat.store.sql.accounts import insert_head
from imchat.store.sql.append import append, lock_heads
from imchat.store.sql.bulk import possible
from imchat.store.sql.members import memberships
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import DuplicateKey, Transaction

_DIRECT = "SELECT conversation_id FROM direct WHERE low_id = ? AND high_id = ?"


_TWO = """
    SELECT a.user_id, COALESCE(k.is_contact, 0), COALESCE(k.blocked, 0), a.deleted_ms
    FROM account a LEFT JOIN contact k ON k.user_id = a.user_id AND k.peer_id = ? - a.user_id
    WHERE a.user_id IN (?, ?)
"""

_ERRORS = by_code()


def direct_of(tx: Transaction, low_id: int, high_id: int) -> int | None:
    """The direct conversation of two users, None where there is none."""
    row = tx.one(_DIRECT, (low_id, high_id))
    return None if row is None else int(row[0])


def insert_direct(tx: Transaction, conversation_id: int, pair: tuple[int, int], now_ms: int) -> None:
    """Begin the direct conversation of two users, whose private heads are locked, the lower id first."""
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
    tx: Transaction,
    pair: tuple[int, int],
    conversation_id: int,
    announcements: Sequence[Draft],
    now_ms: int,
    may_write: MayWrite | None,
) -> Opened | None:
    # Both private heads are locked before anything is looked at: two openings from both sides come one after another.
    lock_heads(tx, [*pair, *(draft.stream_id for draft in announcements)])
    existing = direct_of(tx, *pair)
    if existing is not None and existing != conversation_id:
        return Opened(existing, created=False, events=())
    if existing is None:
        two = [Member(row[0], 0, 1, *map(bool, row[1:])) for row in tx.query(_TWO, (sum(pair), *pair))]
        if len(two) != len(pair) or any(member.gone for member in two):
            return None
        if may_write is not None and (code := may_write(two)) is not None:
            raise _ERRORS.get(code, IMError)
        insert_direct(tx, conversation_id, pair, now_ms)
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
        self,
        user_id: int,
        peer_id: int,
        conversation_id: int,
        announcements: Sequence[Draft],
        now_ms: int,
        may_write: MayWrite | None = None,
    ) -> Opened | None:
        """The direct conversation of two different users, created where there is none."""
        if len(ids := possible([user_id, peer_id])) != 2:
            return None
        pair = (ids[0], ids[1])

        def run(tx: Transaction) -> Opened | None:
            return _open_direct(tx, pair, conversation_id, announcements, now_ms, may_write)

        existing = await self._reader.run("direct conversation", lambda tx: direct_of(tx, *pair))
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
