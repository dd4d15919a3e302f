"""Profiles, and the search for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct

from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Delivery
from imchat.chat.logic.quota import Quota
from imchat.domain.announcing import Announcer
from imchat.domain.errors import InvalidRequest, NotFound
from imchat.domain.models import MAX_ID, UserCard
from imchat.domain.people import Profile, ProfileChange
from imchat.domain.profiles import SearchPlace, check_change, search_query
from imchat.ports import PeopleStore

PEOPLE_PER_PAGE = 20
MAX_PEOPLE_PER_PAGE = 100

_CURSOR = Struct("!?Q")
_MAX_CURSOR = _CURSOR.size + 600
_NICKNAMES = (0, 1)


def _encode_cursor(place: SearchPlace | None) -> bytes:
    return b"" if place is None else _CURSOR.pack(place.nicknames, place.user_id) + place.key


def _decode_cursor(data: bytes) -> SearchPlace | None:
    if not data:
        return None
    if not _CURSOR.size <= len(data) <= _MAX_CURSOR or data[0] not in _NICKNAMES:
        raise InvalidRequest("the cursor is not from here")
    nicknames, user_id = _CURSOR.unpack_from(data)
    if user_id > MAX_ID:
        raise InvalidRequest("the cursor is not from here")
    return SearchPlace(nicknames, data[_CURSOR.size :], user_id)


class People:
    """What people say of themselves, and how they find one another.

    Args:
        store: Where profiles are.
        delivery: Tells the user's own devices.
        announcer: Writes it down for the user's own devices.
        quota: Limits.
        announce_people: Tells those who watch people that these are others now, in profile or presence or both.
    """

    def __init__(
        self,
        store: PeopleStore,
        delivery: Delivery,
        announcer: Announcer,
        quota: Quota,
        announce_people: Callable[[Sequence[int], bool, bool], None],
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._announcer = announcer
        self._quota = quota
        self._announce_people = announce_people

    async def profile(self, live: Live) -> Profile:
        """The user's own profile.

        Raises:
            NotFound: the account is deleted, and the session about to end.
        """
        found = await self._store.profile(live.user_id)
        if found is None:
            raise NotFound("the account is gone")
        return found

    async def change(self, live: Live, change: ProfileChange) -> Profile:
        """Change the user's own profile; what is the same already is no error, and told to nobody.

        Raises:
            InvalidRequest: a value breaks a rule; nothing is changed.
            NotFound: as in :meth:`profile`.
        """
        checked = check_change(change)
        done = await self._store.change_profile(live.user_id, checked, self._announcer.begin())
        if done is None:
            raise NotFound("the account is gone")
        if done.events:
            self._delivery.private(done.events)
            self._tell(live.user_id, checked)
        return done.profile

    def _tell(self, user_id: int, change: ProfileChange) -> None:
        """Tell those who watch the user; of settings none is for others to see, but presence depends on one."""
        settings = ProfileChange(
            hidden_from_search=change.hidden_from_search,
            presence_hidden=change.presence_hidden,
            receipts_off=change.receipts_off,
        )
        profile, presence = change != settings, change.presence_hidden is not None
        if profile or presence:
            self._announce_people([user_id], profile, presence)

    async def search(self, live: Live, text: str, cursor: bytes, limit: int) -> tuple[list[UserCard], bytes]:
        """People whom a text finds.

        Args:
            text: An id, or the beginning of a name or nickname.
            cursor: From the page before, empty for the first.
            limit: People on the page; 0 for the default.

        Returns:
            One page, and the cursor of the next, empty at the end.

        Raises:
            InvalidRequest: a text that is too short or too long, or is an address; a cursor that is not from here.
            RateLimited: too many look-ups.
        """
        query, place = search_query(text), _decode_cursor(cursor)
        self._quota.lookup(live)
        count = min(limit, MAX_PEOPLE_PER_PAGE) if limit else PEOPLE_PER_PAGE
        cards, following = await self._store.search(query, place, count)
        return cards, _encode_cursor(following)
