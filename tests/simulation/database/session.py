"""The server's side of one connection: its transaction, what it waits for, and how it ends."""

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

from pymysql.err import IntegrityError, MySQLError
from twisted.internet.interfaces import IDelayedCall

from imchat.store.sql.mysql_connection import IDLE_TRANSACTION_SECONDS, LOCK_WAIT_SECONDS
from tests.simulation.database.faults import ENDS_CONNECTION, Injected, error, lost
from tests.simulation.database.locks import Key
from tests.simulation.database.requests import Reply, Request, Result
from tests.simulation.database.statements import Kind, Statement
from tests.simulation.database.storage import Image

if TYPE_CHECKING:
    from tests.simulation.database.server import SimulatedDatabase


Work = Generator[None, None, Any]
"""What the server does for a request; it yields wherever it has to wait."""

_NOTHING = Result([], 0)
_ENDS = (Kind.COMMIT, Kind.ROLLBACK)


class Session:
    """One session of the server. All that it does happens in the reactor's own greenlet.

    Args:
        server: Whose.
        process: The name of the process at the other end.
        writes: It may write; else each statement stands alone.

    Attributes:
        dead: It has ended; what it had not committed is undone.
        images: What its transaction wrote.
        locks: What its transaction has locked.
        waits_for: What it waits for.
    """

    def __init__(self, server: "SimulatedDatabase", process: str, writes: bool) -> None:
        self.process = process
        self.dead = False
        self.images: list[Image] = []
        self.locks: list[Key] = []
        self.waits_for: Key | None = None
        self._server = server
        self._writes = writes
        self._kind = ""
        self._begun = False
        self._expected = 0
        self._leaving = False
        self._idle_since = 0.0
        self._work: Work | None = None
        self._reply: Reply | None = None
        self._timer: IDelayedCall | None = None

    # --- requests

    def expect(self) -> None:
        """A request is on its way."""
        self._expected += 1

    def arrive(self, request: Request, reply: Reply) -> None:
        """A request that was sent arrives; ``reply`` is called once, unless the client hangs up."""
        self._expected -= 1
        self._check_idle_time()
        if self.dead:
            reply(lost())
            return
        self._stop_timer()
        self._reply = reply
        self._kind = request.kind
        self._work = self._serve(request)
        self._advance()

    def _advance(self, problem: MySQLError | None = None) -> None:
        work = self._work
        if work is None:
            return
        try:
            if problem is None:
                next(work)
            else:
                work.throw(problem)
        except StopIteration as done:
            self._answer(done.value)
        except Exception as failed:
            self._answer(failed)

    def _answer(self, outcome: object) -> None:
        if self.dead:
            return
        reply, self._reply, self._work = self._reply, None, None
        if isinstance(outcome, MySQLError) and outcome.args[0] in ENDS_CONNECTION:
            self.end()
        self._idle_since = self._server.clock.seconds()
        if self._leaving:
            self.end()
        elif self._begun and self._server.locks.awaited(self):
            self.watch_idle_time()
        if reply is not None:
            reply(outcome)

    def _serve(self, request: Request) -> Work:
        result = _NOTHING
        for statement, rows in request.steps:
            kind = statement.kind
            if not self._begun and kind not in _ENDS:
                self._begun = True
                if trouble := self._asked("begin"):
                    yield from self._suffer(*trouble)
            if kind is Kind.READ:
                found = self._server.storage.read(self, statement.sql, rows[0])
                result = Result(found, len(found))
            else:
                result = yield from self._run(statement, rows)
        self._begun = self._begun and self._writes
        return result

    def _run(self, statement: Statement, rows: Sequence[Sequence[object]]) -> Work:
        if statement.kind is Kind.LOCK:
            return self._lock(statement, rows[0])
        if statement.kind is Kind.WRITE:
            return self._write(statement, rows)
        if statement.kind is Kind.COMMIT:
            return self._commit()
        return self._undo()

    def _lock(self, statement: Statement, parameters: Sequence[object]) -> Work:
        """A locking read sees rows as they are once it has them locked, however long it waited for that."""
        while True:
            found = self._server.storage.read(self, statement.sql, parameters)
            if statement.skips:
                found = [row for row in found if self._free(statement.keys(row))]
            taken = self._take([key for row in found for key in statement.keys(row)])
            if taken is None:
                break
            yield from self._wait(taken)
        if trouble := self._asked("locked"):
            yield from self._suffer(*trouble)
        return Result([row[: statement.width] for row in found], len(found))

    def _write(self, statement: Statement, rows: Sequence[Sequence[object]]) -> Work:
        if not self._writes:
            raise error(1792)
        while True:
            mark = len(self.images)
            count, keys = self._store(statement, rows)
            taken = self._take(keys)
            if taken is None:
                return Result([], count)
            self._server.storage.undo(self, mark)
            yield from self._wait(taken)

    def _store(self, statement: Statement, rows: Sequence[Sequence[object]]) -> tuple[int, list[Key]]:
        try:
            return self._server.storage.write(self, statement.sql, rows)
        except IntegrityError:
            self._server.count("key taken")
            raise

    def _free(self, keys: Sequence[Key]) -> bool:
        """Whether nobody else has any of these places."""
        locks = self._server.locks
        return all(not locks.has(key) or locks.owner(key) is self for key in keys)

    def _take(self, keys: Sequence[Key]) -> Key | None:
        """Lock places one after another; the first that another has, if any."""
        take = self._server.locks.take
        for key in keys:
            if not take(self, key):
                return key
        return None

    # --- waiting

    def _wait(self, key: Key) -> Work:
        server = self._server
        if server.locks.closes_a_circle(self, key):
            server.count("deadlock")
            self._rollback()
            raise error(1213)
        server.count("lock wait")
        holder = server.locks.owner(key)
        server.locks.wait(self, key)
        self._timer = server.clock.callLater(LOCK_WAIT_SECONDS, self._waited_too_long)
        holder.watch_idle_time()
        yield

    def _waited_too_long(self) -> None:
        self._timer = None
        self._server.count("lock wait time-out")
        self._server.locks.leave(self)
        self._advance(error(1205))

    def granted(self) -> None:
        """The lock that it waited for is its own: the work goes on in a moment."""
        self._stop_timer()
        self._timer = self._server.clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._timer = None
        self._advance()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _asked(self, point: str) -> tuple[str, Injected] | None:
        """What the plan has for this session at a point."""
        injected = self._server.asked(point, self.process, self._kind)
        if self.dead:
            raise lost()
        return None if injected is None else (point, injected)

    def _suffer(self, point: str, injected: Injected) -> Work:
        if injected.delay:
            self._timer = self._server.clock.callLater(injected.delay, self._go_on)
            yield
        if injected.number is not None:
            raise self._injured(point, injected)

    def _injured(self, point: str, injected: Injected) -> MySQLError:
        if point == "after_commit" and injected.number not in ENDS_CONNECTION:
            raise ValueError(f"no server says {injected.name!r} of what it has committed")
        problem = error(injected.number)
        if problem.args[0] == error(1213).args[0]:
            self._rollback()
        return problem

    # --- the transaction's end

    def _commit(self) -> Work:
        wrote = bool(self.images)
        if wrote and (trouble := self._asked("before_commit")):
            yield from self._suffer(*trouble)
        self._server.storage.commit(self)
        self._unlock()
        if wrote and (trouble := self._asked("after_commit")):
            yield from self._suffer(*trouble)
        return _NOTHING

    def _undo(self) -> Work:
        self._rollback()
        return _NOTHING
        yield

    def _rollback(self) -> None:
        self._server.storage.rollback(self)
        self._unlock()

    def _unlock(self) -> None:
        self._begun = False
        if self.locks:
            for heir in self._server.locks.release(self):
                heir.granted()

    # --- the session's end

    def leave(self) -> None:
        """The client hung up. What was sent before is done to its end; nobody hears the answer."""
        self._leaving = True
        self._reply = None
        if self._work is None and not self._expected:
            self.end()

    def end(self) -> None:
        """End at once: what is not committed is undone, and whoever waits for an answer learns that it was lost."""
        if self.dead:
            return
        self.dead = True
        reply, self._reply, self._work = self._reply, None, None
        self._stop_timer()
        self._server.locks.leave(self)
        self._rollback()
        self._server.forget(self)
        if reply is not None:
            reply(lost())

    # --- clients that fall silent in a transaction

    def watch_idle_time(self) -> None:
        """Another waits for this transaction: end it as soon as its client was silent for too long."""
        if self._work is None and self._timer is None and not self.dead:
            wait = self._idle_since + IDLE_TRANSACTION_SECONDS - self._server.clock.seconds()
            self._timer = self._server.clock.callLater(max(0.0, wait), self._silent_too_long)

    def _silent_too_long(self) -> None:
        self._timer = None
        self._server.count("idle transaction ended")
        self.end()

    def _check_idle_time(self) -> None:
        """Nobody watched, but the time was over all the same."""
        now = self._server.clock.seconds()
        if self._begun and now - self._idle_since > IDLE_TRANSACTION_SECONDS and not self.dead:
            self._silent_too_long()
