"""The client's side of a connection, in place of PyMySQL's: its calls wait, in their greenlet, for the server."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from greenlet import getcurrent
from pymysql.err import InterfaceError, MySQLError

from imchat.store.sql.mysql_connection import Use
from tests.simulation.database.faults import lost
from tests.simulation.database.requests import Request, Result
from tests.simulation.database.session import Session
from tests.simulation.database.statements import COMMIT, ROLLBACK, Step, packet
from tests.simulation.database.storage import Row

if TYPE_CHECKING:
    from tests.simulation.database.client import Client, Task

MAX_STATEMENT = 8_388_608
"""Half of MariaDB's usual ``max_allowed_packet``."""

_SAFE = (int, bytes)


class Connection:
    """One connection of a process; made closed, opened by :meth:`establish`.

    Args:
        client: The process at this end.
        use: What it is for.

    Attributes:
        open: It was opened, and nobody found it dead.
        busy: Whether an interaction uses it.
        max_statement: As the server told.
        proven: As of the real one.
    """

    def __init__(self, client: "Client", use: Use) -> None:
        self.use = use
        self.open = False
        self.busy = False
        self.max_statement = MAX_STATEMENT
        self.proven = 0
        self.client = client
        self._session: Session | None = None
        self._torn = False
        self._exchange = 0
        self._waiting: Task | None = None

    def establish(self) -> None:
        """Connect, log in, set up the session.

        Raises:
            pymysql.err.OperationalError: the server does not answer, or refuses.
        """
        outcome = self._await(lambda reply: self.client.server.accept(self.client.name, self.use.writes, reply))
        assert isinstance(outcome, Session)
        self._session = outcome
        self.open = True

    def cursor(self) -> "Cursor":
        """A cursor."""
        return Cursor(self)

    def commit(self) -> None:
        """Commit."""
        self.ask([COMMIT])

    def rollback(self) -> None:
        """Roll back."""
        self.ask([ROLLBACK])

    def ask(self, steps: Sequence[Step]) -> Result:
        """Send statements in one packet and wait for the answer.

        Raises:
            pymysql.err.MySQLError: the server's error, or the connection was lost.
        """
        session = self._session
        if session is None or not self.open:
            raise InterfaceError(0, "")
        request = Request(steps, getcurrent().kind)
        outcome = self._await(lambda reply: self.client.server.send(session, request, reply))
        assert isinstance(outcome, Result)
        return outcome

    def _await(self, send: Callable[[Callable[[object], None]], None]) -> object:
        if self._torn or self.client.dead:
            self.open = False
            raise lost()
        self._exchange = exchange = self._exchange + 1
        self._waiting = task = getcurrent()
        send(lambda outcome: self.client.answer(self._answered, exchange, outcome))
        outcome = task.parent.switch()
        if isinstance(outcome, Exception):
            # PyMySQL closes a connection on which nothing came back.
            self.open = self.open and not (isinstance(outcome, MySQLError) and outcome.args[0] in (2006, 2013))
            raise outcome
        return outcome

    def _answered(self, exchange: int, outcome: object) -> None:
        if exchange == self._exchange and self._waiting is not None:
            task, self._waiting = self._waiting, None
            self.client.resume(task, outcome)
        elif isinstance(outcome, Session):
            outcome.leave()  # It was torn off while it was made.

    def abort(self) -> None:
        """Tear it off: what waits for the server fails at once, but a request that was sent arrives."""
        self._torn = True
        if self._session is not None:
            self._session.leave()
        if self._waiting is not None:
            self.client.answer_at_once(self._answered, self._exchange, lost())

    def close(self) -> None:
        """Take leave of the server."""
        self.open = False
        if self._session is not None:
            self._session.leave()


class Cursor:
    """PyMySQL's cursor, as far as the pool's lease uses it.

    Args:
        connection: Whose.

    Attributes:
        rowcount: Rows that the last statement returned or matched.
    """

    def __init__(self, connection: Connection) -> None:
        self.rowcount = -1
        self._connection = connection
        self._rows: Sequence[Row] = ()
        self._together = connection.use.together

    def execute(self, sql: str, parameters: Sequence[object] | None = None) -> None:
        """Run a statement with parameters, or a packet of statements as it stands."""
        if parameters is None:
            self._keep(packet(sql))
        else:
            self.executemany(sql, [parameters])

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of many rows, in one packet."""
        if self._together:
            self._check(rows)
        self._keep([(self._connection.client.server.statement(sql), rows)])

    @staticmethod
    def _check(rows: Sequence[Sequence[object]]) -> None:
        for parameters in rows:
            for value in parameters:
                if type(value) not in _SAFE:
                    raise TypeError(f"{type(value).__name__} may not go through a connection for several statements")

    def _keep(self, steps: Sequence[Step]) -> None:
        result = self._connection.ask(steps)
        self._rows, self.rowcount = result

    def fetchall(self) -> Sequence[Row]:
        """The rows of the last statement."""
        return self._rows

    def nextset(self) -> None:
        """Errors of all statements of a packet are raised by :meth:`execute` already."""
