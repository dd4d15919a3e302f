"""What is found out about a MySQL or MariaDB before a server starts, each fault as one line for the operator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager

from pymysql.constants import CR, ER
from pymysql.err import MySQLError
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from imchat.store.sql.mysql_connection import MysqlConnection, Use
from imchat.store.sql.mysql_settings import MysqlSettings
from imchat.store.sql.schema import DatabaseUnusable

SMALLEST_PACKET = 4_194_304
"""Bytes: a frame of 1 MiB is twice as long in hexadecimal, and no statement takes more than half of a packet."""

# MySQL knows MEMBER as a reserved word in the releases before.
_OLDEST = {"MariaDB": (10, 6, 0), "MySQL": (8, 0, 19)}
_ACCESS_REFUSED = (ER.ACCESS_DENIED_ERROR, ER.HOST_NOT_PRIVILEGED, ER.HOST_IS_BLOCKED, 1698)

_VARIABLES = (
    "SELECT @@version, @@GLOBAL.innodb_flush_log_at_trx_commit, @@GLOBAL.sync_binlog, @@GLOBAL.log_bin, "
    "@@GLOBAL.max_allowed_packet"
)


def explain(settings: MysqlSettings, error: MySQLError) -> str:
    """One line for an operator: what the database refuses, and what to change. Never the password."""
    number, text = error.args[0], str(error.args[-1]).replace("\n", " ")
    server, database, user = settings.server, settings.database, settings.user
    if number in (CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST):
        return f"cannot reach a database server at {server} ({text}): start it, or change host and port"
    if number in (CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR):
        return f"what listens at {server} does not answer as a database server ({text}): see to it, or change the port"
    if number in _ACCESS_REFUSED:
        return f"the database server at {server} refuses the user {user} ({text}): change user or password"
    if number == ER.BAD_DB_ERROR:
        return f"there is no database {database} at {server}: create it, or change its name"
    if number in (ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.SPECIFIC_ACCESS_DENIED_ERROR):
        return f"the user {user} lacks rights to the database {database} at {server} ({text}): grant all on it"
    return f"the database {database} at {server} cannot be used: {text}"


@contextmanager
def opened(settings: MysqlSettings, use: Use) -> Iterator[Connection]:
    """A connection of SQLAlchemy's, in a transaction that is committed at the end.

    Raises:
        DatabaseUnusable: no connection, or an error of the database; one line says what to change.
    """
    try:
        with closing(MysqlConnection(settings, use)) as raw:
            raw.establish()
            engine = create_engine("mysql+pymysql://", creator=lambda: raw, poolclass=StaticPool)
            with engine.begin() as connection:
                yield connection
    except MySQLError as error:
        raise DatabaseUnusable(explain(settings, error)) from error
    except DBAPIError as error:
        if not isinstance(error.orig, MySQLError):
            raise
        raise DatabaseUnusable(explain(settings, error.orig)) from error


def _too_old(version: str) -> str | None:
    kind = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version.removeprefix("5.5.5-"))
    if found is not None and tuple(map(int, found.groups())) >= _OLDEST[kind]:
        return None
    wanted = " or ".join(f"{name} {'.'.join(map(str, oldest))}" for name, oldest in _OLDEST.items())
    return f"is {kind} {version}: use {wanted} or newer"


def _weaknesses(flush_log: int, sync_binlog: int, log_bin: int) -> Iterator[str]:
    if flush_log != 1:
        yield f"innodb_flush_log_at_trx_commit is {flush_log}"
    if log_bin and sync_binlog != 1:
        yield f"sync_binlog is {sync_binlog}"


def check_server(settings: MysqlSettings, connection: Connection) -> tuple[str, ...]:
    """Check that a server keeps what it has committed and takes our statements.

    Returns:
        Lines to warn the operator with.

    Raises:
        DatabaseUnusable: it does not.
    """
    row = connection.exec_driver_sql(_VARIABLES).one()
    where = f"the database server at {settings.server}"
    if (complaint := _too_old(row[0])) is not None:
        raise DatabaseUnusable(f"{where} {complaint}")
    if row[4] < SMALLEST_PACKET:
        raise DatabaseUnusable(f"{where}: max_allowed_packet is {row[4]}: set it to {SMALLEST_PACKET} or more")
    weak = " and ".join(_weaknesses(*row[1:4]))
    if not weak:
        return ()
    if not settings.allow_not_durable:
        raise DatabaseUnusable(
            f"{where} may lose acknowledged messages when its machine fails, for {weak}: set it to 1, "
            "or set allow_not_durable"
        )
    return (f"{where} may lose acknowledged messages when its machine fails, for {weak}",)
