"""Waiting for work to end, and doing something again and again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imchat.ports import Spawn


class Work:
    """Counts what is being done, and tells when nothing is."""

    def __init__(self) -> None:
        self._count = 0
        self._waiting: list[Deferred[None]] = []

    @property
    def count(self) -> int:
        """How much is being done."""
        return self._count

    def begin(self) -> None:
        """Something more is being done."""
        self._count += 1

    def end(self, count: int = 1) -> None:
        """So much is done."""
        self._count -= count
        if self._count == 0:
            waiting, self._waiting = self._waiting, []
            for deferred in waiting:
                # One that was given up takes this once and forgets it.
                deferred.callback(None)

    def idle(self) -> Deferred[None]:
        """Fires when nothing is being done, at once if nothing is."""
        deferred: Deferred[None] = Deferred()
        if self._count == 0:
            deferred.callback(None)
        else:
            self._waiting.append(deferred)
        return deferred


async def within(clock: IReactorTime, seconds: float, deferred: Deferred[None]) -> bool:
    """Wait for a Deferred, but no longer than so many seconds; return whether it fired."""
    if deferred.called:
        return True
    deferred.addTimeout(max(0.0, seconds), clock)
    try:
        await deferred
    except TimeoutError:
        return False
    return True


class Periodic:
    """Does something at once and then again so many seconds after it was done.

    Args:
        clock: For the pauses.
        seconds: Their length.
        name: What it does, for the log line of a failure, after which it goes on.
        action: Does it.
        spawn: Starts it.
    """

    def __init__(
        self, clock: IReactorTime, seconds: float, name: str, action: Callable[[], Awaitable[None]], spawn: Spawn
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._name = name
        self._action = action
        self._spawn = spawn
        self._running = False
        self._call: IDelayedCall | None = None

    def start(self, after: float = 0.0) -> None:
        """Begin, after so many seconds."""
        self._running = True
        if after:
            self._call = self._clock.callLater(after, self._run)
        else:
            self._run()

    def stop(self) -> None:
        """Do it no more; what is being done goes on."""
        self._running = False
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _run(self) -> None:
        self._call = None
        self._spawn(self._name, self._once())

    async def _once(self) -> None:
        try:
            await self._action()
        finally:
            if self._running:
                self._call = self._clock.callLater(self._seconds, self._run)


class Again:
    """Does something when asked, once at a time; asked meanwhile, it does it once more.

    Args:
        action: Does it.
    """

    def __init__(self, action: Callable[[], Awaitable[None]]) -> None:
        self._action = action
        self._wanted = False
        self._running = False

    async def run(self) -> None:
        """Do it; returns at once where it is being done, and will be done again."""
        self._wanted = True
        if self._running:
            return
        self._running = True
        try:
            while self._wanted:
                self._wanted = False
                await self._action()
        finally:
            self._running = False
