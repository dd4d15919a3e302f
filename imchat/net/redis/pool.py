"""Connections to Redis for commands."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from txredisapi import ConnectionError as RedisConnectionError
from txredisapi import ResponseError

from imchat.domain.errors import Unavailable
from imchat.domain.histogram import Histogram
from imchat.net.redis.bounded import within
from imchat.net.redis.connection import Command, CommandConnection, Reply
from imchat.net.redis.link import C, Link, endpoint_of
from imchat.net.redis.outage import Outage
from imchat.net.redis.settings import RedisSettings

BOUNDS = (0.0005, 0.001, 0.002, 0.005, 0.02, 0.1, 0.5, 2.0)
"""Upper bounds of the histogram of round trips, in seconds."""

_RETRY_AFTER_MS = 2_000
_CONNECTION = "connection"
# Redis serves, but not this one: another is the master now.
_DEMOTED = ("READONLY", "MASTERDOWN")


class RedisPool:
    """Some connections, kept up, shared by all calls of a process; the calls in flight on one follow each other.

    A call never hangs: it fails at once while Redis is known to be away, else after ``settings.timeout`` at the
    latest, and then the connections are made anew. One outage is one line in the log, and one more at its end.

    Args:
        reactor: For connections and time-outs.
        settings: Where Redis is.
        fraction: Random numbers from 0 up to 1 (:meth:`imchat.ports.Ids.fraction`), for jitter.

    Attributes:
        outage: Whether Redis serves; others who talk to the same Redis tell it too.
        round_trips: Seconds from a call to its replies, or to the end of the wait for them.
    """

    def __init__(self, reactor: Any, settings: RedisSettings, fraction: Callable[[], float]) -> None:
        self.settings = settings
        self.outage = Outage(f"Redis ({settings.where})", reactor)
        self.round_trips = Histogram(BOUNDS)
        self._clock = reactor
        self._live: list[CommandConnection] = []
        self._known_down = False
        self._closed = False
        self._waiting: list[Deferred[None]] = []
        self._turn = 0
        self._endpoint = endpoint_of(reactor, settings)
        self._fraction = fraction
        self._links = [
            self.link(CommandConnection, up=self._up, down=self._down, failed=self._failed)
            for _ in range(settings.pool_size)
        ]

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return bool(self._live)

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._live)

    def link(
        self,
        build: Callable[[], C],
        *,
        up: Callable[[C], None],
        down: Callable[[C, str], None],
        failed: Callable[[str], None],
    ) -> Link[C]:
        """Return one more connection to the same Redis, of whatever protocol; see :class:`Link`."""
        return Link(self._clock, self._endpoint, self.settings, build, self._fraction, up=up, down=down, failed=failed)

    def start(self) -> None:
        """Begin to connect; calls may be made from now on."""
        for link in self._links:
            link.start()

    async def close(self) -> None:
        """Close all connections and return when they are closed. Calls in flight fail, as later ones do."""
        self._closed = self._known_down = True
        self._live.clear()
        self._wake()
        for link in self._links:
            await link.stop()

    async def call(self, *words: bytes) -> Reply:
        """Send one command and return its reply.

        Raises:
            Unavailable: Redis is away, does not answer in time, or refused the command.
        """
        (reply,) = await self._send(await self._pick(), [words])
        return self._judge(words[0].decode(), reply)

    async def run(self, script: str, keys: Sequence[bytes], arguments: Sequence[bytes]) -> Reply:
        """Run a Lua script, which Redis knows by its digest after the first time, and return what it returns.

        Raises:
            Unavailable: as in :meth:`call`.
        """
        text, digest = _prepare(script)
        connection = await self._pick()
        rest = [b"%d" % len(keys), *keys, *arguments]
        (reply,) = await self._send(connection, [(b"EVALSHA", digest, *rest)])
        if isinstance(reply, ResponseError) and str(reply).startswith("NOSCRIPT"):
            (reply,) = await self._send(connection, [(b"EVAL", text, *rest)])
        return self._judge(digest.decode(), reply)

    async def batch(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands in one piece and return their replies.

        Batches are carried out in the order of the calls as long as the connection lasts: all go to the one that
        has been up for longest.

        Raises:
            Unavailable: as in :meth:`call`; some of the commands may have been carried out.
        """
        if not commands:
            return []
        if not self._live:
            await self._pick()
        replies = await self._send(self._live[0], commands)
        name = commands[0][0].decode()
        for reply in replies:
            if isinstance(reply, ResponseError):
                self._judge(name, reply)
        self.outage.worked(name)
        return replies

    async def _pick(self) -> CommandConnection:
        if not self._live and not self._known_down:
            await self._first()
        if not self._live:
            raise Unavailable("Redis is away", _RETRY_AFTER_MS)
        self._turn += 1
        return self._live[self._turn % len(self._live)]

    async def _first(self) -> None:
        """Return when the first connection is up, or when it is known that there is none."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        try:
            await within(self.settings.timeout, self._clock, waiting)
        except TimeoutError as error:
            self._failed(str(error))

    async def _send(self, connection: CommandConnection, commands: Sequence[Command]) -> list[Reply]:
        begun = self._clock.seconds()
        try:
            return await within(self.settings.timeout, self._clock, connection.send(commands))
        except TimeoutError as error:
            self._give_up(str(error))
            raise Unavailable("Redis does not answer", _RETRY_AFTER_MS) from None
        except RedisConnectionError as error:
            raise Unavailable(f"the connection to Redis was lost: {error}", _RETRY_AFTER_MS) from None
        finally:
            self.round_trips.observe(max(0.0, self._clock.seconds() - begun))

    def _give_up(self, reason: str) -> None:
        """Make all connections anew: whatever made one of them useless holds for the others too."""
        live, self._live = self._live, []
        for connection in live:
            connection.give_up(reason)
        self._failed(reason)

    def _judge(self, what: str, reply: Reply) -> Reply:
        if isinstance(reply, ResponseError):
            text = str(reply).strip()
            self.outage.failed(what, text)
            if text.startswith(_DEMOTED):
                self._give_up(text)
            raise Unavailable(f"Redis refuses: {text}", _RETRY_AFTER_MS)
        self.outage.worked(what)
        return reply

    def _up(self, connection: CommandConnection) -> None:
        self._live.append(connection)
        self._known_down = False
        self.outage.worked(_CONNECTION)
        self._wake()

    def _down(self, connection: CommandConnection, reason: str) -> None:
        if connection in self._live:
            self._live.remove(connection)
        self._failed(reason)

    def _failed(self, reason: str) -> None:
        if self._live or self._closed:
            return
        self._known_down = True
        self.outage.failed(_CONNECTION, reason)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)


@functools.lru_cache
def _prepare(script: str) -> tuple[bytes, bytes]:
    text = script.encode()
    # Redis names scripts by their SHA-1; nothing rests on its strength.
    return text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
