"""Stand-ins around the logic of a chat node."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imchat.chat.logic.connection import Hold
from imchat.domain.content import is_message
from imchat.domain.errors import IMError
from imchat.domain.models import (
    ConversationKind,
    Device,
    Draft,
    Event,
    EventRange,
    Head,
    HostedStream,
    Member,
    Membership,
    NodeReport,
    Refused,
    Session,
    Stored,
)
from imchat.ports import FlushResult, Notice, Permit


def membership(conversation_id: int, *user_ids: int, kind=ConversationKind.DIRECT, version: int = 1) -> Membership:
    """A conversation whose members see all of it."""
    return Membership(conversation_id, kind, version, {user_id: Member(user_id, 0, 1) for user_id in user_ids})


def session(user_id: int, device_id: str = "phone", generation: int = 1) -> Session:
    """A session without a past."""
    return Session(user_id, f"user{user_id}", Device(device_id, "", ""), generation, 0, 0)


class RecordingConnection:
    """A connection of the logic that keeps what it is told.

    Attributes:
        told: In order: ("accepted", tag, seq, resent), ("refused", tag, code), ("push", stream, seq).
        ended: The code of the goodbye, "move" or "abort"; None while it stands.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.told: list[tuple[object, ...]] = []
        self.errors: dict[int, IMError] = {}
        self.data: list[bytes] = []
        self.holds: set[Hold] = set()
        self.ended: str | None = None
        self.move_after_ms: int | None = None
        self.on_end: Callable[[RecordingConnection], None] = lambda _: None

    def accepted(self, tag: int, event: Event, resent: bool) -> None:
        self.told.append(("accepted", tag, event.seq, resent))

    def refused(self, tag: int, error: IMError) -> None:
        self.errors[tag] = error
        self.told.append(("refused", tag, error.code))

    def push(self, stream_id: int, seq: int, data: bytes) -> None:
        self.data.append(data)
        self.told.append(("push", stream_id, seq))

    def behind(self, stream_id: int, last_seq: int) -> None:
        self.told.append(("behind", stream_id, last_seq))

    def tell(self, data: bytes) -> bool:
        self.told.append(("tell", data))
        return True

    def goodbye(self, error: IMError) -> None:
        self._end(error.code)

    def move(self, after_ms: int) -> None:
        self.move_after_ms = after_ms
        self._end("move")

    def abort(self) -> None:
        self._end("abort")

    def _end(self, how: str) -> None:
        if self.ended is None:
            self.ended = how
            self.on_end(self)

    def hold(self, reason: Hold) -> None:
        self.holds.add(reason)

    def release(self, reason: Hold) -> None:
        self.holds.discard(reason)

    def answers(self) -> dict[int, tuple[object, ...]]:
        """The last answer under each tag: ("accepted", seq) or ("refused", code)."""
        return {entry[1]: (entry[0], entry[2]) for entry in self.told if entry[0] != "push"}

    def pushes(self) -> list[tuple[object, object]]:
        """(stream, seq) of each push."""
        return [(entry[1], entry[2]) for entry in self.told if entry[0] == "push"]


@dataclass
class StoredEvent:
    event: Event
    digest: bytes


class MemoryStreams:
    """The part of :class:`imchat.ports.StreamStore` that a node needs, in dictionaries, with the same rules.

    Attributes:
        memberships: By conversation; put here what exists.
        flushes: The drafts of each flush, in order.
        faults: What the coming flushes meet, one each: an exception raised before anything is stored, a pair
            ("after", exception) raised when all is, or None.
        poison: Drafts whose content has these bytes make every flush fail that holds one.
        contended: So does a draft of such a stream, by locks.
        kept: Drafts of such a stream are refused, for others keep it locked.
        failure: Raised by what only reads, while it is set.
        asked: The ids of each look at heads.
        reads: (stream, reader, after) of each read.
        held_reads: Where a list, reads wait in it.
    """

    def __init__(self, *memberships: Membership) -> None:
        self.memberships = {found.conversation_id: found for found in memberships}
        self.events: dict[int, list[StoredEvent]] = {}
        self.flushes: list[list[Draft]] = []
        self.faults: list[object] = []
        self.poison: bytes | None = None
        self.contended: set[int] = set()
        self.kept: set[int] = set()
        self.contention: Callable[[], Exception] | None = None
        self.running = 0
        self.failure: Exception | None = None
        self.asked: list[tuple[int, ...]] = []
        self.reads: list[tuple[int, int, int]] = []
        self.held_reads: list[Deferred[None]] | None = None
        self._held: list[Deferred[None]] | None = None

    def hold(self) -> None:
        """From now on a flush waits for :meth:`step`."""
        self._held = []

    def step(self) -> None:
        """Let the one flush that waits go on."""
        assert self._held, "no flush waits"
        self._held.pop(0).callback(None)

    @property
    def waiting(self) -> bool:
        return bool(self._held)

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        assert not self.running, "two flushes at once"
        self.running += 1
        self.flushes.append(list(drafts))
        try:
            if self._held is not None:
                held: Deferred[None] = Deferred()
                self._held.append(held)
                await held
            return self._flush(drafts, permit)
        finally:
            self.running -= 1

    def _flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if self.poison is not None and any(self.poison in draft.content for draft in drafts):
            raise ValueError("a draft that the store cannot take")
        if self.contention is not None and any(draft.stream_id in self.contended for draft in drafts):
            raise self.contention()
        reloaded: dict[int, Membership] = {}
        outcomes = [self._store(draft, permit, reloaded) for draft in drafts]
        if isinstance(fault, tuple):
            raise fault[1]
        return FlushResult(outcomes, reloaded, frozenset(self.kept.intersection(draft.stream_id for draft in drafts)))

    def _store(self, draft: Draft, permit: Permit, reloaded: dict[int, Membership]) -> Stored | Refused:
        stream = self.events.setdefault(draft.stream_id, [])
        for stored in stream:
            if (stored.event.sender_id, stored.event.client_id) == (draft.sender_id, draft.client_id):
                return Stored(stored.event, True) if stored.digest == draft.digest else Refused("conflict")
        if draft.stream_id in self.kept:
            return Refused("unavailable")
        if draft.refusal is not None:
            return Refused(draft.refusal)
        members = self.memberships.get(draft.stream_id)
        if members is None:
            return Refused("not_found")
        if members.version != draft.member_version:
            reloaded[draft.stream_id] = members
            code = permit(draft, members)
            if code is not None:
                return Refused(code)
        ordinal = (stream[-1].event.ordinal if stream else 0) + is_message(draft.kind)
        seq = len(stream) + 1
        event = Event(draft.stream_id, seq, draft.sender_id, draft.client_id, draft.kind, draft.content, ordinal, seq)
        if draft.target:
            event = replace(event, target_seq=draft.target)
        stream.append(StoredEvent(event, draft.digest))
        return Stored(event)

    async def hosted(self, user_id: int) -> list[HostedStream]:
        self._ask()
        of = [found for found in self.memberships.values() if user_id in found.members]
        conversations = [HostedStream(one.conversation_id, self.last_seq(one.conversation_id), one.kind) for one in of]
        return [HostedStream(user_id, self.last_seq(user_id), None), *conversations]

    async def heads(self, stream_ids: Sequence[int]) -> dict[int, Head]:
        self.asked.append(tuple(stream_ids))
        self._ask()
        return {stream_id: head(stream_id, self.last_seq(stream_id)) for stream_id in stream_ids}

    async def read(
        self,
        stream_id: int,
        reader_id: int,
        *,
        after: int,
        before: int,
        limit: int,
        max_bytes: int,
        for_others: bool = False,
    ) -> EventRange | None:
        assert for_others, "what one member deleted for themselves is missing for others"
        self.reads.append((stream_id, reader_id, after))
        self._ask()
        if self.held_reads is not None:
            held: Deferred[None] = Deferred()
            self.held_reads.append(held)
            await held
        member = Member(reader_id, 0, 1)
        if stream_id != reader_id:
            found = self.memberships[stream_id].members.get(reader_id)
            if found is None:
                return None
            member = found
        high, last_seq = min(before - 1, self.last_seq(stream_id)), self.last_seq(stream_id)
        seen = [one.event for one in self.events.get(stream_id, [])]
        seen = [one for one in seen if max(after + 1, member.from_seq) <= one.seq <= high][:limit]
        cut = len(seen) == limit
        return EventRange(stream_id, after + 1, seen[-1].seq if cut else high, last_seq, tuple(seen))

    def last_seq(self, stream_id: int) -> int:
        return len(self.events.get(stream_id, []))

    def put(self, event: Event) -> None:
        """Store an event as another node would."""
        assert event.seq == self.last_seq(event.stream_id) + 1
        self.events.setdefault(event.stream_id, []).append(StoredEvent(event, b""))

    def _ask(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def membership(self, conversation_id: int) -> Membership | None:
        """:class:`imchat.ports.ConversationStore`'s."""
        return self.memberships.get(conversation_id)

    def contents(self, stream_id: int) -> list[bytes]:
        """What is stored, in order."""
        return [stored.event.content for stored in self.events.get(stream_id, [])]


class MemorySessions:
    """A :class:`imchat.ports.SessionStore` of what a test puts in, that answers when the test says.

    Attributes:
        rows: Session by token hash.
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, Session] = {}
        self.touched: list[tuple[int, str]] = []
        self.failure: Exception | None = None
        self.held: list[Deferred[None]] | None = None

    def add(self, token_hash: bytes, user_id: int, device_id: str = "phone") -> None:
        self.rows[token_hash] = session(user_id, device_id, generation=0)

    async def _pass(self) -> None:
        if self.failure is not None:
            raise self.failure
        if self.held is not None:
            held: Deferred[None] = Deferred()
            self.held.append(held)
            await held

    async def hello(self, token_hash: bytes, device_id: str, now_ms: int, address: str = "") -> Session | None:
        found = self.rows.get(token_hash)
        if found is not None and found.device.device_id == device_id:
            found = self.rows[token_hash] = replace(found, generation=found.generation + 1)
        else:
            found = None
        await self._pass()
        return found

    async def generations(self, sessions: Iterable[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
        if self.failure is not None:
            raise self.failure
        rows = {(row.user_id, row.device.device_id): row.generation for row in self.rows.values()}
        return {key: rows[key] for key in sessions if key in rows}

    async def touch(self, sessions: Iterable[tuple[int, str]], now_ms: int) -> None:
        self.touched.extend(sessions)


@dataclass
class RecordingBus:
    """An :class:`imchat.ports.Bus` that keeps what is published and subscribed; fails or waits as it is told."""

    published: list[tuple[str, Notice]] = field(default_factory=list)
    publications: int = 0
    channels: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failure: Exception | None = None
    held: list[Deferred[None]] | None = None
    receive: Callable[[str, Notice], None] | None = None
    suspect: bool = False
    suspected: Callable[[str], None] | None = None

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        if self.failure is not None:
            raise self.failure
        self.publications += 1
        self.published.extend(notices)

    async def subscribe(self, channels: Sequence[str]) -> None:
        self.calls += [("subscribe", channel) for channel in channels]
        if self.held is not None:
            held: Deferred[None] = Deferred()
            self.held.append(held)
            await held
        if self.failure is not None:
            raise self.failure
        self.channels.update(channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        self.calls += [("unsubscribe", channel) for channel in channels]
        self.channels.difference_update(channels)

    def listen(self, receive: Callable[[str, Notice], None]) -> None:
        self.receive = receive

    def watch(self, suspected: Callable[[str], None]) -> None:
        self.suspected = suspected


class RecordingStatus:
    """The part of :class:`imchat.ports.StatusPort` that a chat node uses."""

    def __init__(self) -> None:
        self.reports: list[NodeReport] = []
        self.failure: Exception | None = None

    async def report(self, report: NodeReport) -> None:
        if self.failure is not None:
            raise self.failure
        self.reports.append(report)


class RandomFaults:
    """Puts faults before a store's flushes, by a seed."""

    def __init__(self, random_: random.Random, chance: float, make: Callable[[], object]) -> None:
        self._random = random_
        self._chance = chance
        self._make = make

    def refill(self, streams: MemoryStreams) -> None:
        streams.faults = [self._make() if self._random.random() < self._chance else None for _ in range(3)]


class TurnClock(Clock):
    """A clock whose reactor turns can be told apart: what a turn asks for without delay is done in the next."""

    def turn(self) -> None:
        due = [call for call in self.getDelayedCalls() if call.getTime() <= self.seconds()]
        for call in due:
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


def turns(clock: Clock, count: int = 5) -> None:
    """Let so many reactor turns pass."""
    for _ in range(count):
        clock.advance(0)


def head(stream_id: int, last_seq: int) -> Head:
    return Head(stream_id, last_seq, last_seq, last_seq, 1, 0)
