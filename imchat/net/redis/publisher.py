"""The sending half of the bus, on Redis."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from imchat.domain.errors import Unavailable
from imchat.net.background import spawn
from imchat.net.redis import notices as wire
from imchat.net.redis.heartbeats import INTERVAL, Heartbeats, Origin
from imchat.net.redis.pool import RedisPool
from imchat.ports import Notice

_COMMON = "nodes"


class RedisPublisher:
    """The :class:`imchat.ports.Publisher` of those who host no connections, and the sending half of those who do.

    It sends a heartbeat every second, so that those who hear know when it failed to publish, or died before it could.

    Args:
        clock: The reactor.
        pool: Connections to Redis; its owner starts and closes it.
        node_id: Name of this node, for people.
        incarnation: A random number: own echoes are known by it, whoever else has the name.
    """

    def __init__(self, clock: IReactorTime, pool: RedisPool, node_id: str, incarnation: int) -> None:
        self.node_id = node_id
        self._clock = clock
        self._pool = pool
        self._prefix = pool.settings.channel_prefix
        self._common = self._name(_COMMON)
        origin = Origin(node_id, incarnation)
        self._opening = wire.opening(origin)
        self._heartbeats = Heartbeats(origin)
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock
        self._sending = False

    def start(self) -> None:
        """Begin to send heartbeats."""
        self._loop.start(INTERVAL)

    async def close(self) -> None:
        """Say that this node leaves, if Redis is there to hear it, and stop."""
        if self._loop.running:
            self._loop.stop()
            if self._pool.connected:
                await self._beat(leaving=True)

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Send notices to channels, all in one piece, in their order and after those of earlier calls.

        Raises:
            Unavailable: some may not have been sent. Others are told by the heartbeat, and look for themselves: the
                caller need not do anything.
        """
        commands = [
            (b"PUBLISH", self._name(channel), message) for channel, message in wire.messages(self._opening, notices)
        ]
        try:
            await self._pool.batch(commands)
        except Unavailable:
            self._heartbeats.publish_failed()
            raise

    def _name(self, channel: str) -> bytes:
        return (self._prefix + channel).encode("utf-8", "surrogatepass")

    def _tick(self) -> None:
        if not self._sending:
            spawn("a heartbeat", self._beat())

    async def _beat(self, leaving: bool = False) -> None:
        self._sending = True
        message = wire.heartbeat(self._heartbeats.next(leaving))
        try:
            await self._pool.batch([(b"PUBLISH", self._common, message)])
            self._heartbeats.sent()
        except Unavailable:
            # Told by the pool, once; the others miss it, which says the same.
            pass
        finally:
            self._sending = False
