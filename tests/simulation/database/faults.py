"""The errors of a MariaDB, made as PyMySQL makes them, and the faults that a plan may inject."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from pymysql.err import DataError, IntegrityError, MySQLError, OperationalError, ProgrammingError

POINTS = ("connect", "begin", "locked", "before_commit", "after_commit")
"""Where a plan is asked, in the order of a transaction. Commits of transactions that wrote nothing are left out."""

_TEXTS: dict[int, str] = {
    1040: "Too many connections",
    1053: "Server shutdown in progress",
    1062: "Duplicate entry for key",
    1114: "The table is full",
    1205: "Lock wait timeout exceeded; try restarting transaction",
    1213: "Deadlock found when trying to get lock; try restarting transaction",
    1290: "The server is running with the --read-only option",
    1792: "Cannot execute statement in a READ ONLY transaction",
    2003: "Can't connect to MySQL server",
    2006: "MySQL server has gone away",
    2013: "Lost connection to MySQL server during query",
}

ENDS_CONNECTION = frozenset((1053, 2003, 2006, 2013))
"""Errors after which the session is gone, and what it did not commit with it."""


def error(number: int) -> MySQLError:
    """The driver's exception for one of the server's, or the driver's own, numbers."""
    kind = IntegrityError if number == 1062 else OperationalError
    return kind(number, _TEXTS[number])


def lost() -> MySQLError:
    """The connection was lost while its answer was awaited."""
    return error(2013)


def converted(problem: Exception) -> Exception:
    """What MariaDB would have said where SQLite raised ``problem``; that itself where nothing fits."""
    if isinstance(problem, OverflowError):
        return DataError(1264, f"Out of range value: {problem}")
    text = str(problem)
    if isinstance(problem, sqlite3.IntegrityError):
        code = problem.sqlite_errorcode
        unique = code in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
        return IntegrityError(1062 if unique else 1048, text)
    if text.startswith("no such table"):
        return ProgrammingError(1146, text)
    if text.startswith("no such column"):
        return OperationalError(1054, text)
    return problem


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault for one point of one transaction.

    Attributes:
        name: How it is counted.
        number: The server's error; None where there is only a delay.
        delay: Seconds that the server takes before it goes on (or fails).
    """

    name: str
    number: int | None = None
    delay: float = 0.0


LOST = Injected("lost connection", 2013)
GONE_AWAY = Injected("gone away", 2006)
SHUTDOWN = Injected("shutdown", 1053)
DEADLOCK = Injected("deadlock", 1213)
LOCK_TIMEOUT = Injected("lock wait time-out", 1205)
DUPLICATE = Injected("duplicate", 1062)
FULL = Injected("full", 1114)
READ_ONLY = Injected("read-only", 1290)
REFUSED = Injected("refused", 2003)
TOO_MANY = Injected("too many connections", 1040)

Plan = Callable[[str, str, str], Injected | None]
"""Asked with a point, the name of the process and what the transaction does (the runner's name for it)."""


def delayed(seconds: float) -> Injected:
    """The server goes on after so many seconds."""
    return Injected("delay", delay=seconds)


def nothing_planned(point: str, process: str, kind: str) -> Injected | None:
    """The plan of a server that has no faults."""
    return None
