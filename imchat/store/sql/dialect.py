"""What differs between databases, and what their errors mean to us."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING

from imchat.domain.models import Head
from imchat.store.sql import bulk

if TYPE_CHECKING:
    from imchat.store.sql.bulk import EventRow
    from imchat.store.sql.effects import Effects
    from imchat.store.sql.transaction import Transaction


class Fault(Enum):
    """What an error of the driver means. The value is how the log calls it."""

    NONE = "is no fault of the database"
    DUPLICATE = "has the key already"
    BUSY = "is busy"
    CONTENDED = "keeps rows locked"
    LOST = "dropped the connection"
    AWAY = "cannot be reached"
    LATE = "does not answer in time"
    FULL = "has no space left on its disk"
    READ_ONLY = "is read-only"
    BROKEN = "fails"

    @property
    def retried(self) -> bool:
        """Whether the same transaction may succeed a moment later."""
        return self in (Fault.BUSY, Fault.CONTENDED, Fault.LOST, Fault.AWAY)

    @property
    def unreachable(self) -> bool:
        """Whether the database as a whole did not answer, to readers as little as to writers."""
        return self in (Fault.LOST, Fault.AWAY, Fault.LATE)


class Dialect(ABC):
    """One kind of database.

    Attributes:
        begin: Statement that begins a transaction that may write; empty where its first statement does.
        begin_read: Statement that begins one that only reads; empty likewise.
        lock: Ends a SELECT whose rows are to be locked until the end of the transaction.
        lock_free: Ends one that locks those of its rows that nobody else keeps locked, and leaves out the others; empty
            where rows are not locked one by one.
        max_statement: Longest statement to build, in characters.
        on_reading: Ends an INSERT of rows into ``reading`` so that it raises the numbers of those that are there.
    """

    begin: str
    begin_read: str
    lock: str
    lock_free: str = ""
    max_statement: int
    on_reading: str

    @abstractmethod
    def statement(self, sql: str) -> str:
        """Turn ``?`` into the driver's placeholder."""

    @abstractmethod
    def now(self) -> str:
        """An SQL expression for the database's time, in milliseconds UTC."""

    @abstractmethod
    def upsert(self, table: str, key: Sequence[str], raised: Sequence[str] = (), replaced: Sequence[str] = ()) -> str:
        """A statement that inserts a row or, where its key is there already, changes it.

        Args:
            table: Where.
            key: The columns of the primary key; no other unique key may be hit.
            raised: Columns that keep the greater of the old and the new value.
            replaced: Columns that take the new value. Values are given for key, raised, replaced, in this order.
        """

    @abstractmethod
    def classify(self, error: BaseException) -> Fault:
        """What an error means."""

    def waited(self, error: BaseException) -> bool:
        """Whether a statement gave up waiting for rows that others keep locked, and the transaction may go on."""
        return False

    def statements(
        self, heads: Sequence[Head], rows: Sequence[EventRow], effects: Effects, max_statement: int
    ) -> Iterator[str]:
        """The statements that write what :meth:`store` is given, made of integers and ``x'..'`` literals alone."""
        yield from bulk.statements(heads, rows, max_statement)
        yield from effects.statements(self.on_reading, max_statement)

    def store(
        self, tx: Transaction, heads: Sequence[Head], rows: Sequence[EventRow], effects: Effects, last: bool
    ) -> None:
        """Insert events, write the numbers of their heads, which the transaction has locked, and what else they change.

        Args:
            tx: The transaction.
            heads: Their ``member_version`` is left alone.
            rows: At least one.
            effects: What they change.
            last: Nothing follows in the transaction, so it may be committed with these statements.
        """
        for statement in self.statements(heads, rows, effects, self.max_statement):
            tx.run(statement)
