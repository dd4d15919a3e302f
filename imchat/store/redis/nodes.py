"""The copy of the table of chat nodes, in Redis: one hash, whose fields end by the clock of Redis."""

from __future__ import annotations

import json
from collections.abc import Sequence

from imchat.domain.models import NodeAddress, NodeReport
from imchat.store.redis.commands import DEFAULT_PREFIX, RedisCommands, key_of
from imchat.store.redis.limits import CLOCK

# A value is the microsecond of its end, a space, and the report. Redis lets fields of a hash expire by itself from
# 7.4 on only.
_LIVING = """\
local function living()
  local found, kept = redis.call('HGETALL', KEYS[1]), {}
  for i = 1, #found, 2 do
    if (tonumber(string.match(found[i + 1], '^%d+')) or 0) > now then
      kept[#kept + 1] = string.match(found[i + 1], '^%d+ (.*)$')
    else
      redis.call('HDEL', KEYS[1], found[i])
    end
  end
  return kept
end
"""

WRITE = (
    CLOCK
    + _LIVING
    + """\
local ends = string.format('%.0f ', now + ARGV[1] * 1000)
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ends .. ARGV[i + 1]) end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return #living()
"""
)

READ = CLOCK + _LIVING + "return living()\n"


class RedisNodeCopy:
    """The :class:`imchat.ports.NodeCopy` of a cluster. All status servers write what is reported to them.

    Args:
        redis: Sends the commands.
        prefix: In front of the key.
    """

    def __init__(self, redis: RedisCommands, prefix: str = DEFAULT_PREFIX) -> None:
        self._redis = redis
        self._key = key_of(prefix, "nodes")

    async def write(self, reports: Sequence[NodeReport], lifetime_ms: int) -> None:
        """Keep reports for so long.

        Raises:
            Unavailable: Redis is away, or did not answer in time.
        """
        pairs = [word for report in reports for word in (key_of("", report.node_id), _packed(report))]
        await self._redis.run(WRITE, [self._key], [b"%d" % lifetime_ms, *pairs])

    async def read(self) -> list[NodeReport]:
        """The report of each node that has one; what a status server of another version wrote is left out.

        Raises:
            Unavailable: as in :meth:`write`.
        """
        values: list[bytes] = await self._redis.run(READ, [self._key], [])
        return [report for value in values if (report := _unpacked(value)) is not None]


def _packed(report: NodeReport) -> bytes:
    address = report.address
    fields = {
        "node_id": report.node_id,
        "host": address.host,
        "port": address.port,
        "tls": address.tls,
        "connections": report.connections,
        "draining": report.draining,
        "incarnation": report.incarnation,
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def _unpacked(value: bytes) -> NodeReport | None:
    try:
        fields = json.loads(value)
        address = NodeAddress(str(fields["host"]), int(fields["port"]), bool(fields["tls"]))
        incarnation = int(fields.get("incarnation", 0))
        connections, draining = int(fields["connections"]), bool(fields["draining"])
        return NodeReport(str(fields["node_id"]), address, connections, draining, incarnation)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
