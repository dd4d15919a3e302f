"""Watching people: who may, how many, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Delivery, user_channel
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.waiting import Again
from imchat.chat.logic.watched import Watched, person_channel
from imchat.domain.errors import TooLarge, TooMany, Unavailable
from imchat.domain.models import MAX_ID, UserCard
from imchat.domain.people import Presence
from imchat.ports import Notice, PersonChanged, Relations, RelationsChanged, Spawn

MAX_AT_ONCE = 100
"""People in one request."""

MAX_WATCHED = 500
"""People whom one connection watches."""

SWEEP_PAUSE = 15.0
"""Seconds between two looks at everything, also while notices may be missed."""

_TRIES = 3


@dataclass(frozen=True, slots=True)
class PersonState:
    """A person as one who watches them is told; ``presence`` is None where it is not known now."""

    user_id: int
    card: UserCard
    presence: Presence | None


class Watching:
    """Lets connections watch people whom they may know of.

    Args:
        relations: Who may watch whom.
        watched: The people.
        registry: Who is here.
        delivery: To tell other nodes.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self,
        relations: Relations,
        watched: Watched,
        registry: Registry,
        delivery: Delivery,
        clock: IReactorTime,
        spawn: Spawn,
    ) -> None:
        self._relations = relations
        self._watched = watched
        self._registry = registry
        self._delivery = delivery
        self._clock = clock
        self._spawn = spawn
        self._wished: dict[Live, dict[int, None]] = {}
        self._of: dict[Live, dict[int, None]] = {}
        self._changes = 0
        self._sweeping = Again(self._look)
        self._swept = 0.0
        self._call: IDelayedCall | None = None

    # --- requests

    async def watch(self, live: Live, add: Sequence[int], remove: Sequence[int]) -> list[PersonState]:
        """Watch people from now on, and others no more.

        Returns:
            Those of ``add`` whom the user may watch, as they are now.

        Raises:
            TooLarge: too many at once.
            TooMany: too many altogether.
        """
        if len(add) + len(remove) > MAX_AT_ONCE:
            raise TooLarge(f"at most {MAX_AT_ONCE} people at once")
        self._forget(live, remove)
        wanted = [one for one in dict.fromkeys(add) if 0 < one <= MAX_ID and one != live.user_id]
        self._bound(live, wanted)
        # Who may not be watched now is, as soon as they may: nobody is told when somebody stops blocking them.
        self._wished.setdefault(live, {}).update(dict.fromkeys(wanted))
        allowed = await self._allowed(live.user_id, wanted)
        if self._registry.of_connection(live.connection) is not live:
            self._wished.pop(live, None)
            return []
        return await self._begin(live, allowed)

    def _bound(self, live: Live, more: Iterable[int]) -> None:
        mine = self._wished.get(live, {})
        if len(mine) + sum(one not in mine for one in more) > MAX_WATCHED:
            raise TooMany(f"at most {MAX_WATCHED} people are watched by one connection")

    async def _allowed(self, viewer_id: int, wanted: Sequence[int]) -> list[int]:
        """Those who may be watched. What changes while that is read might not be in it, and is not heard again."""
        allowed: set[int] = set()
        for _ in range(_TRIES):
            changes = self._changes
            allowed = await self._relations.visible_to(viewer_id, wanted) if wanted else set()
            if changes == self._changes:
                break
        return [one for one in wanted if one in allowed]

    async def _begin(self, live: Live, allowed: Sequence[int]) -> list[PersonState]:
        if not allowed:
            return []
        mine = self._of.setdefault(live, {})
        new = [one for one in allowed if one not in mine]
        mine.update(dict.fromkeys(new))
        try:
            # Heard first, read then: nothing can change unnoticed.
            await self._watched.add(live, new)
            await self._watched.read(allowed, allowed)
        except Unavailable:
            self._drop(live, new)
            raise
        return self._states(live, allowed)

    def _states(self, live: Live, user_ids: Iterable[int]) -> list[PersonState]:
        states = []
        for user_id in user_ids:
            person = self._watched.get(user_id)
            if person is not None and live in person.watchers and person.card is not None:
                states.append(PersonState(user_id, person.card, person.presence))
        return states

    def _drop(self, live: Live, user_ids: Iterable[int]) -> None:
        mine = self._of.get(live)
        if mine is None:
            return
        gone = [one for one in dict.fromkeys(user_ids) if one in mine]
        for one in gone:
            del mine[one]
        if not mine:
            del self._of[live]
        self._watched.remove(live, gone)

    def _forget(self, live: Live, user_ids: Sequence[int]) -> None:
        wished = self._wished.get(live, {})
        for one in user_ids:
            wished.pop(one, None)
        if not wished:
            self._wished.pop(live, None)
        self._drop(live, user_ids)

    def ended(self, live: Live) -> None:
        """A session is not here any more."""
        self._wished.pop(live, None)
        self._drop(live, list(self._of.get(live, ())))
        self._watched.gone(live)

    # --- what is heard, and told

    def heard(self, notice: PersonChanged | RelationsChanged) -> None:
        """Another node tells."""
        if isinstance(notice, PersonChanged):
            self._watched.changed(notice.user_id, notice.profile)
        else:
            self._relations_changed(notice.user_id)

    def announce_people(self, user_ids: Iterable[int], profile: bool = False, presence: bool = True) -> None:
        """People are others now, in their profile or in their presence or whether they hide it: tell all nodes."""
        notices: list[tuple[str, Notice]] = []
        for user_id in user_ids:
            self._watched.changed(user_id, profile)
            notices.append((person_channel(user_id), PersonChanged(user_id, profile, presence)))
        self._delivery.publish(notices)

    def announce_relations(self, user_ids: Iterable[int]) -> None:
        """Whom these users may watch is to be looked at anew: tell all nodes."""
        notices: list[tuple[str, Notice]] = []
        for user_id in user_ids:
            self._relations_changed(user_id)
            notices.append((user_channel(user_id), RelationsChanged(user_id)))
        self._delivery.publish(notices)

    def _relations_changed(self, user_id: int) -> None:
        self._changes += 1
        if any(live in self._wished for live in self._registry.of_user(user_id)):
            self._spawn("checking who may be watched", self._check_later(user_id))

    async def _check_later(self, user_id: int) -> None:
        try:
            await self._check(user_id)
        except Unavailable:
            # The store tells the log, once; the sweep looks again.
            return

    async def _check(self, user_id: int) -> None:
        lives = [live for live in self._registry.of_user(user_id) if live in self._wished]
        ids = list(dict.fromkeys(one for live in lives for one in self._wished[live]))
        allowed = await self._relations.visible_to(user_id, ids) if ids else set()
        for one in ids:
            if one not in allowed:
                self._lose(lives, one)
        for live in lives:
            await self._gain(live, [one for one in self._wished.get(live, ()) if one in allowed])

    async def _gain(self, live: Live, allowed: Sequence[int]) -> None:
        """A connection may watch whom it wished to watch: it is told of those whom it did not watch until now."""
        known = self._of.get(live, {})
        new = [one for one in allowed if one not in known]
        if new and self._registry.of_connection(live.connection) is live:
            await self._begin(live, new)
            self._watched.greet(live, new)

    def _lose(self, lives: Iterable[Live], user_id: int) -> None:
        watching = [live for live in lives if user_id in self._of.get(live, ())]
        for live in watching:
            self._drop(live, (user_id,))
        self._watched.farewell(watching, user_id)

    # --- looking for oneself

    async def sweep(self) -> None:
        """Look at everything, for notices may have been lost; soon after the last time a little later."""
        wait = self._swept + SWEEP_PAUSE - self._clock.seconds()
        if wait <= 0:
            self._swept = self._clock.seconds()
            await self._sweeping.run()
        elif self._call is None:
            self._call = self._clock.callLater(wait, self._sweep_now)

    def _sweep_now(self) -> None:
        self._call = None
        self._spawn("checking who is watched", self.sweep())

    def stop(self) -> None:
        """Look no more."""
        self._watched.stop()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    async def _look(self) -> None:
        try:
            for user_id in list(dict.fromkeys(live.user_id for live in self._wished)):
                await self._check(user_id)
            await self._watched.sweep()
        except Unavailable:
            # The store tells the log, once; the next sweep looks again.
            return
