"""Sessions in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from imchat.domain.errors import Unavailable
from imchat.domain.models import Device, Draft, Ended, Session
from imchat.domain.people import SessionInfo
from imchat.store.sql.append import append, find, key, lock_heads
from imchat.store.sql.bulk import chunks, in_list, possible
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import DuplicateKey, Row, Transaction

USE_NOTED_MS = 3_600_000
"""A use is written down once in so many ms: reading must not cost a write each time."""

LATE_MS = 10_000
"""An opening that is older than the session that it meets by up to this comes late, from a server that was frozen or
waited for a lock. One that is older yet cannot be: the session's time is that of a clock which was wrong."""

RETRY_MS = 1_000

_AT_ONCE = 200
_MAX_ADDRESS = 255

_BY_HASH = """
    SELECT s.user_id, a.name, s.device_id, s.device_name, s.platform, s.generation, s.created_ms, s.last_used_ms
    FROM session s JOIN account a ON a.user_id = s.user_id
    WHERE s.token_hash = ? AND a.deleted_ms = 0
"""
_OF_USER = """
    SELECT device_id, device_name, platform, created_ms, last_used_ms, address FROM session
    WHERE user_id = ? AND last_used_ms >= ? ORDER BY last_used_ms DESC, device_id
"""
_INSERT = """
    INSERT INTO session
    (user_id, device_id, token_hash, generation, device_name, platform, created_ms, last_used_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_REPLACE = """
    UPDATE session
    SET token_hash = ?, generation = ?, device_name = ?, platform = ?, created_ms = ?, last_used_ms = ?
    WHERE user_id = ? AND device_id = ?
"""
_HELLO = """
    UPDATE session SET generation = ?, last_used_ms = ?, address = ?
    WHERE user_id = ? AND device_id = ? AND token_hash = ?
"""


def _session(row: Row) -> Session:
    user_id, name, device_id, device_name, platform, generation, created_ms, last_used_ms = row
    device = Device(bytes(device_id).decode(), device_name, platform)
    return Session(user_id, name, device, generation, created_ms, last_used_ms)


def _open(tx: Transaction, user_id: int, device: Device, token_hash: bytes, now_ms: int) -> int | None:
    place = (user_id, device.device_id.encode())
    columns = "created_ms, generation, token_hash"
    known = f"SELECT {columns} FROM session WHERE user_id = ? AND device_id = ?{tx.dialect.lock}"  # noqa: S608
    if (row := tx.one(known, place)) is not None:
        if bytes(row[2]) == token_hash:
            return int(row[1])
        if 0 < int(row[0]) - now_ms <= LATE_MS:
            raise Unavailable("a newer login of this device came first", RETRY_MS)
        # Raised, so that the sweep too finds connections of the session that is replaced.
        generation = int(row[1]) + 1
        tx.execute(_REPLACE, (token_hash, generation, device.device_name, device.platform, now_ms, now_ms, *place))
        return generation
    # Generations begin at the time, so that they rise for this device also across sessions that were ended: a
    # connection that outlived its session on a node that was out of reach never outranks the present one.
    tx.execute(_INSERT, (*place, token_hash, now_ms, device.device_name, device.platform, now_ms, now_ms))
    return None


def _of_users(tx: Transaction, wanted: set[tuple[int, bytes]], columns: str) -> list[Row]:
    """Rows of those sessions that exist; the first two columns are user_id and device_id."""
    rows: list[Row] = []
    for part in chunks(possible(user_id for user_id, _ in wanted), _AT_ONCE):
        marks, ids = in_list(part)
        rows += tx.query(f"SELECT user_id, device_id, {columns} FROM session WHERE user_id IN ({marks})", ids)  # noqa: S608
    return [row for row in rows if (row[0], bytes(row[1])) in wanted]


def _touch(tx: Transaction, due: Sequence[tuple[object, ...]]) -> None:
    update = "UPDATE session SET last_used_ms = ? WHERE user_id = ? AND device_id = ? AND last_used_ms < ?"
    tx.execute_many(update, due)


def _end(
    tx: Transaction, user_id: int, device_ids: Sequence[str] | None, farewell: Draft, token_hash: bytes | None
) -> Ended | None:
    lock_heads(tx, [user_id])
    if (earlier := find(tx, [key(farewell)]).get(key(farewell))) is not None:
        return Ended(earlier.event, None)
    wanted = None if device_ids is None else {device_id.encode() for device_id in device_ids}
    # Locked: a login that replaces the row between this look and the deletion would lose its session.
    query = f"SELECT device_id, generation, token_hash FROM session WHERE user_id = ?{tx.dialect.lock}"  # noqa: S608
    ended = {
        bytes(device_id): int(generation)
        for device_id, generation, held in tx.query(query, (user_id,))
        if (token_hash is None or bytes(held) == token_hash) and (wanted is None or bytes(device_id) in wanted)
    }
    if not ended:
        return None
    for part in chunks(list(ended), _AT_ONCE):
        marks, padded = in_list(part)
        tx.execute(f"DELETE FROM session WHERE user_id = ? AND device_id IN ({marks})", (user_id, *padded))  # noqa: S608
    return Ended(append(tx, [farewell])[0], max(ended.values()) + 1)


class SqlSessions:
    """The :class:`imchat.ports.SessionStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
        lifetime_ms: A session that was not used for longer counts as ended.
    """

    def __init__(self, writer: Runner, reader: Runner, lifetime_ms: int) -> None:
        self._writer = writer
        self._reader = reader
        self._lifetime_ms = lifetime_ms

    async def open(self, user_id: int, device: Device, token_hash: bytes, now_ms: int) -> int | None:
        """Store a session; one that the device has already is replaced. The user's expired ones are forgotten."""
        expired_ms = now_ms - self._lifetime_ms

        def run(tx: Transaction) -> int | None:
            generation = _open(tx, user_id, device, token_hash, now_ms)
            tx.execute("DELETE FROM session WHERE user_id = ? AND last_used_ms < ?", (user_id, expired_ms))
            return generation

        try:
            return await self._writer.run("open session", run)
        except DuplicateKey:
            # Two first logins of one device at the same time: now there is one to replace.
            return await self._writer.run("open session", run)

    def _alive(self, row: Row | None, now_ms: int) -> Session | None:
        session = None if row is None else _session(row)
        return session if session is not None and session.last_used_ms >= now_ms - self._lifetime_ms else None

    async def by_token(self, token_hash: bytes, now_ms: int) -> Session | None:
        """The session of a token; counts as use, which is written down at most once an hour."""
        row = await self._reader.run("session by token", lambda tx: tx.one(_BY_HASH, (token_hash,)))
        session = self._alive(row, now_ms)
        if session is not None and session.last_used_ms <= now_ms - USE_NOTED_MS:
            await self._note_use(token_hash, now_ms)
        return session

    async def _note_use(self, token_hash: bytes, now_ms: int) -> None:
        update = "UPDATE session SET last_used_ms = ? WHERE token_hash = ? AND last_used_ms < ?"
        try:
            await self._writer.run("note use", lambda tx: tx.execute(update, (now_ms, token_hash, now_ms)))
        except Unavailable:
            return  # The token is good all the same; the outage is logged, and the next use tries again.

    async def hello(self, token_hash: bytes, device_id: str, now_ms: int, address: str = "") -> Session | None:
        """Raise the session's generation and return it; None if there is none or the device is another."""

        def run(tx: Transaction) -> Session | None:
            session = self._alive(tx.one(_BY_HASH + tx.dialect.lock, (token_hash,)), now_ms)
            if session is None or session.device.device_id != device_id:
                return None
            raised = (session.generation + 1, max(now_ms, session.last_used_ms))
            place = (session.user_id, device_id.encode(), token_hash)
            tx.execute(_HELLO, (*raised, address[:_MAX_ADDRESS], *place))
            return Session(session.user_id, session.name, session.device, raised[0], session.created_ms, raised[1])

        return await self._writer.run("hello", run)

    async def of_user(self, user_id: int, now_ms: int) -> list[SessionInfo]:
        """The sessions of a user that are not expired, the last used first."""
        parameters = (user_id, now_ms - self._lifetime_ms)
        rows = await self._reader.run("sessions of a user", lambda tx: tx.query(_OF_USER, parameters))
        return [SessionInfo(Device(bytes(row[0]).decode(), row[1], row[2]), *row[3:]) for row in rows]

    async def generations(self, sessions: Iterable[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
        """The generation of each (user, device) that still has a session."""
        wanted = {(user_id, device_id.encode()) for user_id, device_id in sessions}
        rows = await self._reader.run("generations", lambda tx: _of_users(tx, wanted, "generation"))
        return {(row[0], bytes(row[1]).decode()): row[2] for row in rows}

    async def touch(self, sessions: Iterable[tuple[int, str]], now_ms: int) -> None:
        """Note that these sessions are in use; written down at most once an hour for each."""
        wanted = {(user_id, device_id.encode()) for user_id, device_id in sessions}
        rows = await self._reader.run("sessions in use", lambda tx: _of_users(tx, wanted, "last_used_ms"))
        due = [(now_ms, row[0], bytes(row[1]), now_ms) for row in rows if row[2] <= now_ms - USE_NOTED_MS]
        for part in chunks(due, _AT_ONCE):
            await self._writer.run("touch sessions", partial(_touch, due=part))

    async def end(
        self, user_id: int, device_ids: Sequence[str] | None, farewell: Draft, token_hash: bytes | None = None
    ) -> Ended | None:
        """End sessions of a user and append ``farewell`` to the private stream in the same transaction."""
        return await self._writer.run("end sessions", lambda tx: _end(tx, user_id, device_ids, farewell, token_hash))
