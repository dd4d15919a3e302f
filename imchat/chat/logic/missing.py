"""What was lost on its way to this node: noticed, waited for a moment, and fetched once for all who are here."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imchat.chat.logic.hosting import Hosted, Hosting
from imchat.chat.logic.members import Memberships
from imchat.chat.logic.pushes import Pushes
from imchat.domain.content import ContentCodec, ConversationAdded
from imchat.domain.errors import Unavailable
from imchat.domain.models import ConversationKind, Event, Member, Membership
from imchat.ports import Spawn, StreamStore

PATIENCE = 0.2
"""Seconds for a missing event to come by itself: it may be on its way, or in a flush of this node."""

RETRY = 3.0
"""Seconds until the store is asked again when it did not answer."""

EVENTS_AT_ONCE = 200
BYTES_AT_ONCE = 1024 * 1024


class Missing:
    """Fetches what was not heard.

    Args:
        store: The streams.
        memberships: Who is to hear.
        hosting: What is hosted, and how far it was pushed.
        pushes: Takes what was fetched.
        codec: To read of conversations to which users are added.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self,
        store: StreamStore,
        memberships: Memberships,
        hosting: Hosting,
        pushes: Pushes,
        codec: ContentCodec,
        clock: IReactorTime,
        spawn: Spawn,
    ) -> None:
        self._store = store
        self._memberships = memberships
        self._hosting = hosting
        self._pushes = pushes
        self._codec = codec
        self._clock = clock
        self._spawn = spawn
        # When each stream is due; by insertion in the order of time.
        self._due: dict[int, float] = {}
        self._not_before = 0.0
        self._call: IDelayedCall | None = None
        self._running = False
        self._stopped = False

    def stop(self) -> None:
        """Fetch no more."""
        self._stopped = True
        self._due.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def expect(self, stream_id: int, seq: int) -> None:
        """A stream has events up to a seq: fetch those that do not come by themselves."""
        stream = self._hosting.get(stream_id)
        if stream is None or seq <= stream.seq or self._stopped:
            return
        stream.known = max(stream.known, seq)
        if stream_id not in self._due:
            self._due[stream_id] = self._clock.seconds() + PATIENCE
            self._arm()

    async def check(self, stream_ids: Sequence[int]) -> None:
        """Compare the heads of streams with what was pushed.

        Raises:
            Unavailable: they cannot be read now.
        """
        for stream_id, head in (await self._store.heads(stream_ids)).items():
            self._memberships.drop_older(stream_id, head.member_version)
            self.expect(stream_id, head.last_seq)

    # --- conversations that this node did not know

    def added(self, event: Event, late: bool) -> None:
        """Host the conversation to which a user was added by an event of their private stream.

        Args:
            late: The event had to be fetched, so that what was said there since may not have been heard either.
        """
        content = self._codec.decode(event.kind, event.content)
        if isinstance(content, ConversationAdded):
            self._spawn("hosting a conversation", self._host(event.stream_id, content, late))

    async def _host(self, user_id: int, added: ConversationAdded, late: bool) -> None:
        conversation_id, seq = added.conversation_id, 0
        try:
            if added.conversation_kind != ConversationKind.DIRECT:
                # Of a group they may see what came after them.
                membership = await self._memberships.load(conversation_id)
                if membership is None or user_id not in membership.members:
                    return
                seq = membership.members[user_id].from_seq - 1
            stream = None if self._hosting.hears(user_id, conversation_id) else self._hosting.get(conversation_id)
            confirmed = self._hosting.add(user_id, conversation_id, seq, ConversationKind(added.conversation_kind))
            if stream is not None and stream.seq > seq:
                # Another member is here who came when something had been said: it was not pushed, as they read it.
                self._pushes.behind(user_id, conversation_id, stream.seq)
            if confirmed is not None:
                await confirmed
            if late or confirmed is not None:
                await self.check([conversation_id])
        except Unavailable:
            # The store tells the log, and the sweep finds what was said.
            return

    def unhosted(self, membership: Membership) -> Hosted | None:
        """Host a conversation that is not hosted, for those of its members here who were not known to be in it."""
        here = [member for member in membership.members.values() if self._hosting.loaded(member.user_id)]
        seq = min((member.from_seq for member in here), default=1) - 1
        for member in here:
            self._hosting.add(member.user_id, membership.conversation_id, seq, membership.kind)
        return self._hosting.get(membership.conversation_id)

    # --- fetching

    def _arm(self) -> None:
        if self._call is None and not self._running and self._due:
            due = max(next(iter(self._due.values())), self._not_before)
            self._call = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._go)

    def _go(self) -> None:
        self._call = None
        self._running = True
        self._spawn("fetching what was not heard", self._fetch_due())

    async def _fetch_due(self) -> None:
        try:
            while self._due:
                stream_id, due = next(iter(self._due.items()))
                if due > self._clock.seconds():
                    return
                del self._due[stream_id]
                await self._fetch_or_retry(stream_id)
        except Unavailable:
            self._not_before = self._clock.seconds() + RETRY
        finally:
            self._running = False
            self._arm()

    async def _fetch_or_retry(self, stream_id: int) -> None:
        stream = self._hosting.get(stream_id)
        if stream is None or stream.seq >= stream.known:
            return
        try:
            await self._fetch(stream_id, stream)
        except Unavailable:
            if not self._stopped:
                self._due = {stream_id: self._clock.seconds(), **self._due}
            raise

    async def _fetch(self, stream_id: int, stream: Hosted) -> None:
        while stream.seq < stream.known:
            membership: Membership | None = None
            reader_id: int | None = stream_id
            if not stream.private:
                membership = await self._memberships.load(stream_id)
                reader_id = self._reader(membership)
            known = stream.known
            if reader_id is None or not await self._page(stream_id, stream, reader_id, membership, known):
                # None of it is for anybody here.
                self._pushes.passed(stream, known)
            if self._hosting.get(stream_id) is not stream:
                return

    def _reader(self, membership: Membership | None) -> int | None:
        """The member here who sees all that any member here may see."""
        if membership is None:
            return None
        here = [member for member in membership.members.values() if self._hosting.loaded(member.user_id)]
        return min(here, key=_from_seq).user_id if here else None

    async def _page(
        self, stream_id: int, stream: Hosted, reader_id: int, membership: Membership | None, known: int
    ) -> bool:
        found = await self._store.read(
            stream_id,
            reader_id,
            after=stream.seq,
            before=known + 1,
            limit=EVENTS_AT_ONCE,
            max_bytes=BYTES_AT_ONCE,
            for_others=True,
        )
        if self._hosting.get(stream_id) is not stream:
            return True
        if found is None or found.to_seq < found.from_seq:
            return False
        for event in found.events:
            self._pushes.fetched(stream, event, membership)
        self._pushes.passed(stream, found.to_seq)
        return True


def _from_seq(member: Member) -> int:
    return member.from_seq
