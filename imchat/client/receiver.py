"""Receiving: every event of every stream reaches the application once and in order, whatever is lost on the way.

Pushes go into the streams (:mod:`imchat.client.inbox`); what is missing is read by ``Sync`` at each connection and
by ``History`` where a hole stays open. A stream's events are handled one after another; its position and the
messages that the handler wants to send are saved together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from itertools import islice

from twisted.internet.defer import DeferredSemaphore
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imchat.client.backoff import Timing, retry_delay
from imchat.client.connection import Connection
from imchat.client.errors import Disconnected
from imchat.client.inbox import InStream, Received, Step
from imchat.client.tasks import Tasks
from imchat.client.translate import received
from imchat.domain.errors import IMError, Internal, Passing
from imchat.net.background import sleep
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

MAX_POSITIONS = 20_000
"""Positions that one ``Sync`` may tell."""

FETCHES = 4
"""Streams that are read by ``History`` at the same time."""


Handle = Callable[[int, Step], Awaitable[None]]
"""Handles the next step of a stream and saves the position."""


class Receiver:
    """All streams of a user.

    Args:
        handle: Called for each step of a stream, one at a time per stream.
        newest: Where a client that has no positions yet begins: None at the beginning of each stream, else with so
            many of its newest events.
        failed: Told of a fault that nobody waits for.
    """

    def __init__(
        self,
        clock: IReactorTime,
        fraction: Callable[[], float],
        timing: Timing,
        handle: Handle,
        newest: int | None,
        failed: Callable[[Failure], None],
    ) -> None:
        self._clock = clock
        self._fraction = fraction
        self._timing = timing
        self._handle = handle
        self._newest = newest
        self._failed = failed
        self._streams: dict[int, InStream] = {}
        self._connection: Connection | None = None
        self._fetching: set[int] = set()
        self._handling: set[int] = set()
        self._slots = DeferredSemaphore(FETCHES)
        self._fetches = Tasks(failed)
        self._handlers = Tasks(failed)
        self._stopped = False
        self._private_id = 0
        self._lag: int | None = None
        self._skipped: Callable[[], None] = lambda: None

    def skip_private(self, lag: int | None, skipped: Callable[[], None]) -> None:
        """When the private stream is more than ``lag`` events ahead at a login, go to its end and tell."""
        self._lag, self._skipped = lag, skipped

    def load(self, positions: Mapping[int, int], private_id: int = 0) -> None:
        """Take over where an earlier run was."""
        self._private_id = private_id
        self._streams = {stream_id: InStream(stream_id, seq) for stream_id, seq in positions.items()}
        if positions:
            self._newest = None

    # --- the connection

    async def connected(self, connection: Connection) -> None:
        """Ask what is new, page by page; pushes may come meanwhile.

        Raises:
            Disconnected: the connection ended.
            IMError: the node refuses for good.
        """
        self._connection = connection
        # Streams beyond the limit count as unknown to the server: it tells more than it must, no harm is done.
        given = {s.stream_id: s.frontier for s in islice(self._streams.values(), MAX_POSITIONS)}
        positions = [pb.Position(stream_id=stream_id, seq=seq) for stream_id, seq in given.items()]
        cursor, attempt = b"", 0
        while True:
            try:
                answer = await connection.request(Frame(sync=pb.Sync(positions=positions, cursor=cursor)))
            except Passing as error:
                delay = retry_delay(error.retry_after_ms, self._timing.backoff, attempt, self._fraction())
                await connection.pause(delay)
                attempt += 1
                continue
            for state in answer.sync_result.streams:
                self._synced(state, given.get(state.stream_id, 0))
            cursor, attempt = answer.sync_result.next_cursor, 0
            if not cursor:
                break
        self._newest = None

    def _synced(self, state: pb.StreamState, given: int) -> None:
        stream = self._stream(state.stream_id, state.last_seq)
        if state.last_seq < given:
            _log.warn("stream {id} ends below its position: the server was set back", id=state.stream_id)
            stream.set_back(state.last_seq)
        stream.announce(state.last_seq)
        if self._far_behind(stream):
            stream.cover(stream.frontier + 1, stream.head, ())
            self._skipped()
        elif state.to_seq:
            stream.cover(state.from_seq, state.to_seq, map(received, state.events))
        self._advance(stream, wait=False)

    def _far_behind(self, stream: InStream) -> bool:
        private = stream.stream_id == self._private_id
        return private and self._lag is not None and stream.head - stream.frontier > self._lag

    def disconnected(self) -> None:
        """Nothing can be fetched until the next connection."""
        self._connection = None

    async def stop(self, patience: float) -> None:
        """Begin no more handlers; wait for those that run, at most ``patience`` seconds, then cancel them."""
        self._stopped = True
        await self._fetches.stop()
        timer = self._clock.callLater(patience, self._handlers.cancel)
        await self._handlers.idle()
        if timer.active():
            timer.cancel()

    # --- what arrives

    def event(self, event: Received) -> None:
        """An event was pushed, or is one's own and was acknowledged."""
        stream = self._stream(event.stream_id, event.seq - 1)
        stream.offer(event)
        self._advance(stream, wait=True)

    def stream_at(self, stream_id: int, last_seq: int) -> None:
        """The node was too busy to push: fetch up to there."""
        stream = self._stream(stream_id, last_seq)
        stream.announce(last_seq)
        self._advance(stream, wait=False)

    def _stream(self, stream_id: int, last_seq: int) -> InStream:
        stream = self._streams.get(stream_id)
        if stream is None:
            stream = self._streams[stream_id] = InStream(stream_id, 0)
            start = 0 if self._newest is None else last_seq - self._newest
            if start > 0:
                stream.cover(1, start, ())
        return stream

    def _advance(self, stream: InStream, wait: bool) -> None:
        if self._stopped:
            return
        if stream.ready and stream.stream_id not in self._handling:
            self._handling.add(stream.stream_id)
            self._handlers.start(self._work(stream))
        if stream.behind and not stream.full and self._reading is not None and stream.stream_id not in self._fetching:
            self._fetching.add(stream.stream_id)
            self._fetches.start(self._fetch(stream, wait))

    # --- handling

    async def _work(self, stream: InStream) -> None:
        try:
            while stream.ready and not self._stopped:
                step = stream.ready[0]
                await self._handle(stream.stream_id, step)
                if stream.ready and stream.ready[0] is step:  # unless it was set back meanwhile
                    stream.ready.popleft()
                self._advance(stream, wait=False)
        finally:
            self._handling.discard(stream.stream_id)

    # --- fetching

    @property
    def _reading(self) -> Connection | None:
        # One that closes answers nothing any more, and lasts until the other side is done with it. What it leaves
        # open is read by the next one's Sync.
        return self._connection if self._connection is not None and self._connection.usable else None

    async def _fetch(self, stream: InStream, wait: bool) -> None:
        try:
            if wait:
                await sleep(self._clock, self._timing.hole * (1 + 2 * self._fraction()))
            attempt = 0
            while stream.behind and not stream.full and not self._stopped:
                connection = self._reading
                if connection is None:
                    break
                delay = await self._fetch_once(connection, stream, attempt)
                attempt = 0 if delay is None else attempt + 1
                if delay is not None:
                    await sleep(self._clock, delay)
        finally:
            self._fetching.discard(stream.stream_id)
        self._advance(stream, wait=False)

    async def _fetch_once(self, connection: Connection, stream: InStream, attempt: int) -> float | None:
        """Read one stretch; returns seconds to wait before the next try, None to go on at once."""
        before = stream.frontier
        try:
            async with self._slots:
                await self._read(connection, stream)
        except Disconnected:
            return 0.0
        except (Passing, Internal) as error:
            return retry_delay(error.retry_after_ms, self._timing.backoff, attempt, self._fraction())
        except IMError as error:
            _log.warn("a stream cannot be read: {code}", code=error.code)
            stream.abandon()
            return None
        self._advance(stream, wait=False)
        if stream.frontier > before:
            return None
        return self._timing.backoff.delay(attempt, self._fraction())

    async def _read(self, connection: Connection, stream: InStream) -> None:
        after, until = stream.missing()
        query = pb.History(stream_id=stream.stream_id, after=after, until=until)
        result = (await connection.request(Frame(history=query))).history_result
        if result.to_seq >= result.from_seq and result.to_seq:
            stream.cover(result.from_seq, result.to_seq, map(received, result.events))
        elif result.last_seq <= stream.frontier:
            stream.abandon()
