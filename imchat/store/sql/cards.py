"""The public side of accounts, read with whatever else."""

from __future__ import annotations

from imchat.domain.models import UserCard
from imchat.store.sql.transaction import Row

CARD_COLUMNS = "a.user_id, a.name, a.nickname, a.signature, a.gender, a.region, a.avatar, a.deleted_ms"
"""Of ``account a``."""

CARD_WIDTH = 8


def card_of(row: Row) -> UserCard:
    """The card of a row of :data:`CARD_COLUMNS`."""
    user_id, name, nickname, signature, gender, region, avatar, deleted_ms = row
    return UserCard(user_id, name, nickname, signature, gender, region, avatar, bool(deleted_ms))
