"""People: one's own profile, search, and being told of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import fields

from imchat.client.requests import Call, paged
from imchat.client.translate import person_change
from imchat.client.values import PersonChange
from imchat.domain.errors import IMError
from imchat.domain.models import UserCard
from imchat.domain.people import Presence, PresenceState, Profile, ProfileChange
from imchat.net.notes import card_of, profile_of
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

MAX_WATCHED = 500
"""People of whom one is told at the same time; of more, those named longest ago are let go."""

_BATCH = 100
"""People in one request."""


class People:
    """Profile, search, presence.

    Args:
        call: Makes a request to the chat node.
        told: Gets what is new of people who are watched.
    """

    def __init__(self, call: Call, told: Callable[[PersonChange], None]) -> None:
        self._call = call
        self._told = told
        self._watched: dict[int, None] = {}
        self._away = False

    async def profile(self) -> Profile:
        """One's own profile."""
        return profile_of((await self._call(Frame(get_profile=pb.GetProfile()))).profile)

    async def set_profile(self, change: ProfileChange) -> Profile:
        """Change one's own profile; what is None stays as it is."""
        chosen = {f.name: getattr(change, f.name) for f in fields(change)}
        request = pb.SetProfile(**{name: value for name, value in chosen.items() if value is not None})
        return profile_of((await self._call(Frame(set_profile=request))).profile)

    def search(self, query: str, limit: int = 0) -> AsyncIterator[UserCard]:
        """People by exact id, exact name, or the beginning of a name or nickname.

        Args:
            limit: People per page; 0 leaves it to the server.
        """
        return paged(
            self._call,
            lambda cursor: Frame(search_people=pb.SearchPeople(query=query, cursor=cursor, limit=limit)),
            lambda answer: (map(card_of, answer.people.users), answer.people.next_cursor),
        )

    async def cards(self, user_ids: Iterable[int]) -> dict[int, UserCard]:
        """What those of these users that exist show of themselves."""
        wanted, found = list(dict.fromkeys(user_ids)), dict[int, UserCard]()
        for start in range(0, len(wanted), _BATCH):
            answer = await self._call(Frame(get_users=pb.GetUsers(ids=wanted[start : start + _BATCH])))
            found.update((user.user_id, card_of(user)) for user in answer.users.users)
        return found

    async def set_away(self, away: bool) -> None:
        """Say of this device that nobody is at it, or somebody again; it holds over reconnects."""
        before, self._away = self._away, away
        try:
            await self._say_presence()
        except IMError:
            self._away = before
            raise

    async def _say_presence(self) -> None:
        said: bool | None = None
        # What waited, and came behind what was said later, is put right.
        while said is not self._away:
            said = self._away
            state = PresenceState.AWAY if said else PresenceState.ONLINE
            await self._call(Frame(set_presence=pb.SetPresence(state=pb.PresenceState.Name(state))))

    # --- watching

    @property
    def watched(self) -> tuple[int, ...]:
        """Those of whom one is told, the earliest named first."""
        return tuple(self._watched)

    async def watch(self, user_ids: Iterable[int]) -> None:
        """Be told of these contacts from now on: how they are now, and what changes, over reconnects."""
        named = dict.fromkeys(user_ids)
        for user_id in named:
            self._watched.pop(user_id, None)
        self._watched.update(named)
        dropped = self.watched[:-MAX_WATCHED]
        for user_id in dropped:
            del self._watched[user_id]
        await self._say([user_id for user_id in named if user_id in self._watched], dropped)

    async def unwatch(self, user_ids: Iterable[int]) -> None:
        """Be told of these no more."""
        dropped = [user_id for user_id in dict.fromkeys(user_ids) if user_id in self._watched]
        for user_id in dropped:
            del self._watched[user_id]
        await self._say([], dropped)

    async def say_again(self) -> None:
        """Say anew that one is away, and who is watched: a connection begins as online, and with nobody."""
        if self._away:
            await self._say_presence()
        await self._say(self.watched, ())

    async def _say(self, add: Sequence[int], remove: Sequence[int]) -> None:
        # Those who go make room for those who come.
        for start in range(0, len(remove), _BATCH):
            await self._say_once(pb.WatchPeople(remove=remove[start : start + _BATCH]))
        for start in range(0, len(add), _BATCH):
            await self._say_once(pb.WatchPeople(add=add[start : start + _BATCH]))

    async def _say_once(self, request: pb.WatchPeople) -> None:
        answer = await self._call(Frame(watch_people=request))
        people = answer.watched_people.people
        for person in people:
            self._told(person_change(person))
        # Others are left out without a word: they are not seen, or not any more.
        for user_id in sorted(set(request.add).difference(person.user_id for person in people)):
            self._told(PersonChange(user_id, None, Presence()))
