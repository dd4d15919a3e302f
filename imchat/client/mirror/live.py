"""A client that keeps what its device shows: lists at the beginning, then events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from imchat.client.client import FROM_THE_NEWEST, Client
from imchat.client.errors import Stopped
from imchat.client.login import Credentials
from imchat.client.mirror import views
from imchat.client.mirror.applying import apply
from imchat.client.mirror.snapshot import (
    Snapshot,
    merge,
    merge_conversations,
    merge_page,
    with_cards,
    with_person,
    without,
)
from imchat.client.mirror.state import WINDOW, MirrorState
from imchat.client.options import Options, Outside
from imchat.client.state import SavedSession
from imchat.client.tasks import Waiters
from imchat.client.turn import Turn
from imchat.client.values import PersonChange
from imchat.domain.models import SYSTEM_SENDER

_log = Logger()

LAG = 500
"""Events of the private stream beyond which lists are taken anew instead of replaying them."""

WATCHED = 200
"""Contacts who are watched by themselves: the first ones of the list."""

Changed = Callable[[MirrorState], object]


class Mirror:
    """A client and what its device shows.

    Args:
        outside: As for :class:`Client`.
        options: As for :class:`Client`. A device without saved positions begins at the end of each stream, unless
            ``newest`` says otherwise.
        handler: Gets every event when the state has it.
        changed: Told of each new state.
        window: Messages of one conversation that are kept by themselves.

    Attributes:
        client: For all that changes something.
        state: What the device shows.
    """

    def __init__(
        self,
        outside: Outside,
        options: Options | None = None,
        handler: Callable[[Turn], Awaitable[None]] | None = None,
        changed: Changed | None = None,
        window: int = WINDOW,
    ) -> None:
        options = options or Options()
        newest = 0 if options.newest is None else options.newest
        self.client = Client(outside, self._handle, replace(options, newest=newest, private_lag=LAG))
        self.state = MirrorState(0, window)
        self._handler = handler
        self._changed = changed
        self._nameless: set[int] = set()
        self._outdated = True
        self._whole = False
        self._updating = False
        self._looked_at: tuple[object, ...] = ()
        self._ready: Waiters[None] = Waiters()
        self.client.on_person(self._person)
        self.client.on_synced(self._update)
        self.client.on_skipped(self._skipped)

    async def start(self, credentials: Credentials | None = None, session: SavedSession | None = None) -> None:
        """As :meth:`Client.start`."""
        await self.client.start(credentials, session)
        self._begin()

    async def stop(self) -> None:
        """As :meth:`Client.stop`."""
        self._ready.fail(Stopped("the client was stopped"))
        await self.client.stop()

    def when_ready(self) -> Deferred[None]:
        """A Deferred that fires when the state is whole: lists were taken."""
        return succeed(None) if self._whole else self._ready.add()

    async def older(self, conversation_id: int, limit: int = 50) -> bool:
        """Read a page of a conversation that is older than what is here; return whether there may be more."""
        talk = self.state.talk(conversation_id)
        before = max(talk.known_from, talk.floor) or FROM_THE_NEWEST
        page = await self.client.history(conversation_id, before, limit)
        self._set(merge_page(self.state, conversation_id, page))
        return page.from_seq > 1 and page.to_seq >= page.from_seq

    # --- what comes

    async def _handle(self, turn: Turn) -> None:
        self._begin()
        self._set(apply(self.state, turn.event))
        if self._lacks():
            self._update()
        if self._handler is not None:
            await self._handler(turn)

    def _begin(self) -> None:
        if not self.state.user_id:
            self.state = replace(self.state, user_id=self.client.session.user_id)

    def _person(self, change: PersonChange) -> None:
        self._set(with_person(self.state, change))

    def _skipped(self) -> None:
        self._outdated = True

    def _set(self, state: MirrorState) -> None:
        if state is not self.state:
            self.state = state
            try:
                if self._changed is not None:
                    self._changed(state)
            except Exception:
                # A fault of the application must not cost the state.
                _log.failure("what shows the mirror failed")

    # --- what is asked for

    def _update(self) -> None:
        if not self._updating:
            self._updating = True
            self.client.in_background("keeping the mirror", self._bring_up_to_date())

    async def _bring_up_to_date(self) -> None:
        try:
            if self._outdated:
                await self._take_lists()
            while self._lacks():
                if self.state.stale:
                    await self._list_again()
                await self._judge_quotes()
                self._looked_at = self._people_parts()
                await self._name()
                await self._watch()
        finally:
            self._updating = False
        if self._outdated:
            self._update()

    def _lacks(self) -> bool:
        return bool(self.state.stale or self.state.doubtful or self._people_changed())

    def _people_parts(self) -> tuple[object, ...]:
        return self.state.contacts, self.state.requests

    def _people_changed(self) -> bool:
        # By identity: a state that a note did not touch has the same parts.
        before, now = self._looked_at, self._people_parts()
        return len(before) != len(now) or any(a is not b for a, b in zip(before, now, strict=True))

    async def _take_lists(self) -> None:
        self._begin()
        self._outdated = False
        try:
            snapshot = await self._snapshot()
        except BaseException:
            self._outdated = True
            raise
        self._set(merge(self.state, snapshot))
        self._looked_at = ()
        self._whole = True
        self._ready.fire(None)

    async def _snapshot(self) -> Snapshot:
        client = self.client
        page = await client.history(self.state.user_id, FROM_THE_NEWEST, 1)
        return Snapshot(
            page.last_seq,
            await client.people.profile(),
            tuple([c async for c in client.contacts.all()] + [c async for c in client.contacts.blocked()]),
            tuple(
                [r async for r in client.contacts.requests(incoming=True)]
                + [r async for r in client.contacts.requests(incoming=False)]
            ),
            tuple([c async for c in client.conversations.all(hidden=True)]),
        )

    async def _list_again(self) -> None:
        stale, base = self.state.stale, self.state.private_seq
        found = await self.client.conversations.some(sorted(stale))
        state = merge_conversations(self.state, found.values(), base)
        self._set(replace(state, stale=state.stale - stale))

    async def _judge_quotes(self) -> None:
        """Read what pushes quote, which are the same for all: what the user has deleted is not there."""
        doubtful = self.state.doubtful
        self._set(replace(self.state, doubtful=frozenset()))
        for conversation_id, seq in sorted(doubtful):
            page = await self.client.history(conversation_id, seq + 1, 1)
            if all(event.seq != seq for event in page.events):
                self._set(without(self.state, conversation_id, seq))

    async def _name(self) -> None:
        unknown = self._people() - self.state.cards.keys() - self._nameless
        if unknown:
            cards = await self.client.people.cards(sorted(unknown))
            self._nameless |= unknown - cards.keys()
            self._set(with_cards(self.state, cards.values()))

    def _people(self) -> set[int]:
        state = self.state
        people = {member for talk in state.talks.values() for member in talk.member_ids}
        people |= state.contacts.keys() | {user_id for user_id, _ in state.requests}
        return people - {SYSTEM_SENDER, state.user_id}

    async def _watch(self) -> None:
        wanted = [contact.user_id for contact in views.contacts(self.state)[:WATCHED]]
        watched = self.client.people.watched
        if gone := set(watched).difference(wanted):
            await self.client.people.unwatch(gone)
        if new := [user_id for user_id in wanted if user_id not in watched]:
            await self.client.people.watch(new)
