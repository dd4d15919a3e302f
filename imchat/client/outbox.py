"""Sending: every message, and every act on one, is saved before it is sent, and sent until the server has answered.

What goes to one conversation keeps its order. The server refuses what follows a message that failed for a passing
reason until that message comes again; so after such a failure the lane of the conversation waits for all answers
under way, and then sends again from the first message that is not acknowledged.

Where the reason is the rate limit, the lane goes on with one message at a time and then gradually more: whatever is
under way when the limit is reached again is refused with it, and refused messages count towards another limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imchat.client.backoff import Timing, limited_delay, retry_delay
from imchat.client.connection import Connection
from imchat.client.errors import ClientError, Disconnected
from imchat.client.state import Change, OutboxEntry, StateStore
from imchat.client.tasks import Waiters
from imchat.domain.content import Content
from imchat.domain.errors import (
    IMError,
    Passing,
    RateLimited,
    SessionEnded,
    SessionReplaced,
    Unauthenticated,
    UpgradeRequired,
)
from imchat.net.background import as_deferred
from imchat.net.content import to_wire
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

WINDOW = 16
"""Messages of one conversation that may be on their way at the same time."""

_ABOUT_THE_SESSION = (Unauthenticated, SessionEnded, SessionReplaced, UpgradeRequired)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server's word that a message, or an act on one, is durable.

    Attributes:
        seq: Its place in the conversation.
        created_ms: Milliseconds UTC.
        ordinal: How many events up to and with this one count as unread for others; 0: not told.
    """

    conversation_id: int
    client_id: bytes
    seq: int
    created_ms: int
    ordinal: int = 0


@dataclass(slots=True)
class _Lane:
    """The messages to one conversation in order, by their ``order``; those in ``flying`` await an answer.

    Attributes:
        window: How many may await an answer, rounded down.
        failures: Failures in a row, those for the rate limit apart.
    """

    entries: dict[int, OutboxEntry] = field(default_factory=dict)
    flying: set[int] = field(default_factory=set)
    window: float = WINDOW
    failed: Passing | None = None
    failures: int = 0
    timer: IDelayedCall | None = None


class Outbox:
    """What is to be sent, saved in the state store.

    Args:
        acknowledged: Told of each message that the server has accepted, before its sender is.
        failed: Told of a fault that nobody waits for: the state store's.
    """

    def __init__(
        self,
        store: StateStore,
        clock: IReactorTime,
        fraction: Callable[[], float],
        timing: Timing,
        acknowledged: Callable[[OutboxEntry, Accepted], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._fraction = fraction
        self._timing = timing
        self._acknowledged = acknowledged
        self._failed = failed
        self._connection: Connection | None = None
        self._lanes: dict[int, _Lane] = {}
        self._senders: dict[int, Deferred[Accepted]] = {}
        self._watchers: Waiters[None] = Waiters()
        self._unsaved = 0
        self._next_order = 1
        self._stopped: ClientError | None = None

    # --- what the application does

    def load(self, entries: Iterable[OutboxEntry]) -> None:
        """Take over what an earlier run left."""
        for entry in entries:
            self._next_order = max(self._next_order, entry.order + 1)
            self.enqueue((entry,))

    def prepare(self, conversation_id: int, client_id: bytes, content: Content) -> OutboxEntry:
        """An entry that follows all earlier ones. It must be saved, then enqueued."""
        return self._entry(conversation_id, client_id, to_wire(content).SerializeToString(deterministic=True))

    def _entry(self, conversation_id: int, client_id: bytes, data: bytes, is_act: bool = False) -> OutboxEntry:
        entry = OutboxEntry(self._next_order, client_id, conversation_id, data, is_act)
        self._next_order += 1
        return entry

    def send(self, conversation_id: int, client_id: bytes, content: Content) -> Deferred[Accepted]:
        """Save a message, then send it until it is answered.

        Returns:
            A Deferred that fires when the server has accepted the message, and fails with the server's refusal or
            :class:`imchat.client.errors.Stopped`. Cancelling it does not take the message back.
        """
        if self._stopped is not None:
            return fail(self._stopped)
        return self._take(self.prepare(conversation_id, client_id, content))

    def act(self, conversation_id: int, client_id: bytes, frame: Frame) -> Deferred[Accepted]:
        """Save the frame of an act on a message, then send it until it is answered; as :meth:`send`."""
        if self._stopped is not None:
            return fail(self._stopped)
        data = frame.SerializeToString(deterministic=True)
        return self._take(self._entry(conversation_id, client_id, data, is_act=True))

    def _take(self, entry: OutboxEntry) -> Deferred[Accepted]:
        sender: Deferred[Accepted] = Deferred(lambda _: self._forget(entry.order))
        self._senders[entry.order] = sender
        self._unsaved += 1
        saved = as_deferred(self._store.commit(Change(added=(entry,))))
        saved.addCallbacks(lambda _: self._saved(entry), lambda failure: self._not_saved(entry, failure))
        return sender

    def _forget(self, order: int) -> None:
        self._senders.pop(order, None)

    def _saved(self, entry: OutboxEntry) -> None:
        self._unsaved -= 1
        self.enqueue((entry,))

    def _not_saved(self, entry: OutboxEntry, failure: Failure) -> None:
        self._unsaved -= 1
        sender = self._senders.pop(entry.order, None)
        if sender is not None:
            sender.errback(failure)
        self._failed(failure)

    def enqueue(self, entries: Iterable[OutboxEntry]) -> None:
        """Send entries that are saved."""
        for entry in entries:
            lane = self._lanes.setdefault(entry.conversation_id, _Lane())
            lane.entries[entry.order] = entry
            self._pump(lane)

    def when_empty(self) -> Deferred[None]:
        """A Deferred that fires when everything has been answered for."""
        if self._stopped is not None:
            return fail(self._stopped)
        watcher = self._watchers.add()
        self._check_empty()
        return watcher

    def _check_empty(self) -> None:
        if not self._lanes and not self._unsaved:
            self._watchers.fire(None)

    # --- the connection

    def connected(self, connection: Connection) -> None:
        """Send all that is not acknowledged, in order."""
        self._connection = connection
        for lane in list(self._lanes.values()):
            self._pump(lane)

    def disconnected(self) -> None:
        """What was under way is unknown and will be sent again."""
        self._connection = None
        for lane in self._lanes.values():
            lane.failed = None
            if lane.timer is not None and lane.timer.active():
                lane.timer.cancel()

    def stop(self, reason: ClientError) -> None:
        """Send nothing more; whoever waits for an acknowledgement is told why."""
        self._stopped = reason
        self.disconnected()
        senders, self._senders = self._senders, {}
        for sender in senders.values():
            if not sender.called:
                sender.errback(reason)
        self._watchers.fail(reason)

    def _pump(self, lane: _Lane) -> None:
        connection = self._connection
        if connection is None or lane.failed is not None:
            return
        for entry in list(islice(lane.entries.values(), int(lane.window))):
            if entry.order not in lane.flying:
                lane.flying.add(entry.order)
                self._fly(connection, lane, entry)

    def _fly(self, connection: Connection, lane: _Lane, entry: OutboxEntry) -> None:
        answer = connection.request(_frame(entry))
        answer.addCallbacks(
            lambda frame: self._accepted(lane, entry, frame), lambda failure: self._refused(lane, entry, failure)
        )
        answer.addErrback(self._failed)

    # --- answers

    def _accepted(self, lane: _Lane, entry: OutboxEntry, frame: Frame) -> None:
        if not frame.HasField("accepted") or not frame.accepted.seq:
            if self._connection is not None:
                self._connection.give_up("the server answered a message with something else")
            return
        lane.failures = 0
        lane.window = min(WINDOW, lane.window + 1 / lane.window)  # one more per window that got through
        said = frame.accepted
        accepted = Accepted(entry.conversation_id, entry.client_id, said.seq, said.created_ms, said.ordinal)
        self._acknowledged(entry, accepted)
        sender = self._finish(lane, entry)
        if sender is not None:
            sender.callback(accepted)

    def _refused(self, lane: _Lane, entry: OutboxEntry, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, Passing):
            lane.flying.discard(entry.order)
            lane.failed = _longer(lane.failed, error)
            self._settle(lane)
        elif isinstance(error, Disconnected):
            lane.flying.discard(entry.order)
        elif isinstance(error, _ABOUT_THE_SESSION):
            if self._connection is not None:
                self._connection.shut("the session is no longer valid")
        elif isinstance(error, IMError):
            sender = self._finish(lane, entry)
            if sender is not None:
                sender.errback(failure)
            else:
                _log.warn("a message from the outbox was refused: {code}", code=error.code)
        else:
            self._failed(failure)

    def _finish(self, lane: _Lane, entry: OutboxEntry) -> Deferred[Accepted] | None:
        lane.entries.pop(entry.order, None)
        lane.flying.discard(entry.order)
        as_deferred(self._store.commit(Change(removed=(entry.order,)))).addErrback(self._failed)
        if not lane.entries:
            self._lanes.pop(entry.conversation_id, None)
        self._settle(lane)
        self._check_empty()
        return self._senders.pop(entry.order, None)

    def _settle(self, lane: _Lane) -> None:
        if lane.failed is None:
            self._pump(lane)
        elif not lane.flying and lane.entries and self._connection is not None:
            lane.timer = self._clock.callLater(self._wait(lane, lane.failed), self._again, lane)

    def _wait(self, lane: _Lane, error: Passing) -> float:
        backoff, fraction = self._timing.backoff, self._fraction()
        if isinstance(error, RateLimited):
            lane.window = 1
            if error.retry_after_ms:
                return limited_delay(error.retry_after_ms, backoff, fraction)
        lane.failures += 1
        return retry_delay(error.retry_after_ms, backoff, lane.failures - 1, fraction)

    def _again(self, lane: _Lane) -> None:
        lane.failed = None
        self._pump(lane)


def _frame(entry: OutboxEntry) -> Frame:
    if entry.is_act:
        return Frame.FromString(entry.content)
    message = pb.SendMessage(conversation_id=entry.conversation_id, client_id=entry.client_id)
    message.content.ParseFromString(entry.content)
    return Frame(send_message=message)


def _longer(one: Passing | None, other: Passing) -> Passing:
    if one is None or (other.retry_after_ms or 0) > (one.retry_after_ms or 0):
        return other
    return one
