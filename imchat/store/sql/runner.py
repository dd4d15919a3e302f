"""Runs functions in database transactions: off the reactor, again after passing errors, and never for too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imchat.domain.errors import Contended, Unavailable
from imchat.store.sql.attempt import Attempt, TimedOut
from imchat.store.sql.dialect import Dialect, Fault
from imchat.store.sql.outage import Outage
from imchat.store.sql.transaction import DuplicateKey, Transaction
from imchat.store.sql.waits import Wait, Waits

T = TypeVar("T")


class Pool(Protocol):
    """The part of :class:`twisted.enterprise.adbapi.ConnectionPool` that the runner uses.

    Attributes:
        max: Largest number of connections.
    """

    max: int

    def runInteraction(self, interaction: Callable[[Any], T]) -> Deferred[T]:
        """Call a function with a cursor; commit when it returns, roll back when it raises."""

    def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True, slots=True)
class RunnerSettings:
    """How patient a runner is.

    Attributes:
        timeout_ms: For one call, with all its tries.
        tries: How often a transaction is tried when errors pass.
        backoff_ms: Wait before the second try; it doubles with each.
        retry_after_ms: What callers are told when nothing helped.
    """

    timeout_ms: int = 5_000
    tries: int = 4
    backoff_ms: int = 20
    retry_after_ms: int = 1_000


DEFAULT_SETTINGS = RunnerSettings()


class Runner:
    """Runs transactions on one pool.

    A function that is run may be run again, whole, after its transaction was rolled back or its connection lost
    (perhaps after the commit): it must be safe to run twice.

    Args:
        name: Of the database, for the log.
        pool: Whose connections are in autocommit mode; the runner begins transactions itself.
        dialect: Of the database.
        clock: For time-outs and waits between tries.
        writes: Whether transactions may write.
        settings: How patient to be.
        outage: What remembers outages; one of its own where None.

    Attributes:
        outage: Whether the database serves.
        waits: How long transactions wait for a connection.
    """

    _log = Logger()

    def __init__(
        self,
        name: str,
        pool: Pool,
        dialect: Dialect,
        clock: IReactorTime,
        *,
        writes: bool,
        settings: RunnerSettings = DEFAULT_SETTINGS,
        outage: Outage | None = None,
    ) -> None:
        self.outage = outage or Outage(name, clock)
        self.waits = Waits()
        self._pool = pool
        self._dialect = dialect
        self._clock = clock
        self._writes = writes
        self._settings = settings
        self._closed = False
        self._idle: list[Deferred[None]] = []

    @property
    def size(self) -> int:
        """Largest number of connections."""
        return self._pool.max

    async def run(self, name: str, work: Callable[[Transaction], T]) -> T:
        """Run a function in a transaction, in a database thread.

        Args:
            name: What it does, for errors.
            work: Gets the transaction, returns plain data. What it raises rolls the transaction back and, where it
                is no error of the database, is raised here.

        Raises:
            Unavailable: the database did not do it in time, is closed, full, read-only or broken; the transaction
                may have been committed all the same where the time was over or the connection lost.
            Contended: other transactions held the rows locked, again and again.
            DuplicateKey: a unique key was taken.
        """
        deadline = self._clock.seconds() + self._settings.timeout_ms / 1000
        for attempt in range(1, self._settings.tries + 1):
            begun = self._clock.seconds()
            try:
                return await self._try(work, deadline)
            except TimedOut:
                raise self._failed(Fault.LATE, f"in {name}") from None
            except Exception as error:
                fault = self._dialect.classify(error)
                if fault is Fault.DUPLICATE:
                    raise DuplicateKey(str(error)) from error
                if fault is Fault.NONE:
                    raise
                wait = self._settings.backoff_ms * 2 ** (attempt - 1) / 1000
                if attempt == self._settings.tries or not fault.retried or self._too_late(begun, wait, deadline):
                    raise self._failed(fault, f"{error} in {name}") from error
                await self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _too_late(self, begun: float, wait: float, deadline: float) -> bool:
        """Whether a next try that takes as long as the last would be cut off: what is known is the better answer."""
        now = self._clock.seconds()
        return now + wait + (now - begun) >= deadline

    async def _try(self, work: Callable[[Transaction], T], deadline: float) -> T:
        if self._closed:
            raise Unavailable("the database is closed", self._settings.retry_after_ms)
        now = self._clock.seconds()
        wait = self.waits.begin(now)
        attempt = Attempt(work, self._dialect, self._writes, wait, self._clock.seconds)
        timer = self._clock.callLater(max(0.0, deadline - now), attempt.abandon)
        try:
            self._start(attempt, wait)
            result: T = await attempt.outcome
        finally:
            if timer.active():
                timer.cancel()
        self.outage.worked(attempt.wrote)
        return result

    def _start(self, attempt: Attempt, wait: Wait) -> None:
        try:
            interaction = self._pool.runInteraction(attempt.interaction)
        except BaseException:
            self._ended(None, wait)
            raise
        interaction.addBoth(attempt.finished).addBoth(self._ended, wait)

    def _failed(self, fault: Fault, detail: str) -> Unavailable:
        self.outage.failed(fault, detail, self._writes)
        kind = Contended if fault is Fault.CONTENDED else Unavailable
        return kind(f"the database {fault.value}", self._settings.retry_after_ms)

    def _sleep(self, seconds: float) -> Deferred[None]:
        deferred: Deferred[None] = Deferred()
        self._clock.callLater(seconds, deferred.callback, None)
        return deferred

    def _ended(self, result: object, wait: Wait) -> None:
        if isinstance(result, Failure):
            self._log.failure("a transaction could not be reported", failure=result)
        self.waits.end(wait)
        if not self.waits.open:
            idle, self._idle = self._idle, []
            for deferred in idle:
                deferred.callback(None)

    async def close(self) -> None:
        """Refuse new transactions, wait for those that run (at most for the time-out), close the connections."""
        if self._closed:
            return
        self._closed = True
        if self.waits.open:
            idle: Deferred[None] = Deferred()
            self._idle.append(idle)
            timer = self._clock.callLater(self._settings.timeout_ms / 1000, self._ended_waiting, idle)
            await idle
            if timer.active():
                timer.cancel()
        self._pool.close()

    def _ended_waiting(self, idle: Deferred[None]) -> None:
        if idle in self._idle:
            self._idle.remove(idle)
            idle.callback(None)
