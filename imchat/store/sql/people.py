"""Profiles in SQL, and the search for people."""

from __future__ import annotations

from dataclasses import replace

from imchat.domain.models import Event, UserCard
from imchat.domain.people import Profile, ProfileChange, Settings
from imchat.domain.profiles import SearchPlace, SearchQuery, changed, nickname_key
from imchat.ports import Announce, ProfileChanged
from imchat.store.sql.append import append, find, key, lock_heads
from imchat.store.sql.cards import CARD_COLUMNS, CARD_WIDTH, card_of
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import Row, Transaction

_PROFILE = f"""
    SELECT {CARD_COLUMNS}, a.email, a.hidden_from_search, a.presence_hidden, a.receipts_off
    FROM account a WHERE a.user_id = ? AND a.deleted_ms = 0
"""  # noqa: S608
_UPDATE = """
    UPDATE account
    SET nickname = ?, nickname_key = ?, signature = ?, gender = ?, region = ?, avatar = ?,
        hidden_from_search = ?, presence_hidden = ?, receipts_off = ?
    WHERE user_id = ?
"""

_FINDABLE = "a.hidden_from_search = 0 AND a.deleted_ms = 0"
_BY_ID = f"SELECT {CARD_COLUMNS} FROM account a WHERE a.user_id = ? AND {_FINDABLE}"  # noqa: S608
_BY_NAME = f"""
    SELECT {CARD_COLUMNS}, a.name_key FROM account a
    WHERE a.name_key >= ? AND a.name_key < ? AND a.name_key > ? AND {_FINDABLE} AND a.user_id <> ?
    ORDER BY a.name_key LIMIT ?
"""  # noqa: S608
_BY_NICKNAME = f"""
    SELECT {CARD_COLUMNS}, a.nickname_key FROM account a
    WHERE a.nickname_key >= ? AND a.nickname_key < ? AND (a.nickname_key > ? OR a.user_id > ?)
    AND (a.name_key < ? OR a.name_key >= ?) AND {_FINDABLE} AND a.user_id <> ?
    ORDER BY a.nickname_key, a.user_id LIMIT ?
"""  # noqa: S608

_START = SearchPlace(False, b"", 0)
_START_OF_NICKNAMES = SearchPlace(True, b"", 0)


def _profile(row: Row | None) -> Profile | None:
    if row is None:
        return None
    email, *flags = row[CARD_WIDTH:]
    return Profile(card_of(row), email, Settings(*map(bool, flags)))


def _change(tx: Transaction, user_id: int, change: ProfileChange, announce: Announce) -> ProfileChanged | None:
    lock_heads(tx, [user_id])
    before = _profile(tx.one(_PROFILE + tx.dialect.lock, (user_id,)))
    if before is None:
        return None
    after = changed(before, change)
    drafts = announce([(user_id, replace(after, email=""))])
    if after != before:
        _update(tx, after)
        return ProfileChanged(after, append(tx, drafts))
    # Nothing to do; or an earlier try did it, and its event is still to be told of.
    found = find(tx, map(key, drafts))
    events: list[Event] = [found[key(draft)].event for draft in drafts if key(draft) in found]
    return ProfileChanged(after, tuple(events))


def _update(tx: Transaction, profile: Profile) -> None:
    card, chosen = profile.card, profile.settings
    texts = (card.nickname, nickname_key(card.nickname).encode(), card.signature, card.gender, card.region, card.avatar)
    flags = (chosen.hidden_from_search, chosen.presence_hidden, chosen.receipts_off)
    tx.execute(_UPDATE, (*texts, *map(int, flags), card.id))


def _search(
    tx: Transaction, query: SearchQuery, place: SearchPlace | None, limit: int
) -> tuple[list[UserCard], SearchPlace | None]:
    found: list[tuple[UserCard, SearchPlace]] = []
    if place is None and query.user_id is not None:
        found += [(card_of(row), _START) for row in tx.query(_BY_ID, (query.user_id,))]
    if query.prefix is not None:
        prefix, besides = query.prefix.encode(), query.user_id or 0
        if place is None or not place.nicknames:
            found += _by_name(tx, prefix, place or _START, besides, limit + 1 - len(found))
            place = _START_OF_NICKNAMES
        if len(found) <= limit:
            found += _by_nickname(tx, prefix, place, besides, limit + 1 - len(found))
    page = found[:limit]
    return [card for card, _ in page], page[-1][1] if len(found) > limit else None


def _end(prefix: bytes) -> bytes:
    """What lies behind every UTF-8 text that begins with a prefix: no such text has this byte."""
    return prefix + b"\xff"


def _by_name(
    tx: Transaction, prefix: bytes, place: SearchPlace, besides: int, limit: int
) -> list[tuple[UserCard, SearchPlace]]:
    rows = tx.query(_BY_NAME, (prefix, _end(prefix), place.key, besides, limit))
    return [(card_of(row), SearchPlace(False, bytes(row[-1]), row[0])) for row in rows]


def _by_nickname(
    tx: Transaction, prefix: bytes, place: SearchPlace, besides: int, limit: int
) -> list[tuple[UserCard, SearchPlace]]:
    start, end = max(prefix, place.key), _end(prefix)
    rows = tx.query(_BY_NICKNAME, (start, end, start, place.user_id, prefix, end, besides, limit))
    return [(card_of(row), SearchPlace(True, bytes(row[-1]), row[0])) for row in rows]


class SqlPeople:
    """The :class:`imchat.ports.PeopleStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def profile(self, user_id: int) -> Profile | None:
        """A user's own profile."""
        return await self._reader.run("profile", lambda tx: _profile(tx.one(_PROFILE, (user_id,))))

    async def change_profile(self, user_id: int, change: ProfileChange, announce: Announce) -> ProfileChanged | None:
        """Change what differs, and announce the profile in the private stream."""
        return await self._writer.run("change profile", lambda tx: _change(tx, user_id, change, announce))

    async def search(
        self, query: SearchQuery, place: SearchPlace | None, limit: int
    ) -> tuple[list[UserCard], SearchPlace | None]:
        """Whom a query finds, a page of them."""
        return await self._reader.run("search people", lambda tx: _search(tx, query, place, limit))
