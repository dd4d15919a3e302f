"""Work that nobody waits for: its failures are logged, never lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")

_log = Logger()


async def _wait(awaitable: Awaitable[T]) -> T:
    return await awaitable


def as_deferred(awaitable: Awaitable[T]) -> Deferred[T]:
    """Turn any awaitable into a Deferred, which starts a coroutine at once."""
    if isinstance(awaitable, Deferred):
        return awaitable
    coroutine: Coroutine[Deferred[Any], Any, T]
    coroutine = awaitable if isinstance(awaitable, Coroutine) else _wait(awaitable)
    return Deferred.fromCoroutine(coroutine)


def spawn(name: str, awaitable: Awaitable[object]) -> None:
    """Start an awaitable that nobody waits for.

    Args:
        name: What it does, for the log line of a failure.
        awaitable: A coroutine or Deferred.
    """

    def failed(failure: Failure) -> None:
        _log.failure("{name} failed", failure=failure, name=name)

    as_deferred(awaitable).addErrback(failed)


def sleep(clock: IReactorTime, seconds: float) -> Deferred[None]:
    """A Deferred that fires after so many seconds of the clock; cancelling it stops the timer."""
    deferred: Deferred[None] = Deferred(lambda _: call.cancel())
    call = clock.callLater(seconds, lambda: deferred.callback(None))
    return deferred


def now_ms(clock: IReactorTime) -> Callable[[], int]:
    """Milliseconds UTC by a clock; a reactor's ``seconds`` is the time of day."""
    return lambda: int(clock.seconds() * 1000)
