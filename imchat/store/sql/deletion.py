"""Deleting an account, inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.accounts import deleted_name
from imchat.domain.contacts import EXPIRY_MS, UNANSWERED, AskedState
from imchat.domain.content import Note
from imchat.domain.people import ContactRequest, RequestState
from imchat.ports import Announce
from imchat.store.sql.append import append, lock_heads
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
    # What was told to the user's own devices: profiles, contacts and requests as they were.
    "DELETE FROM event WHERE stream_id = ?",
    "DELETE FROM deletion WHERE user_id = ?",
    "DELETE FROM session WHERE user_id = ?",
    "DELETE FROM contact WHERE user_id = ?",
    "DELETE FROM contact_request WHERE from_id = ?",
    "DELETE FROM contact_request WHERE to_id = ?",
)


_REQUESTS_AT_MOST = 200
"""Requests of each direction whose other side is told; it costs a lock each, and who has more may look."""

_ASKED = """
    SELECT {other}, greeting, remark, created_ms FROM contact_request
    WHERE {own} = ? AND state IN ({states}) AND changed_ms > ? ORDER BY changed_ms DESC, {other} LIMIT ?
"""


class More(Exception):
    """The user got into a conversation, or was asked by somebody, before the heads were locked: to be tried again."""


def delete(tx: Transaction, user_id: int, expected_hash: str, announce: Announce, now_ms: int) -> bool:
    """Delete an account as :meth:`imchat.ports.AccountStore.delete` tells.

    Raises:
        More: see there.
    """
    conversations, notes = _conversations(tx, user_id), _farewells(tx, user_id, now_ms)
    # Heads first and in the order of their ids, as everywhere; the private one keeps new conversations away.
    locked = {user_id, *conversations, *(stream_id for stream_id, _ in notes)}
    lock_heads(tx, locked)
    row = tx.one(_ACCOUNT + tx.dialect.lock, (user_id,))
    if row is None:
        return False
    if row[1]:
        return True
    if row[0] != expected_hash:
        return False
    notes = _farewells(tx, user_id, now_ms)
    if not locked.issuperset(_conversations(tx, user_id)) or not locked.issuperset(one for one, _ in notes):
        raise More
    _empty(tx, user_id, now_ms)
    for part in chunks(conversations, _AT_ONCE):
        marks, ids = in_list(part)
        tx.execute(f"UPDATE head SET member_version = member_version + 1 WHERE stream_id IN ({marks})", ids)  # noqa: S608
    append(tx, announce(notes))
    return True


def _conversations(tx: Transaction, user_id: int) -> Sequence[int]:
    return [row[0] for row in tx.query("SELECT conversation_id FROM member WHERE user_id = ?", (user_id,))]


def _farewells(tx: Transaction, user_id: int, now_ms: int) -> list[tuple[int, Note]]:
    """What those are told whom the user asked, or who asked the user, and still wait or are waited for."""
    notes: list[tuple[int, Note]] = []
    for other, own, states in (
        ("to_id", "from_id", (AskedState.PENDING,)),
        ("from_id", "to_id", UNANSWERED),
    ):
        wanted = ", ".join(f"{state:d}" for state in states)
        query = _ASKED.format(other=other, own=own, states=wanted)
        for other_id, greeting, remark, created_ms in tx.query(query, (user_id, now_ms - EXPIRY_MS, _REQUESTS_AT_MOST)):
            incoming = other == "to_id"
            kept = greeting, "" if incoming else remark, RequestState.EXPIRED, created_ms, now_ms
            notes.append((other_id, ContactRequest(user_id, incoming, *kept)))
    return notes


def _empty(tx: Transaction, user_id: int, now_ms: int) -> None:
    # A slash is in no name and in no address that has no @: nobody can take these keys, or log in by them.
    placeholder = f"deleted/{user_id}".encode()
    tx.execute(_EMPTY, (deleted_name(user_id), placeholder, placeholder, b"", now_ms, user_id))
    for statement in _OWN_ROWS:
        tx.execute(statement, (user_id,))
