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

_ERRORS = by_code()

Write = Callable[[Sequence[Mark]], Awaitable[Sequence[str | None]]]
"""Stores marks; returns the code of the error, or None, for each."""


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
        self._waiting: deque[tuple[Mark, Deferred[None]]] = deque()
        self._scheduled = False

    def add(self, mark: Mark) -> Deferred[None]:
        """Fires when the mark is durable; fails with the :class:`IMError` with which it was refused."""
        done: Deferred[None] = Deferred()
        self._waiting.append((mark, done))
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(INTERVAL, self._start)
        return done

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

    async def _write_part(self, part: Sequence[tuple[Mark, Deferred[None]]]) -> None:
        try:
            refusals = await self._write([mark for mark, _ in part])
        except Unavailable as error:
            for _, done in part:
                # A new one for each: that which was raised holds on to its stack.
                done.errback(Unavailable(str(error), error.retry_after_ms))
            return
        except Exception:
            failure = Failure()
            for _, done in part:
                done.errback(failure)
            return
        for (_, done), code in zip(part, refusals, strict=True):
            if code is None:
                done.callback(None)
            else:
                done.errback(_ERRORS.get(code, IMError)())
