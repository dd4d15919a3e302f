"""Delivery: committed events to the members' connections here, and a notice to the other nodes.

Who cannot be reached now loses nothing: events are in the store, and a client fetches what it lacks.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred

from imchat.chat.logic.connection import Live
from imchat.chat.logic.hosting import conversation_channel
from imchat.chat.logic.members import Memberships
from imchat.chat.logic.pushes import Pushes
from imchat.chat.logic.waiting import Work
from imchat.domain.errors import Unavailable
from imchat.domain.models import ConversationKind, Event, Membership
from imchat.ports import Bus, EventsAppended, Notice, PersonChanged, Spawn


@dataclass(frozen=True, slots=True)
class Commit:
    """An event that a flush stored.

    Attributes:
        skip: Connections that were told already, by an acknowledgement.
    """

    event: Event
    skip: tuple[Live, ...] = ()


def user_channel(user_id: int) -> str:
    """The channel of what concerns one user."""
    return f"user:{user_id}"


def person_channel(user_id: int) -> str:
    """The channel of those who watch one user."""
    return f"person:{user_id}"


def _channels(membership: Membership) -> list[str]:
    """Where the other nodes hear of a conversation's events."""
    if membership.kind is ConversationKind.DIRECT:
        return [user_channel(user_id) for user_id in membership.members]
    return [conversation_channel(membership.conversation_id)]


class Delivery:
    """Pushes events and rings the bell on other nodes.

    Args:
        pushes: To the connections here, in order.
        memberships: Who is to hear.
        bus: To the other nodes.
        spawn: Starts what nobody waits for.

    Attributes:
        work: Notices that are being published, and memberships that are being read for it.
    """

    def __init__(self, pushes: Pushes, memberships: Memberships, bus: Bus, spawn: Spawn) -> None:
        self._pushes = pushes
        self._memberships = memberships
        self._bus = bus
        self._spawn = spawn
        self._behind: dict[int, list[EventsAppended]] = {}
        self.work = Work()

    def committed(self, commits: Iterable[Commit]) -> None:
        """Deliver what a flush stored in conversations, here and elsewhere."""
        known: dict[int, tuple[Membership, list[Event]]] = {}
        unknown: list[Commit] = []
        for commit in commits:
            event = commit.event
            membership = self._memberships.get(event.stream_id)
            if membership is None:
                unknown.append(commit)
                continue
            self._pushes.offer(event, membership, commit.skip)
            # A resend is published again in any case: the node that stored it may have died before it told.
            known.setdefault(event.stream_id, (membership, []))[1].append(event)
        notices: list[tuple[str, Notice]] = []
        for stream_id, (membership, events) in known.items():
            # One for all channels: it is serialised once.
            notice = EventsAppended(stream_id, membership.version, tuple(events))
            notices += [(channel, notice) for channel in _channels(membership)]
        self.publish(notices)
        for commit in unknown:
            self._start("reading members", self._read_and_deliver(commit))

    async def _read_and_deliver(self, commit: Commit) -> None:
        try:
            membership = await self._memberships.load(commit.event.stream_id)
        except Unavailable:
            return
        if membership is not None:
            self.committed([commit])

    def private(self, events: Iterable[Event]) -> None:
        """Deliver events of private streams, here and elsewhere."""
        notices: list[tuple[str, Notice]] = []
        for event in events:
            self._pushes.offer(event, None)
            notices.append((user_channel(event.stream_id), EventsAppended(event.stream_id, 0, (event,))))
        self.publish(notices)

    def heard(self, channel: str, notice: EventsAppended) -> None:
        """Deliver here what another part committed."""
        stream_id = notice.stream_id
        if channel == user_channel(stream_id):
            for event in notice.events:
                self._pushes.offer(event, None)
            return
        # Of one-to-one talk both sides' channels tell; where both are here the second one says nothing new.
        self._memberships.drop_older(stream_id, notice.member_version)
        if all(self._pushes.pushed(stream_id, event.seq) for event in notice.events):
            return
        membership = self._memberships.get(stream_id)
        behind = self._behind.get(stream_id)
        if behind is not None:
            behind.append(notice)
        elif membership is not None:
            self._to_members(notice, membership)
        else:
            self._behind[stream_id] = [notice]
            self._start("reading members", self._catch_up(stream_id))

    async def _catch_up(self, stream_id: int) -> None:
        """Read a membership that changed, then push what waited for it, in order."""
        behind = self._behind[stream_id]
        try:
            while behind:
                membership = await self._memberships.load(stream_id)
                if membership is None:
                    return
                self._to_members(behind.pop(0), membership)
                while behind and behind[0].member_version <= membership.version:
                    self._to_members(behind.pop(0), membership)
        except Unavailable:
            return
        finally:
            del self._behind[stream_id]

    def _to_members(self, notice: EventsAppended, membership: Membership) -> None:
        for event in notice.events:
            self._pushes.offer(event, membership)

    def people_changed(self, user_ids: Sequence[int], profile: bool, presence: bool) -> None:
        """Tell other nodes that these people are others now, in their profile or in their presence."""
        changes = [(person_channel(user_id), PersonChanged(user_id, profile, presence)) for user_id in user_ids]
        self.publish(changes)

    def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Tell other nodes; nobody waits for it."""
        if notices:
            self._start("publishing to other nodes", self._publish(notices))

    async def _publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        try:
            await self._bus.publish(notices)
        except Unavailable:
            # The bus tells the log, once, and the other nodes, which look for themselves.
            return

    def _start(self, name: str, coroutine: Coroutine[Deferred[Any], Any, None]) -> None:
        self._spawn(name, self._counted(coroutine))

    async def _counted(self, coroutine: Coroutine[Deferred[Any], Any, None]) -> None:
        self.work.begin()
        try:
            await coroutine
        finally:
            self.work.end()
