"""The database of a cluster: MySQL or MariaDB, with pools of connections to read, to write and to append messages.

All tests run on MariaDB. That the statements fit MySQL 8.0.19 and newer is checked by a parser alone: it was not run.
"""

from __future__ import annotations

from typing import Any

from imchat.store.sql.database import Database
from imchat.store.sql.mysql_checks import check_server, opened
from imchat.store.sql.mysql_connection import Use
from imchat.store.sql.mysql_dialect import MysqlDialect
from imchat.store.sql.mysql_pool import Doubts, MysqlPool
from imchat.store.sql.mysql_settings import MysqlSettings
from imchat.store.sql.outage import Outage
from imchat.store.sql.runner import DEFAULT_SETTINGS, Runner, RunnerSettings
from imchat.store.sql.schema import DatabaseUnusable, Migrated, require, upgrade

__all__ = ["MysqlSettings", "check", "migrate", "open_database"]

CHECK_TIMEOUT_MS = 5_000
MIGRATION_TIMEOUT_MS = 24 * 3_600_000
"""Large tables are rebuilt for hours."""

SLACK_MS = 1_000
"""So much longer than callers a connection waits for the server: callers give up first, and tear it off."""

MIGRATION_LOCK_SECONDS = 60
"""How long one migration waits for another to end."""

TABLE_LOCK_SECONDS = 20
"""How long a migration waits for a table that is in use; whoever wants the table meanwhile waits behind it."""

_DIALECT = MysqlDialect()


def check(settings: MysqlSettings) -> tuple[str, ...]:
    """Check before a server starts that it can use a database and that the database keeps what it promises.

    Synchronous; takes some seconds where the database does not answer.

    Returns:
        Lines to warn the operator with; none where all is well.

    Raises:
        SchemaTooOld: ``imchat migrate`` has to run first.
        SchemaTooNew: a newer program's migrations exclude this one.
        DatabaseUnusable: it cannot be reached or entered, is too old, or is not set to be durable.
    """
    with opened(settings, Use("check", writes=False, together=False, timeout_ms=CHECK_TIMEOUT_MS)) as connection:
        warnings = check_server(settings, connection)
        require(connection)
        return warnings


def migrate(settings: MysqlSettings) -> Migrated:
    """Bring the schema of a database, which exists, up to date. Synchronous.

    Of several at once one does the work; the others wait for it and find nothing left to do. MySQL commits each change
    of a table by itself: what is interrupted is taken up again by the next call.

    Raises:
        SchemaTooNew: a newer program's migrations exclude this one.
        DatabaseUnusable: it cannot be reached, entered or changed, is one that servers would refuse, or another
            migration does not end.
    """
    with opened(settings, Use("migrate", writes=True, together=False, timeout_ms=MIGRATION_TIMEOUT_MS)) as connection:
        # The operator learns it here, and not from the first server, with tables made on a database that is no good.
        check_server(settings, connection)
        connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {TABLE_LOCK_SECONDS}")
        # Held by the session, through all commits, until it is closed.
        name = f"imchat migrate {settings.database}"[:64]
        asked = connection.exec_driver_sql("SELECT GET_LOCK(%s, %s)", (name, MIGRATION_LOCK_SECONDS))
        if asked.scalar() != 1:
            raise DatabaseUnusable(f"another migration of {settings.database} at {settings.server} does not end")
        return upgrade(connection)


def open_database(
    settings: MysqlSettings,
    reactor: Any,
    session_lifetime_ms: int,
    runner_settings: RunnerSettings = DEFAULT_SETTINGS,
    dialect: MysqlDialect = _DIALECT,
) -> Database:
    """Open a database that :func:`check` has passed. Connections are made when they are needed.

    Args:
        settings: Where it is, and how many connections to keep.
        reactor: Runs the threads (``IReactorThreads``, ``IReactorCore``) and the time-outs (``IReactorTime``).
        session_lifetime_ms: A session that was not used for longer counts as ended.
        runner_settings: How patient to be with the database.
        dialect: Events get the database's time from it.
    """
    doubts = Doubts()
    outage = Outage(f"the database {settings.database} at {settings.server}", reactor)

    def runner(name: str, size: int, writes: bool, together: bool = False) -> Runner:
        use = Use(name, writes, together, runner_settings.timeout_ms + SLACK_MS)
        pool = MysqlPool(reactor, settings, use, size, doubts)
        return Runner(outage.name, pool, dialect, reactor, writes=writes, settings=runner_settings, outage=outage)

    return Database(
        writer=runner("write", settings.writers, writes=True),
        reader=runner("read", settings.readers, writes=False),
        session_lifetime_ms=session_lifetime_ms,
        flusher=runner("flush", settings.flushers, writes=True, together=True),
    )
