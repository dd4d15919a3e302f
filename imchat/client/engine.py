"""The inside of a client: wires session, connection, receiving and sending together, and ends them together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from imchat.client.backoff import retry_delay
from imchat.client.connection import Connection
from imchat.client.errors import Disconnected, Stopped
from imchat.client.inbox import Received, Step
from imchat.client.keeper import Keeper
from imchat.client.login import Credentials
from imchat.client.marks import DeliveredMarks
from imchat.client.options import Options, Outside, Status
from imchat.client.outbox import Accepted, Outbox
from imchat.client.receiver import Receiver
from imchat.client.state import Change, OutboxEntry, SavedSession
from imchat.client.tasks import Tasks, Waiters
from imchat.client.translate import received
from imchat.client.turn import Turn
from imchat.domain.content import Content
from imchat.domain.errors import Passing
from imchat.domain.models import SYSTEM_SENDER
from imchat.net.background import as_deferred, sleep
from imchat.net.content import from_wire
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

Handler = Callable[[Turn], Awaitable[None]]
"""Handles one event. Handlers of one stream run one after another, those of different streams side by side."""


class Engine:
    """See :class:`imchat.client.client.Client`; this class is the :class:`imchat.client.link.LinkUser`.

    Attributes:
        background: What runs until the client ends.
        on_synced: Told after each login, when it is known what there is in which stream.
        on_skipped: Told when the private stream went on so far that its events are not replayed.
        on_push: Gets each pushed frame that is no event.
    """

    def __init__(self, outside: Outside, handler: Handler | None, options: Options) -> None:
        clock, fraction, timing = outside.clock, outside.ids.fraction, options.timing
        self.clock = clock
        self.ids = outside.ids
        self._store = outside.store
        self._handler = handler
        self._timing = timing
        self._on_status = options.on_status
        self.keeper = Keeper(outside, options, self)
        self.outbox = Outbox(outside.store, clock, fraction, timing, self._acknowledged, self._failed)
        self._receiver = Receiver(clock, fraction, timing, self._handle, options.newest, self._failed)
        self._receiver.skip_private(options.private_lag, self._skipped)
        self.background = Tasks(self._failed)
        self.on_synced: list[Callable[[], None]] = []
        self.on_skipped: list[Callable[[], None]] = []
        self.on_push: Callable[[Frame], None] | None = None
        self._marks: DeliveredMarks | None = None
        if handler is not None and options.delivered:
            self._marks = DeliveredMarks(clock, self.call, self.background.start)
        self._connection: Connection | None = None
        self._tasks: list[Deferred[None]] = []
        self._waiting: Waiters[Connection] = Waiters()
        self._watchers: Waiters[None] = Waiters()
        self._reason: Exception | None = None
        self._ending = False
        self._ended = False

    # --- beginning and end

    def start(self, credentials: Credentials | None, session: SavedSession | None) -> Deferred[None]:
        """Get a session, then connect in the background."""
        started = Deferred.fromCoroutine(self._start(credentials, session))
        self._tasks.append(started)
        return started

    async def _start(self, credentials: Credentials | None, session: SavedSession | None) -> None:
        try:
            saved = await self.keeper.begin(credentials, session)
        except CancelledError as error:
            raise Stopped("the client was stopped") from error
        if self._handler is not None:
            self._receiver.load(saved.positions, 0 if self.keeper.session is None else self.keeper.session.user_id)
        self.outbox.load(saved.outbox)
        running = Deferred.fromCoroutine(self.keeper.run())
        self._tasks.append(running)
        running.addErrback(self._run_failed)

    def _run_failed(self, failure: Failure) -> None:
        if not self._ending:
            self._end(failure.value)

    def _failed(self, failure: Failure) -> None:
        if not self._ending:
            _log.failure("the client cannot go on", failure=failure)
            self._end(failure.value)

    def _end(self, reason: BaseException | None) -> None:
        """Begin to end, with the reason for the application; later reasons change nothing."""
        if not self._ending:
            self._ending = True
            self._reason = reason if isinstance(reason, Exception) else None
            as_deferred(self._shut_down()).addBoth(self._is_down)

    async def _shut_down(self) -> None:
        stopped = Stopped("the client was stopped" if self._reason is None else f"the client ended: {self._reason}")
        if self._reason is not None:
            self._waiting.fail(stopped)
        await self._receiver.stop(self._timing.handlers)
        await self.background.stop()
        self._waiting.fail(stopped)
        self.outbox.stop(stopped)
        await self.keeper.stop()
        for task in self._tasks:
            task.cancel()
        await self._store.close()

    def _is_down(self, result: object) -> None:
        if isinstance(result, Failure):
            _log.failure("the client did not end in order", failure=result)
        self._ended = True
        if self._reason is None:
            self._watchers.fire(None)
        else:
            self._watchers.fail(self._reason)

    def when_closed(self) -> Deferred[None]:
        """Fires when the client has ended: with None if it was stopped, else with the reason as failure."""
        if not self._ended:
            return self._watchers.add()
        return succeed(None) if self._reason is None else fail(self._reason)

    def stop(self) -> Deferred[None]:
        """End in order; fires when everything is closed and saved."""
        self._end(None)
        stopped = self.when_closed()
        return stopped.addErrback(lambda _: None)

    # --- requests

    async def call(self, frame: Frame) -> Frame:
        """Make a request that may be repeated, over as many connections as it takes."""
        attempt = 0
        while True:
            connection = await self._connected()
            try:
                return await connection.request(frame)
            except Disconnected:
                await sleep(self.clock, 0)
            except Passing as error:
                if (error.retry_after_ms or 0) > self._timing.patience * 1000:
                    # Nobody waits a day for an answer: who asked decides what then.
                    raise
                delay = retry_delay(error.retry_after_ms, self._timing.backoff, attempt, self.ids.fraction())
                attempt += 1
                await sleep(self.clock, delay)

    def _connected(self) -> Deferred[Connection]:
        # One that is closing takes no requests any more, and lasts until the other side is done with it.
        if self._connection is not None and self._connection.usable:
            return succeed(self._connection)
        if self._ended or self._reason is not None:
            return fail(Stopped("the client was stopped"))
        return self._waiting.add()

    # --- what the link tells

    async def connected(self, connection: Connection, welcome: pb.Welcome) -> None:
        """Logged in."""
        self._connection = connection
        self._waiting.fire(connection)
        self.outbox.connected(connection)
        if self._handler is not None:
            await self._receiver.connected(connection)
        for tell in self.on_synced:
            tell()

    def _skipped(self) -> None:
        for tell in self.on_skipped:
            tell()

    def disconnected(self) -> None:
        """The connection is gone."""
        self._connection = None
        self.outbox.disconnected()
        self._receiver.disconnected()

    def pushed(self, frame: Frame) -> None:
        """The node pushed something."""
        if frame.HasField("event"):
            if self._handler is not None:
                self._receiver.event(received(frame.event))
        elif frame.HasField("stream_at"):
            self.happened(frame.stream_at.stream_id, frame.stream_at.last_seq)
        elif self.on_push is not None:
            self.on_push(frame)

    def happened(self, stream_id: int, seq: int) -> None:
        """A stream has events up to ``seq`` that are not pushed to this connection."""
        if self._handler is not None:
            self._receiver.stream_at(stream_id, seq)

    def routed(self, session: SavedSession) -> None:
        """The gate told other nodes."""
        if not self._ending and session != self.keeper.session:
            self.keeper.session = session
            as_deferred(self._store.commit(Change(session=session))).addErrback(self._failed)

    def status(self, status: Status, detail: str) -> None:
        """The link does something else now."""
        if self._on_status is not None:
            self._on_status(status, detail)

    # --- events

    def _acknowledged(self, entry: OutboxEntry, accepted: Accepted) -> None:
        if self._handler is None or self.keeper.session is None:
            return
        if entry.is_act:
            # How the message stands now is for the server to say.
            self.happened(entry.conversation_id, accepted.seq)
            return
        # The sending connection gets no push of its own message: the acknowledgement stands in its place.
        content = from_wire(pb.Content.FromString(entry.content))
        user_id = self.keeper.session.user_id
        place = (entry.conversation_id, accepted.seq, user_id, entry.client_id)
        self._receiver.event(Received(*place, content, accepted.created_ms, accepted.ordinal))

    async def _handle(self, stream_id: int, step: Step) -> None:
        replies = [] if step.event is None else await self._replies(step.event)
        added = tuple(self.outbox.prepare(*reply) for reply in replies)
        position = {stream_id: step.seq}
        change = Change(set_back=position) if step.back else Change(positions=position, added=added)
        await self._store.commit(change)
        self.outbox.enqueue(added)
        if step.event is not None:
            self._mark(step.event)

    def _mark(self, event: Received) -> None:
        own = 0 if self.keeper.session is None else self.keeper.session.user_id
        if self._marks is not None and event.stream_id != own and event.sender_id not in (own, SYSTEM_SENDER):
            self._marks.note(event.stream_id, event.seq)

    async def _replies(self, event: Received) -> list[tuple[int, bytes, Content]]:
        if self._handler is None or self.keeper.session is None:
            return []
        turn = Turn(event, self.keeper.session.user_id)
        try:
            await self._handler(turn)
        except (CancelledError, Stopped):
            raise  # interrupted: it will run again
        except Exception:
            # A fault of the application must not stop the stream; what it wanted to send is dropped with it.
            _log.failure("the handler of event {seq} of stream {stream} failed", stream=event.stream_id, seq=event.seq)
            return []
        finally:
            replies = turn.end()
        return replies
