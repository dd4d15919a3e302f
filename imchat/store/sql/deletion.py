"""Deleting an account, inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.store.sql.append import lock_heads
from imchat.store.sql.bulk import chunks, in_list
from imchat.store.sql.transaction import Transaction

_AT_ONCE = 500

_ACCOUNT = "SELECT password_hash, deleted_ms FROM account WHERE user_id = ?"
_EMPTY = """
    UPDATE account
    SET name = ?, name_key = ?, email = '', email_key = ?, password_hash = '', nickname = '', nickname_key = ?,
        signature = '', gender = 0, region = '', avatar = '', hidden_from_search = 0, presence_hidden = 1,
        receipts_off = 1, last_seen_ms = 0, deleted_ms = ?
    WHERE user_id = ?
"""
_OWN_ROWS = (
    "DELETE FROM session WHERE user_id = ?",
    "DELETE FROM contact WHERE user_id = ?",
    "DELETE FROM contact_request WHERE from_id = ?",
    "DELETE FROM contact_request WHERE to_id = ?",
)


class MoreConversations(Exception):
    """The user got into a conversation before the heads were locked: to be tried again."""


def delete(tx: Transaction, user_id: int, expected_hash: str, now_ms: int) -> bool:
    """Delete an account as :meth:`imchat.ports.AccountStore.delete` tells.

    Raises:
        MoreConversations: see there.
    """
    conversations = _conversations(tx, user_id)
    # Heads first and in the order of their ids, as everywhere; the private one keeps new conversations away.
    lock_heads(tx, [user_id, *conversations])
    if not set(_conversations(tx, user_id)) <= set(conversations):
        raise MoreConversations
    row = tx.one(_ACCOUNT + tx.dialect.lock, (user_id,))
    if row is None:
        return False
    if row[1]:
        return True
    if row[0] != expected_hash:
        return False
    _empty(tx, user_id, now_ms)
    for part in chunks(conversations, _AT_ONCE):
        marks, ids = in_list(part)
        tx.execute(f"UPDATE head SET member_version = member_version + 1 WHERE stream_id IN ({marks})", ids)  # noqa: S608
    return True


def _conversations(tx: Transaction, user_id: int) -> Sequence[int]:
    return [row[0] for row in tx.query("SELECT conversation_id FROM member WHERE user_id = ?", (user_id,))]


def _empty(tx: Transaction, user_id: int, now_ms: int) -> None:
    # A slash is in no name and in no address that has no @: nobody can take these keys, or log in by them.
    placeholder = f"deleted/{user_id}".encode()
    tx.execute(_EMPTY, (f"deleted-{user_id}", placeholder, placeholder, b"", now_ms, user_id))
    for statement in _OWN_ROWS:
        tx.execute(statement, (user_id,))
