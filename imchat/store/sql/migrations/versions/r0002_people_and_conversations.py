"""Profiles, contacts and requests, changes of messages, reactions, and what each user decides about conversations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _bytes(length: int) -> sa.types.TypeEngine[Any]:
    """A key or short value, compared as binary."""
    return sa.LargeBinary(length).with_variant(mysql.VARBINARY(length), "mysql", "mariadb")


def _text(length: int) -> sa.types.TypeEngine[Any]:
    whole = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(whole, "mysql", "mariadb")


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _zero(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def _empty(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default="")


def _resumes() -> bool:
    """Whether an earlier run may have left some of this: where each change is committed by itself."""
    return op.get_bind().dialect.name != "sqlite"


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
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


def _add(table: str, *columns: sa.Column[Any]) -> None:
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in known:
            op.add_column(table, column)


def _index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns)


def upgrade() -> None:
    """Add to the tables of the first release, and create new ones.

    Programs of the first release must not go on: they would let people write to those who block them.
    """
    _people()
    _messages()
    _own_states()
    history = sa.table("schema_revision", sa.column("revision", _bytes(32)), sa.column("serves_from", _bytes(32)))
    op.bulk_insert(history, [{"revision": b"0002", "serves_from": b"0002"}])


def _people() -> None:
    _add(
        "account",
        _empty("nickname", _text(255)),
        _empty("nickname_key", _bytes(600)),
        _empty("signature", _text(400)),
        _zero("gender"),
        _empty("region", _text(255)),
        _empty("avatar", _text(255)),
        _zero("hidden_from_search"),
        _zero("presence_hidden"),
        _zero("receipts_off"),
        _zero("last_seen_ms"),
        _zero("deleted_ms"),
    )
    _index("account_nickname", "account", ["nickname_key"])
    _add("session", _empty("address", _text(255)))
    # One row for each direction: what user_id has noted about peer_id.
    _table(
        "contact",
        _number("user_id"),
        _number("peer_id"),
        _number("is_contact"),
        _number("blocked"),
        _column("remark", _text(255)),
        _column("labels", _text(2000)),
        _number("starred"),
        _number("since_ms"),
        sa.PrimaryKeyConstraint("user_id", "peer_id"),
    )
    _table(
        "contact_request",
        _number("to_id"),
        _number("from_id"),
        _column("greeting", _text(400)),
        _column("remark", _text(255)),
        _column("state", sa.Integer()),
        _number("created_ms"),
        _number("changed_ms"),
        sa.PrimaryKeyConstraint("to_id", "from_id"),
    )
    _index("contact_request_to", "contact_request", ["to_id", "changed_ms"])
    _index("contact_request_from", "contact_request", ["from_id", "changed_ms"])


def _messages() -> None:
    _add("event", _zero("target_seq"), _zero("changed_seq"), _zero("state"))
    _table(
        "reaction",
        _number("stream_id"),
        _number("seq"),
        _column("emoji", _bytes(64)),
        _number("user_id"),
        sa.PrimaryKeyConstraint("stream_id", "seq", "emoji", "user_id"),
    )


def _own_states() -> None:
    # A row may be absent: then all of it is 0.
    _table(
        "reading",
        _number("conversation_id"),
        _number("user_id"),
        _zero("read_seq"),
        _zero("read_ordinal"),
        _zero("delivered_seq"),
        _zero("mention_seq"),
        _zero("pinned_ms"),
        _zero("muted"),
        _zero("hidden_seq"),
        _zero("cleared_seq"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id"),
    )
    _table(
        "deletion",
        _number("user_id"),
        _number("conversation_id"),
        _number("seq"),
        sa.PrimaryKeyConstraint("user_id", "conversation_id", "seq"),
    )
    # Up to where the content of one kind of messages is gone because it was kept long enough.
    _table(
        "expired",
        _number("stream_id"),
        _column("kind", sa.Integer()),
        _number("through_seq"),
        sa.PrimaryKeyConstraint("stream_id", "kind"),
    )
    _table(
        "job",
        _column("name", _bytes(64)),
        _number("due_ms"),
        sa.PrimaryKeyConstraint("name"),
    )
