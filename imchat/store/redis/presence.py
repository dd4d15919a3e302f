"""Presence in Redis: for each user a hash with a field for each node and device, each with an end of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence

from imchat.domain.people import PresenceState
from imchat.domain.presence import PresenceEntry
from imchat.store.redis.commands import DEFAULT_PREFIX, RedisCommands, key_of
from imchat.store.redis.limits import CLOCK

AT_ONCE = 200
"""Users of one script: Redis does nothing else while it runs."""

# A value is the microsecond of its end, a space, and the entry.
_LIVING = """\
local function living(key)
  local found, kept = redis.call('HGETALL', key), {}
  for i = 1, #found, 2 do
    if (tonumber(string.match(found[i + 1], '^%d+')) or 0) > now then
      kept[#kept + 1] = string.match(found[i + 1], '^%d+ (.*)$')
    else
      redis.call('HDEL', key, found[i])
    end
  end
  return kept
end
"""

PUT = (
    CLOCK
    + _LIVING
    + """\
local ends = string.format('%.0f ', now + ARGV[1] * 1000)
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[2 * i], ends .. ARGV[2 * i + 1])
  if redis.call('PTTL', key) < tonumber(ARGV[1]) then redis.call('PEXPIRE', key, ARGV[1]) end
  living(key)
end
return #KEYS
"""
)

DROP = """\
for i, key in ipairs(KEYS) do redis.call('HDEL', key, ARGV[i]) end
return #KEYS
"""

GET = (
    CLOCK
    + _LIVING
    + """\
local all = {}
for i, key in ipairs(KEYS) do all[i] = living(key) end
return all
"""
)


class RedisPresence:
    """The :class:`imchat.ports.PresenceStore` of a cluster.

    Args:
        redis: Sends the commands.
        prefix: In front of every key.
    """

    def __init__(self, redis: RedisCommands, prefix: str = DEFAULT_PREFIX) -> None:
        self._redis = redis
        self._prefix = prefix

    async def put(self, entries: Sequence[PresenceEntry], lifetime_ms: int) -> None:
        """Keep entries for so long, by the clock of Redis.

        Raises:
            Unavailable: Redis is away, or did not answer in time.
        """
        for start in range(0, len(entries), AT_ONCE):
            part = entries[start : start + AT_ONCE]
            words = [word for entry in part for word in (_field(entry), _packed(entry))]
            await self._redis.run(PUT, [self._key(entry.user_id) for entry in part], [b"%d" % lifetime_ms, *words])

    async def drop(self, entries: Sequence[PresenceEntry]) -> None:
        """Forget entries.

        Raises:
            Unavailable: as in :meth:`put`.
        """
        for start in range(0, len(entries), AT_ONCE):
            part = entries[start : start + AT_ONCE]
            await self._redis.run(DROP, [self._key(entry.user_id) for entry in part], [_field(entry) for entry in part])

    async def get(self, user_ids: Sequence[int]) -> dict[int, tuple[PresenceEntry, ...]]:
        """The entries of those users who have any; what a node of another version wrote is left out.

        Raises:
            Unavailable: as in :meth:`put`.
        """
        found: dict[int, tuple[PresenceEntry, ...]] = {}
        ids = list(dict.fromkeys(user_ids))
        for start in range(0, len(ids), AT_ONCE):
            part = ids[start : start + AT_ONCE]
            answers: list[list[bytes]] = await self._redis.run(GET, [self._key(user_id) for user_id in part], [])
            for user_id, values in zip(part, answers, strict=True):
                entries = [entry for value in values if (entry := _unpacked(user_id, value)) is not None]
                if entries:
                    found[user_id] = tuple(entries)
        return found

    def _key(self, user_id: int) -> bytes:
        return key_of(self._prefix, "presence", str(user_id))


def _field(entry: PresenceEntry) -> bytes:
    return key_of("", str(entry.node), entry.device_id)


def _packed(entry: PresenceEntry) -> bytes:
    fields = {"node": entry.node, "device": entry.device_id, "state": int(entry.state), "platform": entry.platform}
    return json.dumps(fields, separators=(",", ":")).encode()


def _unpacked(user_id: int, value: bytes) -> PresenceEntry | None:
    try:
        fields = json.loads(value)
        state = PresenceState(int(fields["state"]))
        return PresenceEntry(user_id, int(fields["node"]), str(fields["device"]), state, str(fields["platform"]))
    except (ValueError, TypeError, LookupError):
        return None
