"""Accounts, sessions, invitations, streams and direct conversations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _bytes(length: int) -> sa.types.TypeEngine[Any]:
    """A key or short value, compared as binary."""
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def _content() -> sa.types.TypeEngine[Any]:
    return sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")


def _text(length: int) -> sa.types.TypeEngine[Any]:
    whole = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(whole, "mysql", "mariadb")


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _resumes() -> bool:
    """Whether an earlier run may have left some of these tables: where each of them is committed by itself."""
    return op.get_bind().dialect.name != "sqlite"


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    # Rows are clustered by their primary key on each database: SQLite does that for tables without rowid only.
    op.create_table(
        name,
        *parts,
        if_not_exists=_resumes(),
        sqlite_with_rowid=False,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
    )


def upgrade() -> None:
    """Create the tables of the first release. There are no foreign keys: none may ever lock a head."""
    _people()
    _streams()
    _conversations()
    history = _table_of_revisions()
    op.bulk_insert(history, [{"revision": b"0001", "serves_from": b"0001"}])


def _table_of_revisions() -> sa.TableClause:
    _table(
        "schema_revision", _column("revision", _bytes(32)), _column("serves_from", _bytes(32)),
        sa.PrimaryKeyConstraint("revision"),
    )  # fmt: skip
    return sa.table("schema_revision", sa.column("revision", _bytes(32)), sa.column("serves_from", _bytes(32)))


def _people() -> None:
    _table(
        "account",
        _number("user_id"),
        _column("name", _text(255)),
        _column("name_key", _bytes(600)),
        _column("email", _text(400)),
        _column("email_key", _bytes(1200)),
        _column("password_hash", _text(255)),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("name_key", name="account_name"),
        sa.UniqueConstraint("email_key", name="account_email"),
    )
    _table(
        "session",
        _number("user_id"),
        _column("device_id", _bytes(64)),
        _column("token_hash", _bytes(32)),
        _number("generation"),
        _column("device_name", _text(255)),
        _column("platform", _text(255)),
        _number("created_ms"),
        _number("last_used_ms"),
        sa.PrimaryKeyConstraint("user_id", "device_id"),
        sa.UniqueConstraint("token_hash", name="session_token"),
    )
    _table(
        "invitation",
        _column("code", _bytes(64)),
        _number("uses_left"),
        _number("expires_ms"),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("code"),
    )


def _streams() -> None:
    _table(
        "head",
        _number("stream_id"),
        _number("last_seq"),
        _number("last_message_seq"),
        _number("counted"),
        _number("member_version"),
        _number("last_ms"),
        sa.PrimaryKeyConstraint("stream_id"),
    )
    _table(
        "event",
        _number("stream_id"),
        _number("seq"),
        _number("sender_id"),
        _column("client_id", _bytes(16)),
        _column("kind", sa.Integer()),
        _column("content", _content()),
        _column("digest", _bytes(32)),
        _number("ordinal"),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("stream_id", "seq"),
        sa.UniqueConstraint("stream_id", "sender_id", "client_id", name="event_once"),
    )


def _conversations() -> None:
    _table(
        "conversation",
        _number("conversation_id"),
        _column("kind", sa.Integer()),
        _number("created_ms"),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    _table(
        "direct",
        _number("low_id"),
        _number("high_id"),
        _number("conversation_id"),
        sa.PrimaryKeyConstraint("low_id", "high_id"),
        sa.UniqueConstraint("conversation_id", name="direct_conversation"),
    )
    _table(
        "member",
        _number("conversation_id"),
        _number("user_id"),
        _column("role", sa.Integer()),
        sa.PrimaryKeyConstraint("conversation_id", "user_id"),
    )
    if "member_user" not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("member")}:
        op.create_index("member_user", "member", ["user_id", "conversation_id"])
    _table(
        "period",
        _number("conversation_id"),
        _number("user_id"),
        _number("from_seq"),
        sa.Column("to_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", "from_seq"),
    )
