"""How two people stand with each other: read and written inside a transaction."""

from __future__ import annotations

import json

from imchat.domain.contact_limits import check_counts
from imchat.domain.contacts import Asked, AskedState, Pair
from imchat.domain.errors import NotFound
from imchat.domain.people import Contact
from imchat.store.sql.transaction import Row, Transaction

CONTACT_COLUMNS = "k.peer_id, k.is_contact, k.blocked, k.remark, k.labels, k.starred, k.since_ms"
"""Of ``contact k``."""

CONTACT_WIDTH = 7

ASKED_COLUMNS = "r.greeting, r.remark, r.state, r.created_ms, r.changed_ms"
"""Of ``contact_request r``."""

ASKED_WIDTH = 5

_CONTACT = f"SELECT {CONTACT_COLUMNS} FROM contact k WHERE k.user_id = ? AND k.peer_id = ?"  # noqa: S608
_INSERT_CONTACT = """
    INSERT INTO contact (is_contact, blocked, remark, labels, starred, since_ms, user_id, peer_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE_CONTACT = """
    UPDATE contact SET is_contact = ?, blocked = ?, remark = ?, labels = ?, starred = ?, since_ms = ?
    WHERE user_id = ? AND peer_id = ?
"""
_ASKED = f"SELECT {ASKED_COLUMNS} FROM contact_request r WHERE r.to_id = ? AND r.from_id = ?"  # noqa: S608
_INSERT_ASKED = """
    INSERT INTO contact_request (greeting, remark, state, created_ms, changed_ms, to_id, from_id)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE_ASKED = """
    UPDATE contact_request SET greeting = ?, remark = ?, state = ?, created_ms = ?, changed_ms = ?
    WHERE to_id = ? AND from_id = ?
"""
_DELETED = "SELECT user_id, deleted_ms FROM account WHERE user_id IN (?, ?)"
_CONTACTS = "SELECT COUNT(*) FROM contact WHERE user_id = ? AND is_contact = 1"
_BLOCKED = "SELECT COUNT(*) FROM contact WHERE user_id = ? AND blocked = 1"


def contact_of(row: Row) -> Contact:
    """The contact of a row of :data:`CONTACT_COLUMNS`."""
    peer_id, is_contact, blocked, remark, labels, starred, since_ms = row
    known = tuple(json.loads(labels)) if labels else ()
    return Contact(peer_id, bool(is_contact), bool(blocked), remark, known, bool(starred), since_ms)


def asked_of(row: Row) -> Asked:
    """The request of a row of :data:`ASKED_COLUMNS`."""
    greeting, remark, state, created_ms, changed_ms = row
    return Asked(greeting, remark, AskedState(state), created_ms, changed_ms)


def _contact(tx: Transaction, user_id: int, peer_id: int) -> Contact:
    row = tx.one(_CONTACT, (user_id, peer_id))
    return Contact(peer_id) if row is None else contact_of(row)


def _asked(tx: Transaction, to_id: int, from_id: int) -> Asked | None:
    row = tx.one(_ASKED, (to_id, from_id))
    return None if row is None else asked_of(row)


def read_pair(tx: Transaction, user_id: int, peer_id: int) -> Pair:
    """How two users stand; the heads of both private streams must be locked.

    Raises:
        NotFound: one of them does not exist, or the user's own account is gone.
    """
    deleted: dict[int, int] = {row[0]: row[1] for row in tx.query(_DELETED, (user_id, peer_id))}
    if len(deleted) != 2:
        raise NotFound("there is no such user")
    if deleted[user_id]:
        raise NotFound("the account is gone")
    return Pair(
        own=_contact(tx, user_id, peer_id),
        theirs=_contact(tx, peer_id, user_id),
        sent=_asked(tx, peer_id, user_id),
        received=_asked(tx, user_id, peer_id),
        peer_gone=bool(deleted[peer_id]),
    )


def write_pair(tx: Transaction, before: Pair, after: Pair) -> None:
    """Write what is different.

    Raises:
        TooMany: a list would become too long.
    """
    user_id, peer_id = before.theirs.user_id, before.own.user_id
    _write_contact(tx, user_id, before.own, after.own)
    _write_contact(tx, peer_id, before.theirs, after.theirs)
    _write_asked(tx, peer_id, user_id, before.sent, after.sent)
    _write_asked(tx, user_id, peer_id, before.received, after.received)


def _write_contact(tx: Transaction, user_id: int, before: Contact, after: Contact) -> None:
    if before == after:
        return
    labels = json.dumps(after.labels, ensure_ascii=False) if after.labels else ""
    flags = int(after.is_contact), int(after.blocked)
    row = (*flags, after.remark, labels, int(after.starred), after.since_ms, user_id, after.user_id)
    if not tx.execute(_UPDATE_CONTACT, row):
        tx.execute(_INSERT_CONTACT, row)
    check_counts(
        _count(tx, _CONTACTS, user_id) if after.is_contact and not before.is_contact else 0,
        _count(tx, _BLOCKED, user_id) if after.blocked and not before.blocked else 0,
    )


def _count(tx: Transaction, query: str, user_id: int) -> int:
    row = tx.one(query, (user_id,))
    return 0 if row is None else int(row[0])


def _write_asked(tx: Transaction, to_id: int, from_id: int, before: Asked | None, after: Asked | None) -> None:
    if after is None or before == after:
        return
    row = (after.greeting, after.remark, int(after.state), after.created_ms, after.changed_ms, to_id, from_id)
    if not tx.execute(_UPDATE_ASKED, row):
        tx.execute(_INSERT_ASKED, row)
