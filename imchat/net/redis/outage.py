"""One log line when Redis stops serving, one when it serves again, however many calls meet it."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger


class Outage:
    """Remembers what of Redis does not work.

    Several things can fail and recover, each by itself: the connections for commands, the subscription, a command
    that Redis refuses (no memory left, say) while it takes others. One outage lasts from the first failure until
    nothing fails any more.

    Args:
        name: Of the server, for the log.
        clock: For how long it lasted.
    """

    _log = Logger()

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self._name = name
        self._clock = clock
        self._failing: set[str] = set()
        self._since = 0.0

    @property
    def lasts(self) -> bool:
        """Whether something fails."""
        return bool(self._failing)

    def failed(self, what: str, reason: str) -> None:
        """Something failed; logged when all worked before.

        Args:
            what: Names it, for :meth:`worked`.
            reason: Why, in words for the operator.
        """
        if not self._failing:
            self._since = self._clock.seconds()
            self._log.error("{name} does not serve: {reason}", name=self._name, reason=reason)
        self._failing.add(what)

    def worked(self, what: str) -> None:
        """Something did its work; logged when it was the last that failed."""
        if what not in self._failing:
            return
        self._failing.discard(what)
        if not self._failing:
            seconds = round(self._clock.seconds() - self._since, 1)
            self._log.info("{name} serves again after {seconds} s", name=self._name, seconds=seconds)
