"""The people who are watched from here: as their watchers were last told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import count

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.domain.errors import Unavailable
from imchat.domain.models import UserCard
from imchat.domain.people import Presence
from imchat.domain.presence import PresenceEntry, told
from imchat.ports import AccountStore, PresenceStore, SeenStore, Spawn

GATHER = 0.2
"""Seconds in which notices are gathered before their people are read."""

PAUSE = 3.0
"""Seconds until people are read again whom the store could not tell of."""

AT_ONCE = 200
"""People of one read."""

Frame = Callable[[int, UserCard | None, Presence | None], bytes]
"""Makes a push of what is new of a person, ready to be written."""


def person_channel(user_id: int) -> str:
    """The channel of what is new of a person."""
    return f"person:{user_id}"


class Person:
    """Somebody who is watched.

    Attributes:
        watchers: The connections that are told.
        card: As they were last told; None before it was read, or where there is no such account.
        presence: As they were last told; None where that is not known.
        card_read: The read that brought the card. What an earlier one brings later is older.
        presence_read: The same of the presence.
    """

    __slots__ = ("card", "card_read", "presence", "presence_read", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Live, None] = {}
        self.card: UserCard | None = None
        self.presence: Presence | None = None
        self.card_read = self.presence_read = -1

    def take_card(self, number: int, card: UserCard | None) -> UserCard | None:
        """Take what a read brought; return it if it is new."""
        if card is None or number < self.card_read:
            return None
        before, self.card, self.card_read = self.card, card, number
        return card if card != before else None

    def take_presence(self, number: int, presence: Presence | None) -> Presence | None:
        """Take what a read brought; return it if it is new."""
        if presence is None or number < self.presence_read:
            return None
        before, self.presence, self.presence_read = self.presence, presence, number
        return presence if presence != before else None


class Watched:
    """Reads people whom somebody here watches, and tells those who do.

    Each person is read once for all who watch them here.

    Args:
        accounts: Cards.
        seen: When people were last there, and who hides it.
        presence: Who is there.
        subscriptions: The channels of people.
        frame: Makes pushes.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self,
        accounts: AccountStore,
        seen: SeenStore,
        presence: PresenceStore,
        subscriptions: Subscriptions,
        frame: Frame,
        clock: IReactorTime,
        spawn: Spawn,
    ) -> None:
        self._accounts = accounts
        self._seen = seen
        self._presence = presence
        self._subscriptions = subscriptions
        self._frame = frame
        self._clock = clock
        self._spawn = spawn
        self._people: dict[int, Person] = {}
        self._reads = count()
        self._dirty: dict[int, bool] = {}
        self._call: IDelayedCall | None = None
        self._untold: dict[Live, set[int]] = {}

    def get(self, user_id: int) -> Person | None:
        """A person, None if nobody here watches them."""
        return self._people.get(user_id)

    def ids(self) -> list[int]:
        """Who is watched from here."""
        return list(self._people)

    # --- by whom

    def add(self, live: Live, user_ids: Iterable[int]) -> Deferred[None]:
        """A connection watches people from now on; fires when what is new of them is heard."""
        channels: list[str] = []
        for user_id in user_ids:
            person = self._people.get(user_id)
            if person is None:
                person = self._people[user_id] = Person()
                channels.append(person_channel(user_id))
            person.watchers[live] = None
        return self._subscriptions.need(*channels)

    def remove(self, live: Live, user_ids: Iterable[int]) -> None:
        """A connection does not watch these people any more, who are forgotten if nobody else does."""
        channels: list[str] = []
        for user_id in user_ids:
            person = self._people.get(user_id)
            if person is None or live not in person.watchers:
                continue
            del person.watchers[live]
            if not person.watchers:
                del self._people[user_id]
                channels.append(person_channel(user_id))
        self._subscriptions.release(*channels)

    def stop(self) -> None:
        """Read nobody any more."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def gone(self, live: Live) -> None:
        """A connection has ended."""
        self._untold.pop(live, None)

    def farewell(self, lives: Iterable[Live], user_id: int) -> None:
        """Tell connections for the last time of a person: offline, as far as they may know."""
        data = self._frame(user_id, None, Presence())
        for live in lives:
            live.connection.tell(data)

    def greet(self, live: Live, user_ids: Iterable[int]) -> None:
        """Tell a connection of people whom it watches only now."""
        for user_id in user_ids:
            person = self._people.get(user_id)
            if person is not None and live in person.watchers and person.card is not None:
                self._push(user_id, (live,), person.card, person.presence)

    # --- what is new

    def changed(self, user_id: int, profile: bool) -> None:
        """A person is another now: read them soon, together with others."""
        if user_id in self._people:
            self._dirty[user_id] = self._dirty.get(user_id, False) or profile
            self._soon(GATHER)

    def _soon(self, seconds: float) -> None:
        if self._call is None:
            self._call = self._clock.callLater(seconds, self._read_dirty)

    def _read_dirty(self) -> None:
        self._call = None
        dirty, self._dirty = self._dirty, {}
        self._spawn("reading people", self._read_again(dirty))

    async def _read_again(self, dirty: dict[int, bool]) -> None:
        ids = list(dirty)
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            try:
                await self.read(part, [user_id for user_id in part if dirty[user_id]])
            except Unavailable:
                # The store tells the log, once.
                for user_id in part:
                    self._dirty[user_id] = self._dirty.get(user_id, False) or dirty[user_id]
                self._soon(PAUSE)

    async def read(self, presence_of: Sequence[int], cards_of: Sequence[int]) -> None:
        """Read people and tell their watchers what is new.

        Raises:
            Unavailable: the truth cannot be read. Where presence alone cannot, it stays as it was.
        """
        number = next(self._reads)
        entries = await self._entries(presence_of)
        seen = await self._seen.seen(presence_of)
        cards = {card.id: card for card in await self._accounts.cards(cards_of, ())} if cards_of else {}
        if entries is not None:
            found = entries
            presences = {one: told(found.get(one, ()), seen[one]) if one in seen else Presence() for one in presence_of}
        else:
            presences = {}
        self._tell(number, cards, presences)

    async def _entries(self, user_ids: Sequence[int]) -> dict[int, tuple[PresenceEntry, ...]] | None:
        try:
            return await self._presence.get(user_ids)
        except Unavailable:
            return None

    def _tell(self, number: int, cards: dict[int, UserCard], presences: dict[int, Presence]) -> None:
        for user_id in dict.fromkeys((*presences, *cards)):
            person = self._people.get(user_id)
            if person is None:
                continue
            # A new one is told to nobody yet: who watches them waits for the answer.
            new = person.card_read < 0
            card = person.take_card(number, cards.get(user_id))
            presence = person.take_presence(number, presences.get(user_id))
            if not new and (card is not None or presence is not None):
                self._push(user_id, person.watchers, card, presence)

    def _push(self, user_id: int, lives: Collection[Live], card: UserCard | None, presence: Presence | None) -> None:
        data = self._frame(user_id, card, presence)
        for live in lives:
            if not live.connection.tell(data):
                self._untold.setdefault(live, set()).add(user_id)

    # --- looking for oneself

    async def sweep(self) -> None:
        """Tell again those who read too slowly, and read everybody: notices may have been lost, and nodes killed.

        Raises:
            Unavailable: the truth cannot be read.
        """
        self._tell_again()
        ids = self.ids()
        for start in range(0, len(ids), AT_ONCE):
            part = [user_id for user_id in ids[start : start + AT_ONCE] if user_id in self._people]
            await self.read(part, part)

    def _tell_again(self) -> None:
        untold, self._untold = self._untold, {}
        for live, user_ids in untold.items():
            for user_id in user_ids:
                person = self._people.get(user_id)
                if person is not None and live in person.watchers:
                    self._push(user_id, (live,), person.card, person.presence)
