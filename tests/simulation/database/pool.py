"""Pools of connections in which greenlets stand for threads, and runners that say what their transactions do."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from greenlet import GreenletExit, getcurrent
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imchat.store.sql.mysql_connection import Use
from imchat.store.sql.mysql_pool import Doubts, Lease
from imchat.store.sql.runner import Runner
from tests.simulation.database.client import Client, Task
from tests.simulation.database.connection import Connection

T = TypeVar("T")


class NamedRunner(Runner):
    """The runner; the task of each transaction bears its name."""

    def run(self, name, work):
        """Run a function in a transaction."""

        def named(tx):
            getcurrent().kind = name
            return work(tx)

        return super().run(name, named)


class _Interaction(Task):
    """An interaction that has one of the pool's connections to itself; ``connection`` is made when it is needed."""

    def __init__(self, run, done, deferred: Deferred, connection: Connection | None) -> None:
        super().__init__(run, done)
        self.deferred = deferred
        self.connection = connection


class SimulatedPool:
    """What :class:`imchat.store.sql.mysql_pool.MysqlPool` is, on greenlets.

    Args:
        client: Whose.
        use: What its connections are for.
        size: Largest number of connections.
        doubts: Shared with the other pools of the process.

    Attributes:
        use: What its connections are for.
        doubts: As given.
        closing: No new connections are to be made.
    """

    def __init__(self, client: Client, use: Use, size: int, doubts: Doubts) -> None:
        self.use = use
        self.doubts = doubts
        self.closing = False
        self._client = client
        self._waiting: deque[tuple[Callable[[Any], Any], Deferred]] = deque()
        self._busy: dict[_Interaction, None] = {}
        # One for each thread that has nothing to do: its connection, once it has one.
        self._idle: list[Connection | None] = [None] * size

    def runInteraction(self, interaction: Callable[[Any], T]) -> Deferred[T]:
        """As adbapi's: commit what returns, roll back what raises."""
        deferred: Deferred[T] = Deferred()
        self._waiting.append((interaction, deferred))
        self._start()
        return deferred

    def _start(self) -> None:
        while self._idle and self._waiting and not self._client.dead:
            interaction, deferred = self._waiting.popleft()
            task = _Interaction(lambda _, run=interaction: self._transact(run), self._done, deferred, self._idle.pop())
            self._busy[task] = None
            self._client.begin(task)

    def _transact(self, interaction: Callable[[Any], T]) -> T | Failure | None:
        """In the greenlet: adbapi's ``_runInteraction``."""
        lease = Lease(self)
        try:
            result = interaction(lease)
            lease.close()
            lease.commit()
        except GreenletExit:
            return None  # The process is dead: there is nobody to roll back.
        except BaseException:
            failure = Failure()
            lease.rollback()
            return failure
        return result

    def _done(self, task: _Interaction, outcome: object) -> None:
        self._busy.pop(task, None)
        self._idle.append(task.connection)
        task.deferred.callback(outcome)
        self._start()

    # --- what the lease asks of its pool, in the greenlet

    def connect(self) -> Connection:
        """This thread's connection, perhaps not open yet."""
        task = getcurrent()
        if task.connection is None:
            task.connection = Connection(self._client, self.use)
        return task.connection

    def disconnect(self, connection: Connection) -> None:
        """Close this thread's connection."""
        connection.close()
        getcurrent().connection = None

    def close(self) -> None:
        """Close all connections."""
        self.closing = True
        for task in list(self._busy):
            if task.connection is not None and task.connection.busy:
                task.connection.abort()
        for connection in self._idle:
            if connection is not None:
                connection.close()
