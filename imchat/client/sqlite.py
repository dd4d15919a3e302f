"""The client's state in an SQLite file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from twisted.internet.defer import Deferred, DeferredLock
from twisted.python.failure import Failure

from imchat.client.errors import StateBusy, StateError
from imchat.client.network import RunInThread
from imchat.client.state import Change, OutboxEntry, SavedSession, Snapshot, dump_session, load_session

T = TypeVar("T")

VERSION = 2
"""Version of the file's layout."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS session (id INTEGER PRIMARY KEY CHECK (id = 1), data TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS position (stream_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS outbox (place INTEGER PRIMARY KEY, client_id BLOB NOT NULL,"
    " conversation_id INTEGER NOT NULL, content BLOB NOT NULL)",
    f"PRAGMA user_version = {VERSION}",
)

# Since layout 2 the outbox holds acts, too.
_ACTS = "ALTER TABLE outbox ADD COLUMN is_act INTEGER NOT NULL DEFAULT 0"


class SqliteState:
    """A :class:`imchat.client.state.StateStore` in a file that only its owner can read.

    The file is locked while it is open: a second program gets :class:`StateBusy`. Changes that gather while others
    are being written are written together next, so that waiting for the disk costs little.

    Args:
        path: The file; it is made, with its directory, where it does not exist.
        run: Runs a blocking function in a thread.
    """

    def __init__(self, path: Path, run: RunInThread) -> None:
        self._path = path
        self._run = run
        self._lock = DeferredLock()
        self._file: _File | None = None
        self._waiting: list[tuple[Change, Deferred[None]]] = []

    async def load(self) -> Snapshot:
        """Open the file, lock it, read it."""
        self._file = await self._guarded(lambda: _File(self._path))
        return await self._guarded(self._file.read)

    async def commit(self, change: Change) -> None:
        """Save a change."""
        saved: Deferred[None] = Deferred()
        self._waiting.append((change, saved))
        if len(self._waiting) == 1:
            Deferred.fromCoroutine(self._write_waiting())
        await saved

    async def _write_waiting(self) -> None:
        async with self._lock:
            batch, self._waiting = self._waiting, []
            try:
                if self._file is None:
                    raise StateError(f"{self._path}: is not open")
                file, changes = self._file, [change for change, _ in batch]
                await self._guarded(lambda: file.write(changes))
            except StateError:
                failure = Failure()
                for _, saved in batch:
                    saved.errback(failure)
                return
        for _, saved in batch:
            saved.callback(None)

    async def close(self) -> None:
        """Close the file after the changes that are under way."""
        async with self._lock:
            file, self._file = self._file, None
            if file is not None:
                await self._guarded(file.close)

    async def _guarded(self, function: Callable[[], T]) -> T:
        try:
            result: T = await self._run(function)
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                raise StateBusy(f"{self._path}: is in use by another program") from error
            raise StateError(f"{self._path}: {getattr(error, 'strerror', None) or error}") from error
        return result


class _File:
    """The open database; every method blocks and runs in a thread, one at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        self._database = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(path)
        except BaseException:
            self._database.close()
            raise

    def _prepare(self, path: Path) -> None:
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("BEGIN IMMEDIATE")
        version = run("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise sqlite3.DatabaseError(f"was made by a newer imchat (layout {version}, this one knows {VERSION})")
        for statement in _SCHEMA:
            run(statement)
        if version < 2:
            run(_ACTS)
        run("COMMIT")

    def read(self) -> Snapshot:
        run = self._database.execute
        row = run("SELECT data FROM session").fetchone()
        return Snapshot(
            session=_session(row[0]) if row else None,
            positions=dict(run("SELECT stream_id, seq FROM position")),
            outbox=[
                OutboxEntry(place, client_id, conversation_id, content, bool(is_act))
                for place, client_id, conversation_id, content, is_act in run(
                    "SELECT place, client_id, conversation_id, content, is_act FROM outbox ORDER BY place"
                )
            ],
        )

    def write(self, changes: Sequence[Change]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for change in changes:
                self._apply(change)
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _apply(self, change: Change) -> None:
        run, run_many = self._database.execute, self._database.executemany
        if change.forget:
            run("DELETE FROM position")
            run("DELETE FROM outbox")
        if change.session is not None:
            run("REPLACE INTO session VALUES (1, ?)", (dump_session(change.session),))
        run_many(
            "INSERT INTO position VALUES (?, ?) ON CONFLICT (stream_id) DO UPDATE SET seq = max(seq, excluded.seq)",
            change.positions.items(),
        )
        run_many("REPLACE INTO position VALUES (?, ?)", change.set_back.items())
        run_many("DELETE FROM outbox WHERE place = ?", [(order,) for order in change.removed])
        run_many(
            "INSERT INTO outbox (place, client_id, conversation_id, content, is_act) VALUES (?, ?, ?, ?, ?)",
            [(e.order, e.client_id, e.conversation_id, e.content, int(e.is_act)) for e in change.added],
        )

    def close(self) -> None:
        self._database.close()


def _session(data: str) -> SavedSession:
    try:
        return load_session(data)
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from error
