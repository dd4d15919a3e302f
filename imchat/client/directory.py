"""Who is who: users by id and by name, remembered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from imchat.domain.errors import NotFound
from imchat.domain.models import UserCard
from imchat.net.notes import card_of
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

BATCH = 100
"""Users asked for in one request."""

MAX_REMEMBERED = 10_000
"""Users remembered; those asked for longest ago are forgotten first."""


class Directory:
    """Looks users up.

    Args:
        call: Makes a request to the chat node.
    """

    def __init__(self, call: Callable[[Frame], Awaitable[Frame]]) -> None:
        self._call = call
        self._by_id: dict[int, UserCard] = {}
        self._by_name: dict[str, UserCard] = {}

    async def names(self, user_ids: Iterable[int]) -> dict[int, str]:
        """The names of those users that exist."""
        wanted = dict.fromkeys(user_ids)
        unknown = [user_id for user_id in wanted if user_id not in self._by_id]
        found = {user_id: self._by_id[user_id] for user_id in wanted if user_id in self._by_id}
        for start in range(0, len(unknown), BATCH):
            found.update((u.id, u) for u in await self._fetch(pb.GetUsers(ids=unknown[start : start + BATCH])))
        self._by_id.update(found)
        _trim(self._by_id)
        return {user_id: card.name for user_id, card in found.items()}

    async def name(self, user_id: int) -> str:
        """The name of a user; ``user ID`` where there is none."""
        return (await self.names((user_id,))).get(user_id, f"user {user_id}")

    async def by_name(self, name: str) -> UserCard:
        """The user of a name, in any spelling that the server takes for the same.

        Raises:
            NotFound: there is none.
        """
        if name not in self._by_name:
            users = await self._fetch(pb.GetUsers(names=[name]))
            if not users:
                raise NotFound(f"there is no user {name!r}")
            self._by_name[name] = users[0]
            _trim(self._by_name)
        return self._by_name[name]

    async def _fetch(self, query: pb.GetUsers) -> list[UserCard]:
        answer = await self._call(Frame(get_users=query))
        return list(map(card_of, answer.users.users))


def _trim(known: dict[Any, UserCard]) -> None:
    while len(known) > MAX_REMEMBERED:
        del known[next(iter(known))]
