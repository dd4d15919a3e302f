"""What tests of the stores on MariaDB share: databases of one's own, and statements that are held to MySQL 8's grammar."""

import functools
import itertools
import re

import pymysql
import sqlglot
from sqlglot import exp
from twisted.internet import reactor

from imchat.store.migrating import migrate
from imchat.store.mysql import MysqlSettings, open_database
from imchat.store.sql import bulk
from imchat.store.sql.mysql_dialect import MysqlDialect
from imchat.store.sql.runner import DEFAULT_SETTINGS
from tests.services import mariadb

TABLES = ("account", "session", "invitation", "head", "event", "conversation", "direct", "member", "period")

_names = itertools.count()


def settings_of(server, **changes) -> MysqlSettings:
    given = {"port": server.port, "user": server.user, "password": server.password, "database": server.database}
    return MysqlSettings(**{**given, **changes})


def administrator(server):
    """A connection to the server that is in no database, with autocommit; for root where the test asks for it."""
    return pymysql.connect(
        host="127.0.0.1", port=server.port, user=server.user, password=server.password, autocommit=True
    )


def administer(server, *statements):
    """Run statements; return the rows of the last one."""
    connection = administrator(server)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


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
    connection = pymysql.connect(
        host="127.0.0.1",
        port=settings.port,
        user=settings.user,
        password=settings.password,
        database=settings.database,
        client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(";".join(f"DELETE FROM {table}" for table in TABLES))
            while cursor.nextset():
                pass
        connection.commit()
    finally:
        connection.close()


@functools.cache
def _fits(shape: str) -> None:
    parsed = sqlglot.parse_one(shape, read="mysql", error_level=sqlglot.ErrorLevel.RAISE)
    # What the parser does not know it keeps as it stands.
    if isinstance(parsed, exp.Command) or list(parsed.find_all(exp.Command)):
        raise AssertionError(f"MySQL 8 does not know this: {shape}")


def fits_mysql_8(statement: str) -> None:
    """Fail unless a statement is in the grammar of MySQL 8; those that differ by values alone are looked at once."""
    _fits(re.sub(r"\s+", " ", re.sub(r"(\), ?\([^()]*)+(?=\)$)", "", re.sub(r"x'[0-9a-f]*'|\b\d+\b", "1", statement))))


class ClockedDialect(MysqlDialect):
    """Events get the test's time, and every statement is held to MySQL 8's grammar."""

    def __init__(self, now_ms) -> None:
        self._now_ms = now_ms

    def now(self):
        return f"{self._now_ms():d}"

    def statement(self, sql):
        fits_mysql_8(sql)
        return super().statement(sql)

    def store(self, tx, heads, rows, last):
        for statement in bulk.statements(heads, rows, tx.max_statement):
            fits_mysql_8(statement)
        super().store(tx, heads, rows, last)


def opened(test, settings, patience=DEFAULT_SETTINGS, dialect=None, lifetime_ms=10**9):
    """Stores that are closed at the end of the test."""
    stores = open_database(settings, reactor, lifetime_ms, patience, dialect or MysqlDialect())
    test.addCleanup(stores.close)
    return stores
