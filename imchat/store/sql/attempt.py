"""One try of one transaction: begun in a database thread, wanted for so long as its caller waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from imchat.store.sql.dialect import Dialect
from imchat.store.sql.transaction import Transaction
from imchat.store.sql.waits import Wait


class Abandoned(Exception):
    """The caller waits no longer: the transaction is not begun, or is rolled back."""


class TimedOut(Exception):
    """The time for the call is over."""


class Attempt:
    """One try of one transaction, whose result nobody wants once the time is over.

    Args:
        work: The function to run.
        dialect: Of the database.
        writes: Whether it may write.
        wait: For a connection.
        seconds: The time; called in database threads.

    Attributes:
        wrote: Whether it changed rows, once it succeeded.
        outcome: What the function returned or raised.
    """

    def __init__(
        self,
        work: Callable[[Transaction], Any],
        dialect: Dialect,
        writes: bool,
        wait: Wait,
        seconds: Callable[[], float],
    ) -> None:
        self.wrote = False
        self.outcome: Deferred[Any] = Deferred()
        self._work = work
        self._dialect = dialect
        self._writes = writes
        self._wait = wait
        self._seconds = seconds
        self._transaction: Transaction | None = None
        self._abandoned = False

    def interaction(self, cursor: Any) -> Any:
        """Runs in the database thread."""
        self._wait.ended = self._seconds()
        self._transaction = transaction = Transaction(cursor, self._dialect)
        self._check()
        transaction.begin(self._writes)
        result = self._work(transaction)
        self._check()
        self.wrote = transaction.wrote
        return result

    def _check(self) -> None:
        if self._abandoned:
            raise Abandoned

    def abandon(self) -> None:
        """Fail now; what comes later is ignored, and what hangs in the database is torn off."""
        if not self._abandoned:
            self._abandoned = True
            if self._transaction is not None:
                self._transaction.abort()
            self.outcome.errback(TimedOut())

    def finished(self, result: Any) -> None:
        """The transaction ended, in time or not."""
        if not self._abandoned:
            self._abandoned = True
            self.outcome.callback(result)
