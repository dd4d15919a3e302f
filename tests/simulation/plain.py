"""The stores on SQLite as the embedded server has them, for several processes: every transaction runs in one piece.

It has the methods of :class:`tests.simulation.database.SimulatedDatabase` that the world uses.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from imchat.store.sql.database import Database
from imchat.store.sql.runner import Runner
from imchat.store.sql.sqlite_dialect import SqliteDialect
from tests.fakes.stores import LIFETIME_MS, MemoryDatabase, full_disk, locked
from tests.simulation.database.faults import Injected, Plan, nothing_planned
from tests.simulation.database.storage import committed
from tests.simulation.process import SimulatedProcess

T = TypeVar("T")

_PASSING = frozenset((1205, 1213))


class _NamedRunner(Runner):
    """The runner; the pool hears what each transaction does."""

    def __init__(self, pool: _Pool, *args: Any, **kw: Any) -> None:
        super().__init__("the database", pool, *args, **kw)
        self._named = pool

    def run(self, name, work):
        """Run a function in a transaction."""

        def named(tx):
            self._named.kind = name
            return work(tx)

        return super().run(name, named)


class _Pool:
    """What one process has of the database: one transaction of it after another."""

    def __init__(self, server: PlainDatabase, process: SimulatedProcess) -> None:
        self._server = server
        self._process = process
        self._waiting: deque[tuple[Callable[[Any], Any], Deferred[Any]]] = deque()
        self._busy = False
        self.kind = ""

    def runInteraction(self, interaction: Callable[[Any], T]) -> Deferred[T]:
        """As adbapi's: commit what returns, roll back what raises."""
        deferred: Deferred[T] = Deferred()
        self._waiting.append((interaction, deferred))
        self._next()
        return deferred

    def _next(self) -> None:
        if self._waiting and not self._busy and not self._process.dead:
            self._busy = True
            interaction, deferred = self._waiting.popleft()
            self._process.callLater(self._server.latency(), self._run, interaction, deferred)

    def _run(self, interaction: Callable[[Any], Any], deferred: Deferred[Any]) -> None:
        outcome, delay = self._server.transact(self._process, self, interaction)
        self._process.callLater(self._server.latency() + delay, self._answer, deferred, outcome)

    def _answer(self, deferred: Deferred[Any], outcome: object) -> None:
        self._busy = False
        deferred.callback(outcome)
        self._next()

    def close(self) -> None:
        """Nothing is open."""


class PlainDatabase:
    """An SQLite for all processes of the world.

    Args:
        clock: The time of the world.
        random: For how long things take.

    Attributes:
        plan: As of the stand-in for MariaDB.
        hits: The same.
    """

    def __init__(self, clock: IReactorTime, random: Random) -> None:
        self.plan: Plan = nothing_planned
        self.hits: Counter[str] = Counter()
        self._clock = clock
        self._random = random
        self._down = False
        self._cut: dict[str, None] = {}
        self._connection = MemoryDatabase().pool.connection

    def latency(self) -> float:
        """How long the next step takes."""
        return 0.0002 * (1 + self._random.random())

    def connect(self, process: SimulatedProcess, lifetime_ms: int = LIFETIME_MS) -> Database:
        """The stores of a process that has just started."""
        dialect = SqliteDialect(lambda: int(self._clock.seconds() * 1000))
        writer, reader = (
            _NamedRunner(_Pool(self, process), dialect, process, writes=writes) for writes in (True, False)
        )
        return Database(writer, reader, lifetime_ms)

    def transact(
        self, process: SimulatedProcess, pool: _Pool, interaction: Callable[[Any], Any]
    ) -> tuple[object, float]:
        """Run an interaction; returns its outcome, and for how long it holds things up."""
        delay = 0.0
        before = self._connection.total_changes
        pool.kind = ""
        try:
            if self._down or process.name in self._cut:
                raise full_disk()
            delay += self._ask("begin", process, pool.kind)
            result = interaction(self._connection.cursor())
            wrote = self._connection.total_changes != before
            if wrote:
                delay += self._ask("before_commit", process, pool.kind)
            self._connection.commit()
            if wrote:
                delay += self._ask("after_commit", process, pool.kind)
        except BaseException:
            self._connection.rollback()
            return Failure(), delay
        return result, delay

    def _ask(self, point: str, process: SimulatedProcess, kind: str) -> float:
        injected: Injected | None = self.plan(point, process.name, kind)
        if process.dead:
            raise sqlite3.OperationalError("the process died")
        if injected is None:
            return 0.0
        self.hits[f"{point}: {injected.name}"] += 1
        if injected.number is not None:
            raise locked() if injected.number in _PASSING else full_disk()
        return injected.delay

    def crash(self, name: str, silently: bool = False) -> None:
        """Transactions run in one piece: none is left open."""

    def freeze(self, name: str) -> None:
        """The same."""

    def thaw(self, name: str) -> None:
        """The same."""

    def cut(self, name: str) -> None:
        """From now on everything fails for one process."""
        self._cut[name] = None

    def mend(self, name: str) -> None:
        """The process reaches the database again."""
        self._cut.pop(name, None)

    def close(self) -> None:
        """Nothing is to be ended."""

    def stop(self) -> None:
        """From now on everything fails."""
        self._down = True

    def start(self) -> None:
        """The database is there again."""
        self._down = False

    def inspect(self) -> dict[str, list[dict[str, Any]]]:
        """What is committed: the rows of each table, in the order of its primary key."""
        return committed(self._connection)
