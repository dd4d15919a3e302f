"""The schema's migrations, run synchronously by the assembler before the reactor runs.

Each migration leaves a row in ``schema_revision`` that says from which program on (by the newest revision that a
program knows) the schema serves, so that the nodes of a cluster can be upgraded one by one.

How a change is meant to go on, say a column that takes another's place:

1. Release n *expands*: its migration adds the new column, nullable or with a default, and says ``serves_from`` the
   revision before it. The operator runs ``imchat migrate`` while programs of release n - 1 still run: they do not name
   the new column and go on. Then the nodes are upgraded one by one; release n writes both columns and reads the old
   one where the new one is empty. A later step of the same release, or a command of its own, fills old rows in batches.
2. Release n + 1 *contracts*: its migration drops the old column and says ``serves_from`` the revision of release n. A
   program of release n - 1 that is started now is refused with :class:`SchemaTooNew`; those of release n go on, if
   they neither read nor write the old column any more, which is why contracting takes a release of its own where
   they still do.

A program is refused with :class:`SchemaTooOld` where its own migrations have not run: migrate first, upgrade then.
Migrations only ever go forward. On MySQL and MariaDB each change of a table commits by itself, so a migration must
find its own half-done work and go on from there; on SQLite the whole of it is one transaction.

The errors::

    SchemaError
     +-- SchemaTooNew     this program must not use the database: upgrade the program
     +-- SchemaTooOld     the database lacks migrations that this program needs
     +-- DatabaseUnusable it cannot be opened, read or written, or is no database of imchat
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """The database cannot be used; the message is one line for the operator."""


class SchemaTooNew(SchemaError):
    """The database was migrated by a newer program that excludes this one.

    Args:
        database: The database's revision.
        program: The newest revision that this program knows.
    """

    def __init__(self, database: str, program: str) -> None:
        super().__init__(
            f"the database has schema revision {database}, which this program (up to revision {program}) "
            "must not use: upgrade imchat"
        )


class SchemaTooOld(SchemaError):
    """The database lacks migrations.

    Args:
        database: The database's revision, None where it is empty.
        program: The revision that this program needs.
    """

    def __init__(self, database: str | None, program: str) -> None:
        super().__init__(
            f"the database has {f'schema revision {database}' if database else 'no schema'}, but this program "
            f"needs revision {program}: run imchat migrate"
        )


class DatabaseUnusable(SchemaError):
    """The database cannot be opened, read or written."""


def _scripts() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def known_revision() -> str:
    """The newest revision that this program knows."""
    head = _scripts()[1].get_current_head()
    assert head is not None, "the package has its migrations"  # noqa: S101
    return head


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _served(connection: Connection, database: str, program: str) -> bool:
    """Whether a schema that has a revision unknown to this program says that it serves it still."""
    if not inspect(connection).has_table("schema_revision"):
        return False
    query = text("SELECT serves_from FROM schema_revision WHERE revision = :revision")
    serves_from = connection.execute(query, {"revision": database.encode()}).scalar()
    return serves_from is not None and bytes(serves_from).decode() <= program


def check(connection: Connection) -> bool:
    """Check that this program may use a database.

    Returns:
        Whether it has all the migrations that this program knows.

    Raises:
        SchemaTooNew: it has a revision that excludes this program or does not speak of it.
    """
    _, scripts = _scripts()
    program, database = known_revision(), _revision(connection)
    if database is None:
        return False
    if database in {script.revision for script in scripts.walk_revisions()}:
        return database == program
    if not _served(connection, database, program):
        raise SchemaTooNew(database, program)
    return True


def require(connection: Connection) -> None:
    """Check that this program may use a database as it is.

    Raises:
        SchemaTooNew: as in :func:`check`.
        SchemaTooOld: migrations of this program have not run.
    """
    if not check(connection):
        raise SchemaTooOld(_revision(connection), known_revision())


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migration did: the database's revision before (None where it was empty) and after it."""

    before: str | None
    after: str | None


def upgrade(connection: Connection) -> Migrated:
    """Bring a database to the newest revision that this program knows, in one transaction where the database can.

    Raises:
        SchemaTooNew: as in :func:`check`.
    """
    before = _revision(connection)
    if not check(connection):
        config, _ = _scripts()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return Migrated(before, _revision(connection))


def sqlite_transaction(sqlite: sqlite3.Connection) -> Connection:
    """SQLAlchemy's view of an open SQLite connection in autocommit mode, whose transactions hold schema changes too."""
    engine = create_engine("sqlite://", creator=lambda: sqlite, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine.connect()


def upgrade_sqlite(sqlite: sqlite3.Connection) -> Migrated:
    """Upgrade an open SQLite database; its connection stays open.

    Args:
        sqlite: In autocommit mode (``isolation_level=None``).

    Raises:
        SchemaTooNew: as in :func:`check`.
        DatabaseUnusable: SQLite refused.
    """
    try:
        with sqlite_transaction(sqlite) as connection, connection.begin():
            return upgrade(connection)
    except DBAPIError as error:
        raise DatabaseUnusable(str(error.orig)) from error
