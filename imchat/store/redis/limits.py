"""Rate limits in Redis: one number per key, by the generic cell rate algorithm of :mod:`imchat.domain.limits`."""

from __future__ import annotations

from imchat.domain.errors import Unavailable
from imchat.ports import Limit, RateLimiter
from imchat.store.redis.commands import DEFAULT_PREFIX, RedisCommands, key_of

# Whole milliseconds by the clock of Redis, in microseconds. All processes count by one clock then, however far their
# own ones differ.
CLOCK = """\
local time = redis.call('TIME')
local now = (time[1] * 1000 + math.floor(time[2] / 1000)) * 1000
"""

# Lua's own way of writing numbers keeps 14 digits, these have 16: hence '%.0f'. A double holds them exactly.
_KEEP = """\
local function keep(state)
  if state > now then
    redis.call('SET', KEYS[1], string.format('%.0f', state), 'PX', math.ceil((state - now) / 1000))
  else
    redis.call('DEL', KEYS[1])
  end
end
"""

TAKE = (
    _KEEP
    + """\
local cost, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
state = math.min(math.max(state, now), now + window)
local excess = state + cost - (now + window)
if excess > 0 then return math.ceil(excess / 1000) end
keep(state + cost)
return 0
"""
)

GIVE_BACK = (
    _KEEP
    + """\
local state = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
if state > 0 then keep(state - tonumber(ARGV[1])) end
return 0
"""
)


class RedisLimiter:
    """The :class:`imchat.ports.RateLimiter` of a cluster: all processes count together.

    While Redis is away each process counts by itself, so that a limit holds per process; what was counted in the one
    place is not carried to the other. Whether Redis is away is logged by what sends the commands.

    Args:
        redis: Sends the commands.
        fallback: Counts while Redis is away.
        prefix: In front of every key.
    """

    def __init__(self, redis: RedisCommands, fallback: RateLimiter, prefix: str = DEFAULT_PREFIX) -> None:
        self._redis = redis
        self._fallback = fallback
        self._prefix = prefix

    async def take(self, key: str, limit: Limit) -> int:
        """Count one event if the limit allows it; return 0, or how long to wait in ms."""
        arguments = [b"%d" % limit.cost_us, b"%d" % limit.window_us]
        try:
            wait_ms: int = await self._redis.run(CLOCK + TAKE, [self._key(key)], arguments)
        except Unavailable:
            return await self._fallback.take(key, limit)
        return wait_ms

    async def give_back(self, key: str, limit: Limit) -> None:
        """Uncount one event."""
        try:
            await self._redis.run(CLOCK + GIVE_BACK, [self._key(key)], [b"%d" % limit.cost_us])
        except Unavailable:
            await self._fallback.give_back(key, limit)

    def _key(self, key: str) -> bytes:
        return key_of(self._prefix, "rate", key)
