"""Whether the gate's dependencies answer, asked at most once a second however many want to know."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from imchat.net.background import as_deferred
from imchat.ports import Health

KEEP = 1.0
"""Seconds for which an answer holds."""

_log = Logger()


class Readiness:
    """Pings dependencies; logs one line when one stops or begins to answer.

    Args:
        dependencies: By the name that the answer has for them.
        clock: For time-outs.
        timeout: Seconds for one to answer.
    """

    def __init__(self, dependencies: Mapping[str, Health], clock: IReactorTime, timeout: float) -> None:
        self._dependencies = dict(sorted(dependencies.items()))
        self._clock = clock
        self._timeout = timeout
        self._state: dict[str, bool] = dict.fromkeys(self._dependencies, True)
        self._checked_at: float | None = None
        self._waiting: list[Deferred[None]] | None = None

    async def check(self) -> Mapping[str, bool]:
        """Which dependencies answer."""
        if self._waiting is not None:
            again: Deferred[None] = Deferred()
            self._waiting.append(again)
            await again
        elif self._checked_at is None or self._clock.seconds() - self._checked_at >= KEEP:
            await self._ping_all()
        return dict(self._state)

    async def _ping_all(self) -> None:
        self._waiting = []
        try:
            await DeferredList([self._ping(name, health) for name, health in self._dependencies.items()])
            self._checked_at = self._clock.seconds()
        finally:
            waiting, self._waiting = self._waiting, None
            for deferred in waiting:
                deferred.callback(None)

    def _ping(self, name: str, health: Health) -> Deferred[None]:
        answered = as_deferred(health.ping()).addTimeout(self._timeout, self._clock)
        return answered.addCallbacks(lambda _: self._note(name, None), lambda failure: self._note(name, failure))

    def _note(self, name: str, failure: Failure | None) -> None:
        if self._state[name] and failure is not None:
            reason = str(failure.value) or type(failure.value).__name__
            _log.warn("{name} does not answer: {reason}", name=name, reason=reason)
        elif not self._state[name] and failure is None:
            _log.info("{name} answers again", name=name)
        self._state[name] = failure is None
