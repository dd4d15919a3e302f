"""What tests of the stores on MariaDB share: databases of one's own, and statements held to MySQL 8's grammar."""

import functools
import itertools
import re

import pymysql
import sqlglot
from sqlglot import exp
from twisted.internet import reactor

from imchat.store.migrating import migrate
from imchat.store.mysql import MysqlSettings, open_database
from imchat.store.sql.mysql_dialect import MysqlDialect
from imchat.store.sql.runner import DEFAULT_SETTINGS
from tests.services import mariadb

TABLES = (
    *("account", "session", "invitation", "head", "event", "conversation", "direct", "member", "period"),
    *("contact", "contact_request", "reaction", "reading", "deletion", "expired", "job"),
)

_names = itertools.count()


def settings_of(server, **changes) -> MysqlSettings:
    given = {"port": server.port, "user": server.user, "password": server.password, "database": server.database}
    return MysqlSettings(**{**given, **changes})


def administrator(server, database=None):
    """A connection of root's with autocommit."""
    return pymysql.connect(host="127.0.0.1", port=server.port, user="root", database=database, autocommit=True)


def administer(server, *statements, database=None):
    """Run statements as root; return the rows of the last one."""
    connection = administrator(server, database)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


def set_global(test, server, variable, value):
    """Set a variable of the server until the end of the test."""
    ((before,),) = administer(server, f"SELECT @@GLOBAL.{variable}")
    before = f"'{before}'" if isinstance(before, str) else before
    test.addCleanup(administer, server, f"SET GLOBAL {variable} = {before}")
    administer(server, f"SET GLOBAL {variable} = {value}")


def kill_connections(server, settings):
    """End all connections to a database; return how many there were."""
    query = f"SELECT id FROM information_schema.processlist WHERE db = '{settings.database}'"
    ids = [row[0] for row in administer(server, query)]
    administer(server, *(f"KILL {number}" for number in ids), "SELECT 1")
    return len(ids)


def new_database(server, migrated=True, **changes) -> MysqlSettings:
    """A database of its own."""
    name = f"test_{next(_names)}"
    administer(server, f"CREATE DATABASE {name}")
    settings = settings_of(server, database=name, **changes)
    if migrated:
        migrate(settings)
    return settings


@functools.cache
def shared_database() -> MysqlSettings:
    """One database of this test process for all tests that empty it first."""
    return new_database(mariadb())


def empty(settings: MysqlSettings) -> None:
    """Delete all rows."""
    statements = ["BEGIN", *(f"DELETE FROM {table}" for table in TABLES), "COMMIT"]
    administer(settings, *statements, database=settings.database)


# What the parser takes from other databases' grammars, and names of functions that it does not know.
_FOREIGN = (exp.Command, exp.Returning, exp.Fetch)
_FUNCTIONS = {"UNIX_TIMESTAMP", "NOW", "GET_LOCK", "VALUES"}


@functools.cache
def _fits(shape: str) -> None:
    parsed = sqlglot.parse_one(shape, read="mysql", error_level=sqlglot.ErrorLevel.RAISE)
    foreign = [
        node
        for node in parsed.walk()
        if isinstance(node, _FOREIGN)
        or (isinstance(node, exp.Anonymous) and node.name.upper() not in _FUNCTIONS)
        or (isinstance(node, exp.Lock) and isinstance(node.args.get("wait"), exp.Expression))
        or (isinstance(node, exp.OnConflict) and not node.args.get("duplicate"))
        or (isinstance(node, exp.Insert) and node.args.get("alternative"))
    ]
    if foreign:
        raise AssertionError(f"MySQL 8 does not know this: {foreign[0]!r} in {shape}")


def fits_mysql_8(statement: str) -> None:
    """Fail unless a statement is in the grammar of MySQL 8; those that differ by values alone are looked at once."""
    _fits(
        re.sub(
            r"\s+",
            " ",
            re.sub(r"(\), ?\([^()]*)+(?=\)(?:$| ON ))", "", re.sub(r"x'[0-9a-f]*'|\b\d+\b", "1", statement)),
        )
    )


class CheckedDialect(MysqlDialect):
    """Every statement is held to MySQL 8's grammar."""

    def statement(self, sql):
        fits_mysql_8(sql)
        return super().statement(sql)

    def store(self, tx, heads, rows, effects, last):
        for statement in self.statements(heads, rows, effects, tx.max_statement):
            fits_mysql_8(statement)
        super().store(tx, heads, rows, effects, last)


class ClockedDialect(CheckedDialect):
    """Events get the test's time."""

    def __init__(self, now_ms) -> None:
        self._now_ms = now_ms

    def now(self):
        return f"{self._now_ms():d}"


def opened(test, settings, patience=DEFAULT_SETTINGS, dialect=None, lifetime_ms=10**9):
    """Stores that are closed at the end of the test."""
    stores = open_database(settings, reactor, lifetime_ms, patience, dialect or CheckedDialect())
    test.addCleanup(stores.close)
    return stores
