"""Positions of all users of a node, written together about once a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from imchat.domain.conversations import Mark
from imchat.domain.errors import IMError, Unavailable, by_code
from imchat.ports import Spawn

INTERVAL = 1.0
"""Seconds in which marks gather."""

AT_ONCE = 500

TRIES = 3
"""How often a mark is tried whose user's private stream another keeps locked for the moment."""

_ERRORS = by_code()

Write = Callable[[Sequence[Mark]], Awaitable[Sequence[str | None]]]
"""Stores marks; returns the code of the error, or None, for each."""


class _Waiting:
    """A mark and who waits for it."""

    __slots__ = ("done", "mark", "tries")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.done: Deferred[None] = Deferred()
        self.tries = 0


class Gathering:
    """Lets marks gather, and writes them in one go.

    Args:
        name: What it does, for the log.
        write: Stores them.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(self, name: str, write: Write, clock: IReactorTime, spawn: Spawn) -> None:
        self._name = name
        self._write = write
        self._clock = clock
        self._spawn = spawn
        self._waiting: deque[_Waiting] = deque()
        self._scheduled = False

    def add(self, mark: Mark) -> Deferred[None]:
        """Fires when the mark is durable; fails with the :class:`IMError` with which it was refused."""
        waiting = _Waiting(mark)
        self._waiting.append(waiting)
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(INTERVAL, self._start)
        return waiting.done

    def _start(self) -> None:
        self._spawn(self._name, self._run())

    async def _run(self) -> None:
        """Write what has gathered, one part after another."""
        try:
            for _ in range(-(-len(self._waiting) // AT_ONCE)):
                part = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                await self._write_part(part)
        finally:
            self._scheduled = bool(self._waiting)
            if self._scheduled:
                self._clock.callLater(INTERVAL, self._start)

    async def _write_part(self, part: Sequence[_Waiting]) -> None:
        try:
            refusals = await self._write([waiting.mark for waiting in part])
        except Unavailable as error:
            for waiting in part:
                # A new one for each: that which was raised holds on to its stack.
                waiting.done.errback(Unavailable(str(error), error.retry_after_ms))
            return
        except Exception:
            failure = Failure()
            for waiting in part:
                waiting.done.errback(failure)
            return
        for waiting, code in zip(part, refusals, strict=True):
            self._settle(waiting, code)

    def _settle(self, waiting: _Waiting, code: str | None) -> None:
        waiting.tries += 1
        if code is None:
            waiting.done.callback(None)
        elif code == Unavailable.code and waiting.tries < TRIES:
            self._waiting.append(waiting)
        else:
            waiting.done.errback(_ERRORS.get(code, IMError)())
