"""The side that is called: who is let in, for how long, and when calls are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from imchat.net.background import sleep
from imchat.net.links.broker import ROOT, ServerBroker
from imchat.net.links.door import Door, Handler, House
from imchat.net.links.messages import Method, Service
from imchat.net.links.quiet import QuietLog
from imchat.net.links.secret import SharedSecret
from imchat.ports import Ids

_log = Logger()


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits of a server of links. Times are in seconds.

    Attributes:
        login_timeout: A connection that has not logged in by then is cut off.
        idle_timeout: So is one on which nothing came for so long (callers ping much more often).
        stall: A process that did not run for so long (it was stopped, or something blocked it) refuses, unbegun,
            what came meanwhile: its callers gave up long ago and asked another server. Must be well below the
            callers' time-out for a call.
        max_connections: Connections altogether.
        max_strangers: Connections that have not logged in; beyond it the oldest of them goes.
        max_calls: Calls of one connection that run at once.
    """

    login_timeout: float = 5.0
    idle_timeout: float = 30.0
    stall: float = 1.5
    max_connections: int = 1_000
    max_strangers: int = 100
    max_calls: int = 1_000


class Pulse:
    """Notices that the process did not run for a while.

    Args:
        clock: The reactor, or a test's clock.
        stall: So many seconds without running count.
    """

    BEAT = 0.5
    GRACE = 1.0
    """After a stall, for so many seconds, what comes is still taken to be old: it is read piece by piece."""

    def __init__(self, clock: IReactorTime, stall: float) -> None:
        self._clock = clock
        self._stall = stall
        self._last = clock.seconds()
        self._doubtful_until = self._last
        self._beats = LoopingCall(self._beat)
        self._beats.clock = clock

    def start(self) -> None:
        """Begin to watch."""
        self._last = self._clock.seconds()
        if not self._beats.running:
            self._beats.start(self.BEAT)

    def stop(self) -> None:
        """Watch no more."""
        if self._beats.running:
            self._beats.stop()

    def stalled(self) -> bool:
        """Whether what arrives now may have waited since before a stall."""
        now = self._clock.seconds()
        if now - self._last > self._stall + self.BEAT:
            self._doubtful_until = now + self.GRACE
        return now < self._doubtful_until

    def _beat(self) -> None:
        # Timers may run before or after the sockets are read: whichever comes first must notice.
        self.stalled()
        self._last = self._clock.seconds()


class LinkServer(Factory):
    """The factory of a service's connections: listen with it on any endpoint that
    :func:`imchat.net.links.endpoints.listener` returns. Once nothing listens any more, its connections are cut off.

    Args:
        service: The service that is offered.
        handlers: A handler for each of its methods, and no other.
        secret: The shared secret.
        ids: Randomness, for the login.
        clock: The reactor, or a test's clock.
        settings: Limits.

    Raises:
        ValueError: a method without a handler, or a handler without a method.
    """

    noisy = False

    def __init__(
        self,
        service: Service,
        handlers: Mapping[Method, Handler],
        secret: SharedSecret,
        ids: Ids,
        clock: IReactorTime,
        settings: ServerSettings = ServerSettings(),
    ) -> None:
        if set(handlers) != set(service.methods):
            odd = sorted(method.name for method in set(handlers) ^ set(service.methods))
            raise ValueError(f"{service.name}: methods and handlers differ: {odd}")
        self._clock = clock
        self._settings = settings
        self._pulse = Pulse(clock, settings.stall)
        self._draining = False
        self._quiet = QuietLog(_log, clock)
        by_name = {method.name: handler for method, handler in handlers.items()}
        self._house = House(service.name, by_name, secret, ids.token, self._admits, self._quiet)
        self._strangers: dict[ServerBroker, IDelayedCall] = {}
        self._friends: dict[ServerBroker, IDelayedCall] = {}

    def startFactory(self) -> None:
        """Twisted: a port opened."""
        self._draining = False
        self._pulse.start()

    def stopFactory(self) -> None:
        """Twisted: the last port closed."""
        self._pulse.stop()
        for broker in [*self._strangers, *self._friends]:
            broker.abort("this server ends")

    async def drain(self, seconds: float) -> None:
        """Refuse new calls, unbegun, and return when those that run are done, or after so many seconds."""
        self._draining = True
        end = self._clock.seconds() + seconds
        while self._house.calls and self._clock.seconds() < end:
            await sleep(self._clock, 0.05)

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Twisted: somebody connects."""
        if len(self._strangers) + len(self._friends) >= self._settings.max_connections:
            self._quiet.warn("{service}: has no room for another connection", service=self._house.service)
            return None
        if len(self._strangers) >= self._settings.max_strangers:
            next(iter(self._strangers)).abort("too many connections that do not log in")
        broker = ServerBroker(self._clock, _describe(addr), self._ended)
        broker.factory = self
        door = Door(self._house, broker, self._settings.max_calls, lambda: self._welcome(broker))
        broker.setNameForLocal(ROOT, door)
        timeout = self._settings.login_timeout
        self._strangers[broker] = self._clock.callLater(timeout, broker.abort, f"no login within {timeout:g} s")
        return broker

    def _admits(self) -> bool:
        return not self._draining and not self._pulse.stalled()

    def _welcome(self, broker: ServerBroker) -> None:
        self._strangers.pop(broker).cancel()
        self._watch(broker, self._settings.idle_timeout)
        _log.info("{service}: {peer} is linked", service=self._house.service, peer=broker.peer)

    def _watch(self, broker: ServerBroker, seconds: float) -> None:
        self._friends[broker] = self._clock.callLater(seconds, self._check_idle, broker)

    def _check_idle(self, broker: ServerBroker) -> None:
        left = broker.heard + self._settings.idle_timeout - self._clock.seconds()
        if left <= 0:
            broker.abort(f"silent for {self._settings.idle_timeout:g} s")
        else:
            self._watch(broker, left)

    def _ended(self, broker: ServerBroker, reason: str) -> None:
        stranger, friend = self._strangers.pop(broker, None), self._friends.pop(broker, None)
        for call in (stranger, friend):
            if call is not None and call.active():
                call.cancel()
        names = {"service": self._house.service, "peer": broker.peer, "reason": reason}
        if friend is not None:
            _log.info("{service}: {peer} is gone: {reason}", **names)
        elif broker.cut is not None:
            # One that closes without having said a word (a port scan, a health check) is not worth a line.
            self._quiet.warn("{service}: cut {peer} off: {reason}", **names)


def _describe(address: IAddress | None) -> str:
    host, port = getattr(address, "host", None), getattr(address, "port", None)
    return f"{host}:{port}" if host else "a process of this machine"
