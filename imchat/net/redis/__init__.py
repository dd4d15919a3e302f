"""Redis, as Twisted glue: connections, commands and the bus between nodes.

- :mod:`~imchat.net.redis.settings`, :mod:`~imchat.net.redis.outage`: where it is, and one line when it goes.
- :mod:`~imchat.net.redis.connection`, :mod:`~imchat.net.redis.link`, :mod:`~imchat.net.redis.sentinel`: one
  connection, and how it is kept up.
- :mod:`~imchat.net.redis.pool`: commands.
- :mod:`~imchat.net.redis.heartbeats`, :mod:`~imchat.net.redis.subscriptions`: the rules of the bus, without sockets.
- :mod:`~imchat.net.redis.notices`: notices as they travel.
- :mod:`~imchat.net.redis.publisher`, :mod:`~imchat.net.redis.bus`: the bus.

Importing it imports txredisapi, which needs the reactor to be installed.
"""

from imchat.net.redis.bus import RedisBus
from imchat.net.redis.pool import RedisPool
from imchat.net.redis.publisher import RedisPublisher
from imchat.net.redis.settings import RedisSettings

__all__ = ["RedisBus", "RedisPool", "RedisPublisher", "RedisSettings"]
