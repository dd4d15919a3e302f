"""Verification codes in Redis: a hash per purpose and address, which Redis forgets when its time has come."""

from __future__ import annotations

from imchat.domain.errors import Unavailable
from imchat.domain.verification import digest
from imchat.ports import Purpose
from imchat.store.redis.commands import DEFAULT_PREFIX, RedisCommands, key_of

# What needs memory comes first: a Redis that has none left refuses it, and nothing has been changed then.
PUT = """\
redis.call('HSET', KEYS[1], 'digest', ARGV[1], 'wrong', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""

# The rules are those of imchat.domain.verification.check. Lua keeps every string once and compares its place, so that
# comparing takes the same time for all; it compares digests, moreover.
TAKE = """\
local kept = redis.call('HMGET', KEYS[1], 'digest', 'wrong')
if not kept[1] then return 0 end
local wrong, max_tries = tonumber(kept[2]) or 0, tonumber(ARGV[2])
local right = wrong < max_tries and kept[1] == ARGV[1]
if right or wrong + 1 >= max_tries then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'wrong', wrong + 1)
end
return right and 1 or 0
"""


class RedisCodes:
    """The :class:`imchat.ports.CodeStore` of a cluster.

    Codes live by the clock of Redis. Only their digest is kept. While Redis is away every method raises
    ``Unavailable``; a code whose :meth:`take` ended so may have been used up.

    Args:
        redis: Sends the commands.
        prefix: In front of every key.
    """

    def __init__(self, redis: RedisCommands, prefix: str = DEFAULT_PREFIX) -> None:
        self._redis = redis
        self._prefix = prefix

    async def put(self, purpose: Purpose, address_key: str, code: str, ttl_ms: int) -> None:
        """Store a code with its time to live in ms; an older one is void from now on.

        Raises:
            Unavailable: Redis did not take it.
        """
        await self._run(PUT, purpose, address_key, digest(code), b"%d" % ttl_ms)

    async def take(self, purpose: Purpose, address_key: str, code: str, max_tries: int) -> bool:
        """Compare; a right code is used up, a wrong try counted, after the last one it is void.

        Raises:
            Unavailable: Redis did not answer.
        """
        return await self._run(TAKE, purpose, address_key, digest(code), b"%d" % max_tries) == 1

    async def discard(self, purpose: Purpose, address_key: str) -> None:
        """Forget a code.

        Raises:
            Unavailable: Redis did not answer.
        """
        try:
            await self._redis.call(b"DEL", self._key(purpose, address_key))
        except Unavailable as error:
            raise _try_again(error) from None

    async def _run(self, script: str, purpose: Purpose, address_key: str, *arguments: bytes) -> int:
        try:
            answer: int = await self._redis.run(script, [self._key(purpose, address_key)], arguments)
        except Unavailable as error:
            raise _try_again(error) from None
        return answer

    def _key(self, purpose: Purpose, address_key: str) -> bytes:
        return key_of(self._prefix, "code", purpose.value, address_key)


def _try_again(error: Unavailable) -> Unavailable:
    # The reason is for the operator and stands in the log; a client is told what to do.
    return Unavailable("verification codes cannot be handled at the moment, try again", error.retry_after_ms)
