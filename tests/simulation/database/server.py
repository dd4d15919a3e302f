"""The server as a whole: who is connected, how long things take, and what goes wrong."""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.interfaces import IReactorTime

from imchat.store.mysql import SLACK_MS
from imchat.store.sql.database import Database
from imchat.store.sql.mysql_connection import Use
from imchat.store.sql.mysql_dialect import MysqlDialect
from imchat.store.sql.mysql_pool import Doubts
from imchat.store.sql.mysql_settings import MysqlSettings
from imchat.store.sql.outage import Outage
from imchat.store.sql.runner import DEFAULT_SETTINGS, RunnerSettings
from tests.fakes.stores import LIFETIME_MS
from tests.simulation.database.client import Client, Process
from tests.simulation.database.faults import Injected, Plan, error, nothing_planned
from tests.simulation.database.locks import Locks
from tests.simulation.database.pool import NamedRunner, SimulatedPool
from tests.simulation.database.requests import Reply, Request
from tests.simulation.database.session import Session
from tests.simulation.database.statements import Translator
from tests.simulation.database.storage import Storage, committed

_DIALECT = MysqlDialect()
_SETTINGS = MysqlSettings()

SHORTEST = 0.0001
"""Seconds that a packet travels at least."""

SLOW = 0.02
"""So many of the packets take much longer."""


class SimulatedDatabase:
    """A MariaDB on a simulated clock.

    Args:
        clock: The time of the world: packets that were sent arrive by it, and the database's own time is read from it.
        random: For how long packets travel.

    Attributes:
        clock: The clock.
        plan: Asked at each of :data:`tests.simulation.database.faults.POINTS`; may call :meth:`crash` itself.
        hits: How often what happened: ``"POINT: FAULT"`` for each fault of the plan, and by name the waits and ends
            that came about by themselves.
        locks: Who has which row.
        storage: The data.
        latency: Returns how many seconds the next packet travels.
    """

    def __init__(self, clock: IReactorTime, random: Random) -> None:
        self.clock = clock
        self.plan: Plan = nothing_planned
        self.hits: Counter[str] = Counter()
        self.locks = Locks()
        self.storage = Storage(clock.seconds)
        keys = {table.name: table.primary_key for table in self.storage.tables.values()}
        self.statement = Translator(keys).statement
        self.latency: Callable[[], float] = self._travel
        self._random = random.random
        self._down = False
        self._cut: set[str] = set()
        # In the order in which they came: what is done to several of them is done in the same order every time.
        self._sessions: dict[Session, None] = {}
        self._clients: list[Client] = []

    def _travel(self) -> float:
        chance = self._random()
        return SHORTEST * (1 + chance) * (20 if chance < SLOW else 1)

    # --- for the world

    def connect(
        self, process: Process, lifetime_ms: int = LIFETIME_MS, settings: RunnerSettings = DEFAULT_SETTINGS
    ) -> Database:
        """The stores of a process that has just started.

        Args:
            process: The process.
            lifetime_ms: A session that was not used for longer counts as ended.
            settings: How patient to be with the database.
        """
        client = Client(self, process)
        self._clients.append(client)
        outage = Outage(f"the database (of {process.name})", process)
        doubts = Doubts()

        def runner(name: str, size: int, writes: bool, together: bool = False) -> NamedRunner:
            use = Use(name, writes, together, settings.timeout_ms + SLACK_MS)
            pool = SimulatedPool(client, use, size, doubts)
            return NamedRunner(outage.name, pool, _DIALECT, process, writes=writes, settings=settings, outage=outage)

        return Database(
            writer=runner("write", _SETTINGS.writers, writes=True),
            reader=runner("read", _SETTINGS.readers, writes=False),
            session_lifetime_ms=lifetime_ms,
            flusher=runner("flush", _SETTINGS.flushers, writes=True, together=True),
        )

    def crash(self, name: str, silently: bool = False) -> None:
        """A process died: its transactions are undone unless they are committed, and none of its code runs again.

        Args:
            name: Of the process.
            silently: Its machine is gone, so that nobody tells the server: what was sent arrives, and locks are kept
                until the transaction has been silent for too long.
        """
        for client in self._of(name):
            client.crash()
        self._clients = [client for client in self._clients if client.name != name]
        if not silently:
            self._end_sessions(name)

    def _end_sessions(self, name: str) -> None:
        for session in list(self._sessions):
            if session.process == name:
                session.end()

    def freeze(self, name: str) -> None:
        """Answers to a process wait for :meth:`thaw`; what it had sent is done."""
        for client in self._of(name):
            client.freeze()

    def thaw(self, name: str) -> None:
        """A frozen process goes on."""
        for client in self._of(name):
            client.thaw()

    def _of(self, name: str) -> list[Client]:
        return [client for client in self._clients if client.name == name]

    def stop(self) -> None:
        """The server ends: all sessions are lost, and none is accepted."""
        self._down = True
        for session in list(self._sessions):
            session.end()

    def start(self) -> None:
        """The server is there again, with all that was committed."""
        self._down = False

    def cut(self, name: str) -> None:
        """A process and the database do not reach each other until :meth:`mend`; transactions of it are undone."""
        self._cut.add(name)
        self._end_sessions(name)

    def mend(self, name: str) -> None:
        """They reach each other again."""
        self._cut.discard(name)

    def close(self) -> None:
        """Nothing of this world runs any more."""
        for client in self._clients:
            client.crash()
        self.stop()
        self.storage.connection.close()

    def inspect(self) -> dict[str, list[dict[str, Any]]]:
        """What is committed: the rows of each table, in the order of its primary key."""
        self.storage.enter(None)
        return committed(self.storage.connection)

    # --- for connections and sessions

    def accept(self, process: str, writes: bool, reply: Reply) -> None:
        """Someone connects: TCP, login and settings of the session are several packets to and fro."""
        self.clock.callLater(3 * self.latency(), self._accept, process, writes, reply)

    def _accept(self, process: str, writes: bool, reply: Reply) -> None:
        injected = self.asked("connect", process, "connect")
        if injected is not None and injected.delay:
            self.clock.callLater(injected.delay, self._admit, process, writes, reply, injected.number)
        else:
            self._admit(process, writes, reply, injected and injected.number)

    def _admit(self, process: str, writes: bool, reply: Reply, number: int | None) -> None:
        away = self._down or process in self._cut
        if away:
            self.count("connection refused")
        if away or number is not None:
            reply(error(number or 2003))
            return
        session = Session(self, process, writes)
        self._sessions[session] = None
        reply(session)

    def send(self, session: Session, request: Request, reply: Reply) -> None:
        """A request is on its way."""
        session.expect()
        self.clock.callLater(self.latency(), session.arrive, request, reply)

    def forget(self, session: Session) -> None:
        """A session has ended."""
        self._sessions.pop(session, None)

    def asked(self, point: str, process: str, kind: str) -> Injected | None:
        """What the plan has for this moment."""
        injected = self.plan(point, process, kind)
        if injected is not None:
            self.count(f"{point}: {injected.name}")
        return injected

    def count(self, name: str) -> None:
        """Something happened that a run wants to see happen."""
        self.hits[name] += 1
