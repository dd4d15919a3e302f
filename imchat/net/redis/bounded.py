"""A bound for whatever might hang."""

from __future__ import annotations

from typing import TypeVar

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

T = TypeVar("T")


def within(seconds: float, clock: IReactorTime, deferred: Deferred[T]) -> Deferred[T]:
    """Cancel a Deferred after so many seconds; it fails with ``TimeoutError`` then.

    Unlike ``addTimeout`` alone this holds for endpoints too, which have an error of their own for being cancelled.
    """

    def late(result: T | Failure, timeout: float) -> T | Failure:
        return Failure(TimeoutError(f"no answer within {timeout:g} s")) if isinstance(result, Failure) else result

    return deferred.addTimeout(seconds, clock, onTimeoutCancel=late)
