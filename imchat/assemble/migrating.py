"""The command that brings a cluster's database up to date."""

from __future__ import annotations

from imchat.assemble import settings as mapped
from imchat.config import Config
from imchat.startup import StartupError
from imchat.store.migrating import migrate
from imchat.store.sql.schema import SchemaError


class CannotMigrate(Exception):
    """The database was not migrated; the message is one line for the operator."""


def migrate_cluster(config: Config) -> str:
    """Bring the schema of the cluster's database up to date. Synchronous; takes hours where large tables change.

    Returns:
        One line that says what was done.

    Raises:
        CannotMigrate: it was not, or not wholly; the same call goes on where it ended.
    """
    try:
        settings = mapped.mysql_settings(config.database)
        done = migrate(settings)
    except (StartupError, SchemaError) as error:
        raise CannotMigrate(str(error)) from error
    where = f"the database {settings.database} at {settings.server}"
    if done.before == done.after:
        return f"{where} has schema revision {done.after} already"
    return f"{where} has schema revision {done.after} now (before: {done.before or 'none'})"
