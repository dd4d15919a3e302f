"""One function to migrate whichever database a program uses."""

from __future__ import annotations

from pathlib import Path

from imchat.store import mysql, sqlite
from imchat.store.mysql import MysqlSettings
from imchat.store.sql.schema import Migrated


def migrate(database: Path | MysqlSettings) -> Migrated:
    """Bring a database's schema up to date; safe to call again and at the same time as others. Synchronous.

    Args:
        database: The file of the embedded server (made where there is none), or where a MySQL or MariaDB is.

    Returns:
        The revisions before and after.

    Raises:
        SchemaTooNew: a newer program's migrations exclude this one.
        DatabaseUnusable: one line says why.
    """
    return sqlite.migrate(database) if isinstance(database, Path) else mysql.migrate(database)
