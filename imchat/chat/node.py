"""A chat node, put together: everything is built, then wired."""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.chat.factory import ChatFactory
from imchat.chat.logic.asides import Asides
from imchat.chat.logic.batch import Batcher
from imchat.chat.logic.connections import Connections
from imchat.chat.logic.contacts import Contacts
from imchat.chat.logic.conversations import Conversations
from imchat.chat.logic.delivery import Delivery
from imchat.chat.logic.devices import Devices
from imchat.chat.logic.direct import Direct
from imchat.chat.logic.fanout import FanOut
from imchat.chat.logic.faults import Faults
from imchat.chat.logic.hosting import Hosting
from imchat.chat.logic.lifecycle import Lifecycle
from imchat.chat.logic.members import Memberships
from imchat.chat.logic.missing import Missing
from imchat.chat.logic.people import People
from imchat.chat.logic.positions import Positions
from imchat.chat.logic.presence import Attendance
from imchat.chat.logic.pushes import Pushes
from imchat.chat.logic.quota import Quota
from imchat.chat.logic.reading import Reading
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.retention import Retention
from imchat.chat.logic.revalidation import Revalidation
from imchat.chat.logic.send import Sender
from imchat.chat.logic.sessions import Sessions
from imchat.chat.logic.storing import Storing
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.chat.logic.sweep import Sweep
from imchat.chat.logic.typing_notices import TypingNotices
from imchat.chat.logic.waiting import Work, within
from imchat.chat.logic.watched import Watched
from imchat.chat.logic.watching import Watching
from imchat.chat.services import Services
from imchat.chat.settings import ChatSettings
from imchat.chat.translate import framed_aside, framed_person, framed_push
from imchat.domain.announcing import Announcer
from imchat.domain.content import ContentCodec
from imchat.domain.models import NodeAddress
from imchat.domain.permissions import permit
from imchat.net.background import spawn as spawn_and_log
from imchat.net.turn import Turn
from imchat.ports import (
    AccountStore,
    Bus,
    ContactStore,
    ConversationStore,
    EventsAppended,
    Ids,
    Notice,
    OwnStateStore,
    PeopleStore,
    PersonChanged,
    PositionStore,
    PresenceStore,
    RateLimiter,
    ReceiptMoved,
    Relations,
    RelationsChanged,
    RetentionStore,
    SeenStore,
    SessionsClosed,
    SessionStore,
    Spawn,
    StatusPort,
    StreamStore,
    TypingSeen,
)

LEAVE = 2.0
"""Seconds in which a node that ends may say that its people are gone."""


class ChatNode:
    """Serves clients.

    Args:
        node_id: Its name, for people.
        address: Where clients reach it.
        accounts: Users.
        sessions: Sessions.
        streams: Events.
        conversations: Conversations and members.
        contacts: Contacts, requests and blocks.
        people: Profiles.
        relations: Who may watch whom.
        seen: When people were last there.
        presence: Who is there.
        own_states: What each user decides about conversations.
        positions: How far members have received and read.
        retention: Content that is kept for a limited time.
        bus: To the other parts.
        status: Where it reports.
        limiter: Counts what each account may do.
        ids: Randomness.
        clock: The reactor.
        codec: Content to stored form; the form in which it travels.
        settings: What can be set.
        spawn: Starts what nobody waits for and logs its failure.

    Attributes:
        factory: Takes connections. To be listened with after :meth:`start`.
        figures: What it has done.
        contacts: Who knows whom.
    """

    def __init__(
        self,
        *,
        node_id: str,
        address: NodeAddress,
        accounts: AccountStore,
        sessions: SessionStore,
        streams: StreamStore,
        conversations: ConversationStore,
        contacts: ContactStore,
        people: PeopleStore,
        relations: Relations,
        seen: SeenStore,
        presence: PresenceStore,
        own_states: OwnStateStore,
        positions: PositionStore,
        retention: RetentionStore,
        bus: Bus,
        status: StatusPort,
        limiter: RateLimiter,
        ids: Ids,
        clock: IReactorTime,
        codec: ContentCodec,
        settings: ChatSettings,
        spawn: Spawn = spawn_and_log,
    ) -> None:
        log = Logger(namespace="imchat.chat")
        faults, announcer = Faults(ids, log), Announcer(codec, ids.client_id)
        quota = Quota(clock, settings.limits, settings.account_limits)
        registry, connections = Registry(), Connections(settings)
        self._memberships = memberships = Memberships(conversations, settings.cached_members)
        fan_out = FanOut(registry, framed_push, clock, settings.fan_out)
        subscriptions = Subscriptions(bus, spawn)
        hosting = Hosting(streams, subscriptions)
        pushes = Pushes(fan_out, hosting)
        missing = Missing(streams, memberships, hosting, pushes, codec, clock, spawn)
        hosting.report(missing.expect, memberships.drop)
        pushes.report(missing.expect, missing.added, missing.unhosted)
        self._delivery = Delivery(pushes, memberships, bus, spawn)
        sender = Sender(codec, memberships, self._delivery, quota, log, settings.contacts)
        storing = Storing(streams, faults, partial(permit, policy=settings.contacts))
        batcher = Batcher(storing, settings, clock, spawn, sender.settle)
        self._asides = Asides(registry, self._delivery, framed_aside)
        self._retention = Retention(retention, settings.retention, clock, spawn)
        sender.feed(batcher)
        self.figures = batcher.figures
        self._connections, self._storing = connections, batcher.work
        self._sessions = Sessions(sessions, registry, subscriptions, hosting, self._delivery, quota, clock)
        self._bus, self._clock, self._spawn = bus, clock, spawn
        self._memberships = memberships
        self._drain_timeout = settings.drain_timeout
        work = (batcher.work, connections.requests, fan_out.work, self._delivery.work)
        incarnation = ids.new_id()
        watched = Watched(accounts, seen, presence, subscriptions, framed_person, clock, spawn)
        self._watching = watching = Watching(relations, watched, registry, self._delivery, clock, spawn)
        refresh, announce = settings.presence_refresh, watching.announce_people
        self._attendance = Attendance(incarnation, presence, seen, announce, refresh, clock, spawn)
        self._sessions.report(self._attendance.began, self._attendance.ended, watching.ended)
        revalidation = Revalidation(sessions, registry, self._sessions, clock, settings.touch_interval)
        interval = settings.revalidation_interval

        async def look() -> None:
            spawn("checking who is watched", watching.sweep())
            await revalidation.run()

        sweep = Sweep(bus, hosting, missing, look, clock, interval, spawn)
        self._lifecycle = Lifecycle(
            node_id, incarnation, address, status, connections, sweep, work, settings, clock, spawn, log
        )
        self.contacts = Contacts(
            contacts,
            self._delivery,
            memberships,
            Announcer(codec, ids.client_id),
            ids,
            limiter,
            settings.contact_requests,
            clock,
        )
        self.contacts.report(lambda user_id: watching.heard(RelationsChanged(user_id)))
        self.factory = ChatFactory(
            Services(
                settings=settings,
                connections=connections,
                sessions=self._sessions,
                sender=sender,
                reading=Reading(streams, accounts, quota),
                direct=Direct(conversations, self._delivery, codec, ids, quota, clock, settings.contacts),
                contacts=self.contacts,
                people=People(people, self._delivery, announcer, quota, watching.announce_people),
                devices=Devices(sessions, self._sessions, self._delivery, announcer, clock),
                attendance=self._attendance,
                watching=watching,
                conversations=Conversations(own_states, announcer, self._delivery, clock),
                positions=Positions(positions, announcer, self._delivery, self._asides, memberships, clock, spawn),
                typing_notices=TypingNotices(memberships, self._asides, clock, settings.contacts),
                quota=quota,
                faults=faults,
                clock=clock,
                turn=Turn(clock),
                spawn=spawn,
            )
        )

    @property
    def connections(self) -> int:
        """How many connections there are, with or without a session."""
        return len(self._connections)

    @property
    def pending(self) -> int:
        """How many messages were taken of which it is not known yet whether they are stored."""
        return self._storing.count

    def start(self) -> None:
        """Listen to the other parts, report, and look after sessions. The stores must be ready."""
        self._bus.listen(self._heard)
        self._attendance.start()
        self._lifecycle.start()
        self._retention.start()

    async def drain(self) -> None:
        """End in order; close the port first. Returns at the latest after ``drain_timeout`` (DESIGN: draining)."""
        self._retention.stop()
        deadline = self._clock.seconds() + self._drain_timeout
        await self._lifecycle.drain()
        self._watching.stop()
        leaving = Work()
        self._spawn("telling who leaves", self._leave(leaving))
        if (left := min(LEAVE, deadline - self._clock.seconds())) > 0:
            await within(self._clock, left, leaving.idle())

    async def _leave(self, leaving: Work) -> None:
        leaving.begin()
        try:
            await self._attendance.leave()
        finally:
            leaving.end()

    def _heard(self, channel: str, notice: Notice) -> None:
        if isinstance(notice, EventsAppended):
            self._delivery.heard(channel, notice)
        elif isinstance(notice, SessionsClosed):
            self._sessions.closed(notice)
        elif isinstance(notice, RelationsChanged):
            self._memberships.drop(notice.conversation_id)
            self._watching.heard(notice)
        elif isinstance(notice, PersonChanged):
            self._watching.heard(notice)
        elif isinstance(notice, ReceiptMoved | TypingSeen):
            self._asides.heard(channel, notice)
