"""Marks of what was received and read, coalesced: the newest one says all that older ones would."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.client.requests import Call
from imchat.domain.errors import IMError, Unsupported
from imchat.net.background import sleep
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

PAUSE = 1.0
"""Seconds between two requests."""

MAX_MARKS = 100
"""Positions in one request."""

Start = Callable[[Coroutine[Deferred[Any], Any, None]], None]


class DeliveredMarks:
    """Tells the server what this device has received.

    Args:
        call: Makes a request to the chat node.
        start: Runs a coroutine in the background until the client ends.
    """

    def __init__(self, clock: IReactorTime, call: Call, start: Start) -> None:
        self._clock = clock
        self._call = call
        self._start = start
        self._waiting: dict[int, int] = {}
        self._running = False
        self._unknown = False

    def note(self, conversation_id: int, seq: int) -> None:
        """Everything up to ``seq`` was received."""
        if self._unknown:
            return
        self._waiting[conversation_id] = max(seq, self._waiting.get(conversation_id, 0))
        if not self._running:
            self._running = True
            self._start(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._say()
                await sleep(self._clock, PAUSE)
        finally:
            self._running = False

    async def _say(self) -> None:
        batch = [(key, self._waiting.pop(key)) for key in list(self._waiting)[:MAX_MARKS]]
        positions = [pb.Position(stream_id=conversation_id, seq=seq) for conversation_id, seq in batch]
        try:
            await self._call(Frame(mark_delivered=pb.MarkDelivered(positions=positions)))
        except Unsupported:
            # A server of an older release: it has no use for marks.
            self._unknown = True
            self._waiting.clear()
        except IMError as error:
            _log.warn("what was received cannot be told: {code}", code=error.code)


class ReadMarks:
    """Tells the server what the user has read: one request under way for each conversation, then the last wish.

    Args:
        call: Makes a request to the chat node.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._wished: dict[int, int] = {}
        self._done: dict[int, int] = {}
        self._locks: dict[int, DeferredLock] = {}

    async def mark(self, conversation_id: int, seq: int) -> None:
        """Everything up to ``seq`` was read; returns when the server knows, by this request or a later one."""
        self._wished[conversation_id] = max(seq, self._wished.get(conversation_id, 0))
        async with self._locks.setdefault(conversation_id, DeferredLock()):
            if self._done.get(conversation_id, 0) >= seq:
                return
            wish = max(seq, self._wished.get(conversation_id, 0))
            try:
                await self._call(Frame(mark_read=pb.MarkRead(conversation_id=conversation_id, seq=wish)))
            except IMError:
                # A wish that is refused must not spoil those of others.
                self._wished.pop(conversation_id, None)
                raise
            self._done[conversation_id] = wish
