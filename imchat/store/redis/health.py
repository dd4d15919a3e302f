"""Whether Redis answers."""

from __future__ import annotations

from imchat.store.redis.commands import RedisCommands


class RedisHealth:
    """The :class:`imchat.ports.Health` of Redis.

    Args:
        redis: Sends the command.
    """

    def __init__(self, redis: RedisCommands) -> None:
        self._redis = redis

    async def ping(self) -> None:
        """Return if it answers.

        Raises:
            Unavailable: it does not, within the bound of what sends the commands.
        """
        await self._redis.call(b"PING")
