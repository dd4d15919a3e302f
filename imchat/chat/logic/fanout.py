"""Fan-out: an event to the connections of its members on this node, encoded once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.waiting import Work
from imchat.domain.models import Event, Member, Membership

EncodeEvent = Callable[[Event], bytes]
"""An event as it is pushed, ready for any connection."""


class _Job:
    """A fan-out under way.

    Args:
        event: What is pushed.
        recipients: Those who have not got it yet.
    """

    __slots__ = ("data", "event", "recipients")

    def __init__(self, event: Event, recipients: Iterator[Live]) -> None:
        self.event = event
        self.recipients = recipients
        self.data: bytes | None = None


class FanOut:
    """Pushes events.

    Args:
        registry: Who is here.
        encode: Encodes an event once for all connections.
        clock: Cuts large fan-outs over reactor turns.
        per_turn: Members of a stream up to which its fan-out is done at once; beyond it, so many in each turn.

    Attributes:
        work: Fan-outs that are not finished.
    """

    def __init__(self, registry: Registry, encode: EncodeEvent, clock: IReactorTime, per_turn: int) -> None:
        self._by_user = registry.by_user
        self._encode = encode
        self._clock = clock
        self._per_turn = per_turn
        self._jobs: deque[_Job] = deque()
        self._queued: dict[int, int] = {}
        self.work = Work()

    def to_user(self, event: Event, user_id: int) -> None:
        """Push an event to a user's connections."""
        self._deliver(_Job(event, iter(self._by_user.get(user_id, ()))), None)

    def behind(self, user_id: int, stream_id: int, last_seq: int) -> None:
        """Tell a user's connections that a stream goes up to a seq, not all of which was pushed to them."""
        for live in self._by_user.get(user_id, ()):
            live.connection.behind(stream_id, last_seq)

    def to_members(self, event: Event, membership: Membership, skip: tuple[Live, ...] = ()) -> None:
        """Push an event to the connections of those members who may see it.

        One that was changed since is read by each for themselves: what it says of reactions, whether one's own are
        among them, is not the same for all.

        Args:
            skip: Connections that know of it already.
        """
        members: Collection[Member] = membership.members.values()
        if event.target_seq and any(member.from_seq > event.target_seq for member in members):
            # They may see the event, and not the message that it is about.
            later = [member for member in members if member.from_seq > event.target_seq]
            members = [member for member in members if member.from_seq <= event.target_seq]
            self._push(replace(event, quote=None, target=None), later, skip)
        self._push(event, members, skip)

    def _push(self, event: Event, members: Collection[Member], skip: tuple[Live, ...]) -> None:
        stream_id = event.stream_id
        job = _Job(event, self._recipients(event, members, skip))
        if len(members) <= self._per_turn and stream_id not in self._queued:
            self._deliver(job, None)
            return
        # A small one, too, waits behind a large one of its own stream: pushes of a stream stay in order.
        self._queued[stream_id] = self._queued.get(stream_id, 0) + 1
        self._jobs.append(job)
        self.work.begin()
        if len(self._jobs) == 1:
            self._clock.callLater(0, self._go_on)

    def _recipients(self, event: Event, members: Iterable[Member], skip: tuple[Live, ...]) -> Iterator[Live]:
        by_user = self._by_user
        for member in members:
            if member.user_id in by_user and member.from_seq <= event.seq:
                for live in by_user[member.user_id]:
                    if live not in skip:
                        yield live

    def _deliver(self, job: _Job, limit: int | None) -> int:
        event, done = job.event, 0
        for live in islice(job.recipients, limit):
            done += 1
            if event.changed_seq:
                live.connection.behind(event.stream_id, event.seq)
                continue
            if job.data is None:
                job.data = self._encode(event)
            live.connection.push(event.stream_id, event.seq, job.data)
        return done

    def _go_on(self) -> None:
        room = self._per_turn
        while self._jobs and room > 0:
            job = self._jobs[0]
            done = self._deliver(job, room)
            if done == room:
                break
            room -= done
            self._finish(self._jobs.popleft())
        if self._jobs:
            self._clock.callLater(0, self._go_on)

    def _finish(self, job: _Job) -> None:
        stream_id = job.event.stream_id
        self._queued[stream_id] -= 1
        if not self._queued[stream_id]:
            del self._queued[stream_id]
        self.work.end()
