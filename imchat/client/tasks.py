"""Coroutines that run in the background and end with their owner, and those that wait for something."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.error import ConnectingCancelledError
from twisted.python.failure import Failure

from imchat.client.errors import Disconnected, Stopped

T = TypeVar("T")


class Waiters(Generic[T]):
    """Deferreds that wait for the same thing; each may be cancelled."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[T]] = []

    def add(self) -> Deferred[T]:
        """One more that waits."""
        waiter: Deferred[T] = Deferred(self._discard)
        self._waiting.append(waiter)
        return waiter

    def _discard(self, waiter: Deferred[T]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def fire(self, value: T) -> None:
        """It has come."""
        while self._waiting:
            self._waiting.pop(0).callback(value)

    def fail(self, reason: Exception) -> None:
        """It will not come."""
        while self._waiting:
            self._waiting.pop(0).errback(reason)


class Tasks:
    """A set of running coroutines.

    Args:
        failed: Gets the failure of a coroutine that ended with anything but a cancellation, a lost connection or
            the client's end.
    """

    def __init__(self, failed: Callable[[Failure], None]) -> None:
        self._failed = failed
        self._running: dict[Deferred[None], None] = {}  # in the order of their start

    def start(self, coroutine: Coroutine[Deferred[Any], Any, None]) -> None:
        """Run a coroutine until it ends or :meth:`stop` is called."""
        task = Deferred.fromCoroutine(coroutine)
        self._running[task] = None
        task.addErrback(self._ended)
        task.addBoth(lambda _: self._running.pop(task, None))

    def _ended(self, failure: Failure) -> None:
        if failure.check(CancelledError, ConnectingCancelledError, Disconnected, Stopped) is None:
            self._failed(failure)

    async def idle(self) -> None:
        """Return when all coroutines that run now have ended by themselves."""
        if self._running:
            waiting: list[Deferred[None]] = []
            for task in list(self._running):
                done: Deferred[None] = Deferred()
                task.addCallback(done.callback)
                waiting.append(done)
            await DeferredList(waiting)

    def cancel(self) -> None:
        """Cancel what runs."""
        for task in list(self._running):
            task.cancel()

    async def stop(self) -> None:
        """Cancel what runs and return when it has ended."""
        self.cancel()
        await self.idle()
