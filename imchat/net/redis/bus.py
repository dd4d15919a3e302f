"""The bus between nodes, on Redis pub/sub."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.net.redis import notices as wire
from imchat.net.redis.bounded import within
from imchat.net.redis.connection import SubscriberConnection
from imchat.net.redis.pool import RedisPool
from imchat.net.redis.publisher import RedisPublisher
from imchat.net.redis.subscriptions import Subscriptions
from imchat.ports import Notice

_SUBSCRIPTION = "subscription"
_CHANNELS_PER_COMMAND = 1_000
_QUIET_SECONDS = 60.0

_log = Logger()


class _Ears(SubscriberConnection):
    """The connection that hears, with its owner."""

    def __init__(self, message: Callable[[bytes, bytes], None], confirmation: Callable[[bytes], None]) -> None:
        super().__init__()
        self._message = message
        self._confirmation = confirmation

    def message_received(self, channel: bytes, payload: bytes) -> None:
        """A message came."""
        self._message(channel, payload)

    def confirmed(self, channel: bytes) -> None:
        """A command was carried out for this channel."""
        self._confirmation(channel)


class RedisBus(RedisPublisher):
    """The :class:`imchat.ports.Bus` of a chat node in a cluster.

    Notices may be lost with Redis or with a connection to it. Whenever that may have happened the node is told to
    suspect it (:meth:`watch`), and :attr:`suspect` says whether it may be happening now. While Redis is away
    subscriptions are noted, and made when it is back.

    Args:
        clock: The reactor.
        pool: Connections to Redis; its owner starts it before the bus and closes it after the bus.
        node_id: Name of this node, for people.
        incarnation: A random number: own echoes are known by it, whoever else has the name.
    """

    def __init__(self, clock: IReactorTime, pool: RedisPool, node_id: str, incarnation: int) -> None:
        super().__init__(clock, pool, node_id, incarnation)
        self._receive: Callable[[str, Notice], None] | None = None
        self._suspected: Callable[[str], None] | None = None
        self._subscriptions = Subscriptions()
        self._subscriptions.want([self._common])
        self._connection: _Ears | None = None
        self._malformed_told: float | None = None
        self._link = pool.link(self._build, up=self._up, down=self._down, failed=self._failed)

    @property
    def suspect(self) -> bool:
        """Whether notices may be missed at the moment."""
        return self._connection is None or self._subscriptions.missed or self._heartbeats.suspect

    def listen(self, receive: Callable[[str, Notice], None]) -> None:
        """Set the one function that gets this node's notices."""
        self._receive = receive

    def watch(self, suspected: Callable[[str], None]) -> None:
        """Set the one function that is told, with the reason, when notices may have been missed."""
        self._suspected = suspected

    def start(self) -> None:
        """Begin to connect and to send heartbeats."""
        self._link.start()
        super().start()

    async def close(self) -> None:
        """Leave the bus."""
        await super().close()
        await self._link.stop()
        self._connection = None
        self._subscriptions.away()

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Return when Redis has confirmed these channels.

        Where Redis is away, or does not confirm them in time, it returns nevertheless, in the state of suspicion; they
        are subscribed as soon as that is possible, and :meth:`watch` tells when it was.
        """
        new, held = self._subscriptions.want([self._name(channel) for channel in channels])
        self._subscribe(new)
        if held is None:
            return
        try:
            await within(self._pool.settings.timeout, self._clock, held)
        except TimeoutError as error:
            self._unconfirmed(str(error))

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Stop hearing these channels, from now on."""
        old = self._subscriptions.drop([self._name(channel) for channel in channels])
        if self._connection is not None:
            for start in range(0, len(old), _CHANNELS_PER_COMMAND):
                self._connection.unsubscribe(old[start : start + _CHANNELS_PER_COMMAND])

    def _subscribe(self, names: Sequence[bytes]) -> None:
        if self._connection is not None:
            for start in range(0, len(names), _CHANNELS_PER_COMMAND):
                self._connection.subscribe(names[start : start + _CHANNELS_PER_COMMAND])

    def _unconfirmed(self, reason: str) -> None:
        self._failed(reason)
        if self._connection is not None:
            self._connection.give_up(reason)
        self._suspect("a subscription was not confirmed")

    # --- the connection

    def _build(self) -> _Ears:
        return _Ears(self._message, self._confirmed)

    def _up(self, connection: _Ears) -> None:
        self._connection = connection
        self._subscribe(self._subscriptions.connected())

    def _down(self, connection: _Ears, reason: str) -> None:
        self._connection = None
        self._failed(reason)
        self._suspect("the subscription was lost")

    def _failed(self, reason: str) -> None:
        self._subscriptions.away()
        self._pool.outage.failed(_SUBSCRIPTION, reason)

    def _confirmed(self, channel: bytes) -> None:
        # Not before: a user of Redis may be allowed to connect and not to subscribe.
        self._pool.outage.worked(_SUBSCRIPTION)
        if self._subscriptions.confirmed(channel):
            self._suspect("the subscription was made anew")

    # --- what arrives

    def _message(self, channel: bytes, payload: bytes) -> None:
        common = channel == self._common
        if channel not in self._subscriptions or (not common and payload.startswith(self._opening)):
            return
        try:
            message = wire.parse(payload)
        except wire.Malformed as error:
            self._drop(channel, str(error))
            return
        if message.unknown:
            self._drop(channel, f"{message.origin.node_id} is of a version that this node does not know")
        if not common:
            name = channel.decode("utf-8", "surrogatepass")[len(self._prefix) :]
            for notice in message.notices:
                self._deliver(name, notice)
        elif message.heartbeat is not None and (reason := self._heartbeats.heard(message.heartbeat)):
            self._suspect(reason)

    def _deliver(self, channel: str, notice: Notice) -> None:
        if self._receive is None:
            return
        try:
            self._receive(channel, notice)
        except Exception:
            # A fault of the node must end neither the connection nor the notices behind this one.
            _log.failure("the node {node} failed to take a notice of {channel}", node=self.node_id, channel=channel)

    def _drop(self, channel: bytes, reason: str) -> None:
        now = self._clock.seconds()
        if self._malformed_told is None or now - self._malformed_told >= _QUIET_SECONDS:
            self._malformed_told = now
            _log.warn(
                "dropped a notice on {channel!r}, and maybe more in the next minute: {reason}",
                channel=channel,
                reason=reason,
            )

    # --- suspicion

    def _tick(self) -> None:
        for reason in self._heartbeats.tick():
            self._suspect(reason)
        if self._connection is not None and self._heartbeats.deaf():
            self._connection.give_up("what was published does not come back")
        super()._tick()

    def _suspect(self, reason: str) -> None:
        if self._suspected is None:
            return
        try:
            self._suspected(reason)
        except Exception:
            _log.failure("the node {node} failed to act on a suspicion", node=self.node_id)
