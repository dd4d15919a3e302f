"""Accounts and invitations in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.errors import EmailTaken, InvitationInvalid, NameTaken, Unavailable
from imchat.domain.models import Invitation, User, UserCard
from imchat.ports import Announce
from imchat.store.sql.bulk import chunks, in_list, possible
from imchat.store.sql.cards import CARD_COLUMNS, card_of
from imchat.store.sql.deletion import More, delete
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import DuplicateKey, Row, Transaction

_AT_ONCE = 200
_TRIES = 5
_RETRY_MS = 1_000

_USER = "SELECT user_id, name, email, password_hash, created_ms FROM account WHERE deleted_ms = 0"
_HASH_NOW = "SELECT password_hash FROM account WHERE user_id = ? AND deleted_ms = 0"
_BY_NAME = f"{_USER} AND name_key = ?"
_BY_EMAIL = f"{_USER} AND email_key = ?"
_INSERT = """
    INSERT INTO account (user_id, name, name_key, email, email_key, password_hash, created_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_HEAD = """
    INSERT INTO head (stream_id, last_seq, last_message_seq, counted, member_version, last_ms)
    VALUES (?, 0, 0, 0, 0, ?)
"""
_USE_INVITATION = """
    UPDATE invitation SET uses_left = uses_left - 1 WHERE code = ? AND uses_left > 0 AND expires_ms > ?
"""


def insert_head(tx: Transaction, stream_id: int, now_ms: int) -> None:
    """Begin a stream."""
    tx.execute(_INSERT_HEAD, (stream_id, now_ms))


def _stored_already(tx: Transaction, user: User, name_key: bytes, email_key: bytes) -> bool:
    query = "SELECT name_key, email_key, password_hash FROM account WHERE user_id = ?"
    row = tx.one(query, (user.id,))
    return row is not None and (bytes(row[0]), bytes(row[1]), row[2]) == (name_key, email_key, user.password_hash)


def _create(
    tx: Transaction, user: User, name_key: bytes, email_key: bytes, invitation: str | None, now_ms: int
) -> None:
    if _stored_already(tx, user, name_key, email_key):
        return
    if invitation is not None and not tx.execute(_USE_INVITATION, (invitation.encode(), now_ms)):
        raise InvitationInvalid
    if tx.one("SELECT user_id FROM account WHERE name_key = ?", (name_key,)):
        raise NameTaken
    if tx.one("SELECT user_id FROM account WHERE email_key = ?", (email_key,)):
        raise EmailTaken
    insert_head(tx, user.id, now_ms)
    row = (user.id, user.name, name_key, user.email, email_key, user.password_hash, user.created_ms)
    tx.execute(_INSERT, row)


def _user(row: Row | None) -> User | None:
    return None if row is None else User(*row)


class SqlAccounts:
    """The :class:`imchat.ports.AccountStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def create(self, user: User, name_key: str, email_key: str, invitation: str | None, now_ms: int) -> None:
        """Store a new account with an empty private stream."""

        def run(tx: Transaction) -> None:
            _create(tx, user, name_key.encode(), email_key.encode(), invitation, now_ms)

        try:
            await self._writer.run("create account", run)
        except DuplicateKey:
            # Another transaction took a key between the look and the insert: now the look tells which.
            await self._writer.run("create account", run)

    async def by_login(self, key: str) -> User | None:
        """The account whose name key or e-mail key is ``key``."""

        def run(tx: Transaction) -> User | None:
            row = tx.one(_BY_NAME, (key.encode(),))
            return _user(row or tx.one(_BY_EMAIL, (key.encode(),)))

        return await self._reader.run("account by login", run)

    async def by_email(self, email_key: str) -> User | None:
        """The account with this address."""
        return await self._reader.run("account by e-mail", lambda tx: _user(tx.one(_BY_EMAIL, (email_key.encode(),))))

    async def by_name(self, name_key: str) -> User | None:
        """The account with this name."""
        return await self._reader.run("account by name", lambda tx: _user(tx.one(_BY_NAME, (name_key.encode(),))))

    async def cards(self, user_ids: Sequence[int], name_keys: Sequence[str]) -> list[UserCard]:
        """The public side of those accounts that exist, ascending by id."""

        def run(tx: Transaction) -> list[UserCard]:
            found: dict[int, UserCard] = {}
            keys: list[tuple[str, Sequence[object]]]
            named = sorted({key.encode() for key in name_keys})
            keys = [("a.user_id", possible(user_ids)), ("a.deleted_ms = 0 AND a.name_key", named)]
            for column, values in keys:
                for part in chunks(values, _AT_ONCE):
                    marks, padded = in_list(part)
                    for row in tx.query(f"SELECT {CARD_COLUMNS} FROM account a WHERE {column} IN ({marks})", padded):  # noqa: S608
                        found[row[0]] = card_of(row)
            return [found[user_id] for user_id in sorted(found)]

        return await self._reader.run("cards", run) if user_ids or name_keys else []

    async def set_password(self, user_id: int, password_hash: str, expected_hash: str | None = None) -> bool:
        """Replace the password hash; with ``expected_hash`` only while that is the stored one."""

        def run(tx: Transaction) -> bool:
            row = tx.one(_HASH_NOW + tx.dialect.lock, (user_id,))
            if row is None or (expected_hash is not None and row[0] not in (expected_hash, password_hash)):
                return False
            if row[0] != password_hash:
                tx.execute("UPDATE account SET password_hash = ? WHERE user_id = ?", (password_hash, user_id))
            return True

        return await self._writer.run("set password", run)

    async def delete(self, user_id: int, expected_hash: str, announce: Announce, now_ms: int) -> bool:
        """Delete an account for good, while ``expected_hash`` is its password's."""

        def run(tx: Transaction) -> bool:
            return delete(tx, user_id, expected_hash, announce, now_ms)

        for _ in range(_TRIES):
            try:
                return await self._writer.run("delete account", run)
            except More:
                continue
        raise Unavailable("the account gets into conversations faster than it can be deleted", _RETRY_MS)


class SqlInvitations:
    """The :class:`imchat.ports.InvitationStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def add(self, invitation: Invitation, now_ms: int) -> None:
        """Store an invitation; those that are expired are forgotten."""
        code = invitation.code.encode()

        def run(tx: Transaction) -> None:
            tx.execute("DELETE FROM invitation WHERE expires_ms <= ?", (now_ms,))
            if tx.one("SELECT code FROM invitation WHERE code = ?", (code,)) is None:
                insert = "INSERT INTO invitation (code, uses_left, expires_ms, created_ms) VALUES (?, ?, ?, ?)"
                tx.execute(insert, (code, invitation.uses_left, invitation.expires_ms, now_ms))

        await self._writer.run("add invitation", run)

    async def usable(self, code: str, now_ms: int) -> bool:
        """Whether the code has uses left and is not expired."""
        query = "SELECT code FROM invitation WHERE code = ? AND uses_left > 0 AND expires_ms > ?"
        row = await self._reader.run("usable invitation", lambda tx: tx.one(query, (code.encode(), now_ms)))
        return row is not None
