"""Keeping one connection to Redis up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory

from imchat.net.background import as_deferred, sleep
from imchat.net.redis.bounded import within
from imchat.net.redis.connection import RedisConnection, shake_hands
from imchat.net.redis.sentinel import SentinelEndpoint
from imchat.net.redis.settings import RedisSettings

C = TypeVar("C", bound=RedisConnection)

FIRST_DELAY = 0.1
LONGEST_DELAY = 3.0
"""Seconds between two attempts, doubling from the first to the longest, each shortened at random by up to a half."""


class _One(Factory):
    """A factory for an endpoint that connects once."""

    noisy = False

    def __init__(self, build: Callable[[], Any]) -> None:
        self.protocol = build


def endpoint_of(reactor: Any, settings: RedisSettings) -> IStreamClientEndpoint:
    """Where to connect: to the server named, or to the one that the Sentinels name at each attempt."""
    if settings.sentinels:
        return SentinelEndpoint(reactor, settings)
    endpoint: IStreamClientEndpoint = clientFromString(reactor, settings.endpoint)
    return endpoint


class Link(Generic[C]):
    """One connection that is made again, after a wait, whenever it is lost or cannot be made.

    Args:
        clock: For time-outs and waits.
        endpoint: Where to connect.
        settings: Of the handshake and its time-out.
        build: Makes the protocol.
        fraction: Random numbers from 0 up to 1, for jitter.
        up: Called with a connection that answers.
        down: Called with it and the reason when it has ended.
        failed: Called with the reason when an attempt failed.
    """

    def __init__(
        self,
        clock: IReactorTime,
        endpoint: IStreamClientEndpoint,
        settings: RedisSettings,
        build: Callable[[], C],
        fraction: Callable[[], float],
        *,
        up: Callable[[C], None],
        down: Callable[[C, str], None],
        failed: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._endpoint = endpoint
        self._settings = settings
        self._build = build
        self._fraction = fraction
        self._up, self._down, self._failed = up, down, failed
        self._latest: C | None = None
        self._running: Deferred[None] | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to connect."""
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def stop(self) -> None:
        """Close the connection, or stop the attempt; return when nothing is left of it. ``down`` is not called."""
        self._stopped = True
        if self._running is not None:
            self._running.cancel()
        if self._latest is not None and not self._latest.lost:
            end = self._latest.end()
            self._latest.give_up("closed by us")
            await end
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self._open()
            except Exception as error:
                if self._stopped:
                    # Stopped; an endpoint has an error of its own for that.
                    return
                # Whatever it is: it goes to the operator, and the next attempt is made.
                failures += 1
                self._failed(str(error).strip() or type(error).__name__)
            else:
                since, end = self._clock.seconds(), connection.end()
                self._up(connection)
                self._down(connection, await end)
                # One that is ended as soon as it is used (a right is missing, say) is as good as none.
                lasted = self._clock.seconds() - since >= LONGEST_DELAY
                failures = 0 if lasted else failures + 1
            delay = min(FIRST_DELAY * 2 ** min(failures, 16), LONGEST_DELAY)
            await sleep(self._clock, delay * (1 - self._fraction() / 2))

    async def _open(self) -> C:
        timeout = self._settings.timeout
        connecting: Deferred[Any] = self._endpoint.connect(_One(self._build))
        connection: C = await within(timeout, self._clock, connecting)
        self._latest = connection
        try:
            await within(timeout, self._clock, as_deferred(shake_hands(connection, self._settings)))
        except BaseException:
            connection.give_up("no handshake")
            raise
        return connection
