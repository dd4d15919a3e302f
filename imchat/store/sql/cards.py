"""The public side of accounts, as rows."""

from __future__ import annotations

from imchat.domain.models import UserCard
from imchat.store.sql.transaction import Row

CARD_COLUMNS = "a.user_id, a.name, a.nickname, a.signature, a.gender, a.region, a.avatar, a.deleted_ms"
"""Of ``account a``."""

CARD_WIDTH = 8


def card_of(row: Row) -> UserCard:
    """The card of a row that begins with :data:`CARD_COLUMNS`."""
    user_id, name, nickname, signature, gender, region, avatar, deleted_ms = row[:CARD_WIDTH]
    return UserCard(user_id, name, nickname, signature, gender, region, avatar, deleted_ms > 0)
