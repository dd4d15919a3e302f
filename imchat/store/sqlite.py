"""The embedded database: SQLite in one file, one connection that writes, some that read beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.enterprise.adbapi import ConnectionPool

from imchat.store.sql.database import Database
from imchat.store.sql.runner import DEFAULT_SETTINGS, Runner, RunnerSettings
from imchat.store.sql.schema import DatabaseUnusable, Migrated, upgrade_sqlite
from imchat.store.sql.sqlite_dialect import NotDurable, SqliteDialect

READERS = 3
BUSY_SECONDS = 1.0
"""How long SQLite itself waits for a lock, which only a program other than the server can hold."""

_STATEMENTS_KEPT = 100
_FULL = 2


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)


def make_durable(connection: sqlite3.Connection) -> None:
    """Make a connection write ahead and wait for the disk at each commit.

    Raises:
        NotDurable: SQLite does not do it for this file.
    """
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if mode != "wal" or level != _FULL:
        raise NotDurable(f"journal_mode is {mode}, synchronous is {level}")
    connection.execute("PRAGMA journal_size_limit = 67108864")


def migrate(path: Path) -> Migrated:
    """Create the database where there is none (readable for its owner alone) and bring its schema up to date.

    Synchronous, for before the reactor runs.

    Returns:
        The revisions before and after.

    Raises:
        SchemaTooNew: a newer program excluded this one.
        DatabaseUnusable: it cannot be opened or written, or is no database.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        connection = _connect(path, "rw")
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusable(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        make_durable(connection)
        return upgrade_sqlite(connection)
    except (sqlite3.Error, NotDurable, DatabaseUnusable) as error:
        raise DatabaseUnusable(f"{path}: {error}") from error
    finally:
        connection.close()


def _pool(reactor: Any, path: Path, mode: str, size: int, prepare: Callable[[sqlite3.Connection], None]) -> Any:
    return ConnectionPool(
        "sqlite3",
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS,
        cached_statements=_STATEMENTS_KEPT,
        cp_reactor=reactor,
        cp_min=1,
        cp_max=size,
        cp_name=f"imchat-sqlite-{mode}",
        cp_noisy=False,
        cp_openfun=prepare,
    )


def _nothing(_: sqlite3.Connection) -> None:
    """Connections that only read need no preparation."""


def open_database(
    path: Path,
    reactor: Any,
    now_ms: Callable[[], int],
    session_lifetime_ms: int,
    settings: RunnerSettings = DEFAULT_SETTINGS,
) -> Database:
    """Open a database that :func:`migrate` has prepared. Its threads start with the reactor.

    Args:
        path: Of the file.
        reactor: Runs the threads (``IReactorThreads``, ``IReactorCore``) and the time-outs (``IReactorTime``).
        now_ms: Milliseconds UTC, for the time of events; called in threads.
        session_lifetime_ms: A session that was not used for longer counts as ended.
        settings: How patient to be with the database.
    """
    dialect = SqliteDialect(now_ms)
    writing = _pool(reactor, path, "rw", 1, make_durable)
    reading = _pool(reactor, path, "ro", READERS, _nothing)
    name = f"the database {path}"
    writer = Runner(name, writing, dialect, reactor, writes=True, settings=settings)
    reader = Runner(f"{name} (reading)", reading, dialect, reactor, writes=False, settings=settings)
    return Database(writer, reader, session_lifetime_ms)
