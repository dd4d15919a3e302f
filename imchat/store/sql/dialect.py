"""What differs between databases, and what their errors mean to us."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

from imchat.domain.models import Head
from imchat.store.sql import bulk

if TYPE_CHECKING:
    from imchat.store.sql.bulk import EventRow
    from imchat.store.sql.transaction import Transaction


class Fault(Enum):
    """What an error of the driver means. The value is how the log calls it."""

    NONE = "is no fault of the database"
    DUPLICATE = "has the key already"
    BUSY = "is busy"
    CONTENDED = "keeps rows locked"
    LOST = "lost the connection"
    FULL = "has no space left on its disk"
    READ_ONLY = "is read-only"
    BROKEN = "fails"

    @property
    def retried(self) -> bool:
        """Whether the same transaction may succeed a moment later."""
        return self in (Fault.BUSY, Fault.CONTENDED, Fault.LOST)


class Dialect(ABC):
    """One kind of database.

    Attributes:
        begin: Statement that begins a transaction that may write.
        begin_read: Statement that begins one that only reads.
        lock: Ends a SELECT whose rows are to be locked until the end of the transaction.
        max_statement: Longest statement to build, in characters.
    """

    begin: str
    begin_read: str
    lock: str
    max_statement: int

    @abstractmethod
    def statement(self, sql: str) -> str:
        """Turn ``?`` into the driver's placeholder."""

    @abstractmethod
    def now(self) -> str:
        """An SQL expression for the database's time, in milliseconds UTC."""

    @abstractmethod
    def classify(self, error: BaseException) -> Fault:
        """What an error means."""

    def insert_events(self, tx: Transaction, rows: Sequence[EventRow]) -> None:
        """Insert events, in as few statements as the database likes best."""
        bulk.insert_events(tx, rows, self.max_statement)

    def update_heads(self, tx: Transaction, heads: Sequence[Head]) -> None:
        """Write the numbers of heads that the transaction has locked; ``member_version`` is left alone."""
        bulk.update_heads(tx, heads)
