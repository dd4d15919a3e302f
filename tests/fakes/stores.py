"""The real SQL stores on an in-memory SQLite, in the calling thread: no threads, no files, no waiting."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from imchat.store.sql.database import Database
from imchat.store.sql.dialect import Dialect
from imchat.store.sql.runner import DEFAULT_SETTINGS, Runner, RunnerSettings
from imchat.store.sql.schema import upgrade_sqlite
from imchat.store.sql.sqlite_dialect import SqliteDialect

T = TypeVar("T")

LIFETIME_MS = 30 * 24 * 3_600_000


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


@lru_cache(maxsize=1)
def _empty_database() -> bytes:
    connection = _memory()
    upgrade_sqlite(connection)
    return connection.serialize()


def locked() -> sqlite3.OperationalError:
    """An error that stores take for a passing one."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def full_disk() -> sqlite3.OperationalError:
    """An error that stores take for an outage."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class ThreadlessPool:
    """The pool of one connection, which runs each interaction at once, or when a test steps.

    Attributes:
        connection: The SQLite connection, for tests that look into tables.
        before: Errors for the coming interactions, one each; None lets one through. Raised before it begins.
        after: The same, raised after its commit: the caller does not learn that it is stored.
    """

    max = 1

    def __init__(self) -> None:
        self.connection = _memory()
        self.connection.deserialize(_empty_database())
        self.before: deque[BaseException | None] = deque()
        self.after: deque[BaseException | None] = deque()
        self._held: deque[Callable[[], None]] | None = None

    def hold(self) -> None:
        """From now on interactions wait for :meth:`step` or :meth:`release`."""
        if self._held is None:
            self._held = deque()

    @property
    def waiting(self) -> int:
        """How many interactions wait."""
        return len(self._held or ())

    def step(self) -> None:
        """Run the one that waits longest."""
        assert self._held, "nothing waits"
        self._held.popleft()()

    def release(self) -> None:
        """Run all that wait, and from now on each at once."""
        held, self._held = self._held or deque(), None
        while held:
            held.popleft()()

    def runInteraction(self, interaction: Callable[[Any], T]) -> Deferred[T]:
        """As adbapi's: commit what returns, roll back what raises."""
        deferred: Deferred[T] = Deferred()
        if self._held is None:
            self._run(interaction, deferred)
        else:
            self._held.append(lambda: self._run(interaction, deferred))
        return deferred

    def _run(self, interaction: Callable[[Any], T], deferred: Deferred[T]) -> None:
        try:
            result = self._transact(interaction)
        except BaseException:
            deferred.errback(Failure())
        else:
            deferred.callback(result)

    def _transact(self, interaction: Callable[[Any], T]) -> T:
        if self.before and (error := self.before.popleft()) is not None:
            raise error
        try:
            result = interaction(self.connection.cursor())
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise
        if self.after and (error := self.after.popleft()) is not None:
            raise error
        return result

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class MemoryDatabase(Database):
    """All stores on one in-memory SQLite, in the calling thread.

    Args:
        clock: The stores' clock and the database's time; a new one where None.
        lifetime_ms: Of sessions.
        settings: Of the runners.
        dialect: Another dialect than SQLite's own.

    Attributes:
        clock: The clock.
        pool: What runs the transactions of the writer and of the reader: faults go here.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        lifetime_ms: int = LIFETIME_MS,
        settings: RunnerSettings = DEFAULT_SETTINGS,
        dialect: Dialect | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.pool = ThreadlessPool()
        dialect = dialect or SqliteDialect(self.now_ms)
        writer = Runner("the database", self.pool, dialect, self.clock, writes=True, settings=settings)
        reader = Runner("the database (reading)", self.pool, dialect, self.clock, writes=False, settings=settings)
        super().__init__(writer, reader, lifetime_ms)

    def now_ms(self) -> int:
        """The clock's time in ms."""
        return int(self.clock.seconds() * 1000)
