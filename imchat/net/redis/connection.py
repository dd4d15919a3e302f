"""One connection to Redis: txredisapi's protocols, with replies paired with batches of commands.

What txredisapi does itself and is not used here, with the failure that was seen or read: it gives up for good when a
connection is lost while the password is checked; a call made while Redis is away waits until it is back; every attempt
to reconnect is a log line; a Deferred per command makes a publish cost twenty times what Redis needs for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from hiredis import ProtocolError
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from txredisapi import ConnectionError as RedisConnectionError
from txredisapi import InvalidData, RedisProtocol, ResponseError, SubscriberProtocol

from imchat.net.redis.settings import RedisSettings

Command = Sequence[bytes]
Reply = Any
"""int, bytes, None, a list of them, or the ``ResponseError`` with which Redis refused the command."""


class Refused(Exception):
    """Redis took the connection but does not serve on it; the message says why."""


def encode(commands: Sequence[Command]) -> bytes:
    """Return commands as they travel."""
    parts: list[bytes] = []
    for words in commands:
        parts.append(b"*%d\r\n" % len(words))
        for word in words:
            parts += (b"$%d\r\n" % len(word), word, b"\r\n")
    return b"".join(parts)


class RedisConnection(RedisProtocol, ABC):  # type: ignore[misc]  # txredisapi has no types
    """What both kinds of connection do: raw values, a known reason of their end, and no traceback for garbage."""

    def __init__(self) -> None:
        super().__init__(charset=None, convertNumbers=False)
        self.lost = False
        self._fault: str | None = None
        self._at_end: list[Deferred[str]] = []

    @abstractmethod
    async def ask(self, *words: bytes) -> Reply:
        """Send one command and return its reply."""

    def dataReceived(self, data: bytes, unpause: bool = False) -> None:
        """Twisted: bytes arrived. Replies stay as they are, so what txredisapi would look for in each is left out."""
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                self.replyReceived(reply)
        except (InvalidData, ProtocolError):
            self.give_up("what answers there is no Redis")

    def give_up(self, reason: str) -> None:
        """Close the connection at once, whatever the other side does. Replies still awaited fail."""
        if not self.lost and self._fault is None:
            self._fault = reason
            self.transport.abortConnection()

    def end(self) -> Deferred[str]:
        """A Deferred that fires with the reason once the connection has ended."""
        deferred: Deferred[str] = Deferred()
        if self.lost:
            deferred.callback(self._fault or "closed")
        else:
            self._at_end.append(deferred)
        return deferred

    def connectionLost(self, why: Failure) -> None:
        """Twisted: the connection has ended."""
        self.lost = True
        self._fault = self._fault or why.getErrorMessage()
        super().connectionLost(why)
        waiting, self._at_end = self._at_end, []
        for deferred in waiting:
            deferred.callback(self._fault)


class _Batch:
    """Commands that wait for their replies."""

    __slots__ = ("count", "deferred", "replies")

    def __init__(self, count: int) -> None:
        self.count = count
        self.replies: list[Reply] = []
        self.deferred: Deferred[list[Reply]] = Deferred()


class CommandConnection(RedisConnection):
    """A connection for commands. Any number of batches may be under way."""

    def __init__(self) -> None:
        super().__init__()
        self._batches: deque[_Batch] = deque()

    def send(self, commands: Sequence[Command]) -> Deferred[list[Reply]]:
        """Send commands in one piece; the Deferred fires with their replies, in order.

        It fails with txredisapi's ``ConnectionError`` if the connection ends before. At least one command.
        """
        batch = _Batch(len(commands))
        if self.lost:
            batch.deferred.errback(Failure(RedisConnectionError(self._fault)))
        else:
            self._batches.append(batch)
            self.transport.write(encode(commands))
        return batch.deferred

    async def ask(self, *words: bytes) -> Reply:
        """Send one command and return its reply."""
        (reply,) = await self.send([words])
        return reply

    def replyReceived(self, reply: Reply) -> None:
        """txredisapi: the next reply is complete."""
        if not self._batches:
            # Nobody asked: Redis says goodbye ("max number of clients reached").
            self.give_up(str(reply))
            return
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) == batch.count:
            self._batches.popleft()
            batch.deferred.callback(batch.replies)

    def connectionLost(self, why: Failure) -> None:
        """Twisted: the connection has ended."""
        super().connectionLost(why)
        batches, self._batches = self._batches, deque()
        for batch in batches:
            batch.deferred.errback(Failure(RedisConnectionError(self._fault)))


class SubscriberConnection(RedisConnection, SubscriberProtocol):  # type: ignore[misc]
    """A connection that hears channels. Confirmations are told by the name of their channel: txredisapi would give
    a later call the confirmations that an earlier call with several channels still has coming.
    """

    def message_received(self, channel: bytes, payload: bytes) -> None:
        """A message came. For subclasses."""

    def confirmed(self, channel: bytes) -> None:
        """Redis has carried out the next of the commands for this channel, in their order. For subclasses."""

    async def ask(self, *words: bytes) -> Reply:
        """Send one command and return its reply. Only before the first :meth:`subscribe`."""
        try:
            return await self.execute_command(*words)
        except ResponseError as refusal:
            return refusal
        except RedisConnectionError as error:
            # txredisapi says no more than that it is lost.
            raise RedisConnectionError(self._fault) from error

    def subscribe(self, channels: Sequence[bytes]) -> None:
        """Send the command; each channel will be confirmed."""
        self._command(b"SUBSCRIBE", channels)

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        """Send the command; each channel will be confirmed."""
        self._command(b"UNSUBSCRIBE", channels)

    def _command(self, name: bytes, channels: Sequence[bytes]) -> None:
        # UNSUBSCRIBE without a name would mean all.
        if channels and not self.lost:
            self.transport.write(encode([(name, *channels)]))

    def replyReceived(self, reply: Reply) -> None:
        """txredisapi: the next reply is complete."""
        if isinstance(reply, list) and len(reply) == 3:
            kind, channel, value = reply
            if kind == b"message":
                self.message_received(channel, value)
                return
            if kind in (b"subscribe", b"unsubscribe"):
                self.confirmed(channel)
                return
        if self.replyQueue.waiting:
            self.replyQueue.put(reply)
        else:
            self.give_up(str(reply))


async def shake_hands(connection: RedisConnection, settings: RedisSettings) -> None:
    """Say who we are, choose the database, and see that Redis answers: a frozen one takes connections too.

    Raises:
        Refused: with what Redis said.
    """
    username, password = settings.username.encode(), settings.password.encode()
    if password:
        _check(await connection.ask(b"AUTH", *([username] if username else []), password))
    if settings.db:
        _check(await connection.ask(b"SELECT", b"%d" % settings.db))
    if settings.sentinels:
        role = _check(await connection.ask(b"ROLE"))
        if role[0] != b"master":
            raise Refused(f"it is no master but {role[0].decode('utf-8', 'replace')}")
    else:
        _check(await connection.ask(b"PING"))


def _check(reply: Reply) -> Reply:
    if isinstance(reply, Exception):
        raise Refused(str(reply).strip())
    return reply
