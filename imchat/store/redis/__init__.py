"""Redis as the cluster's memory of what may be lost: codes, rate limits, which nodes live, who is there."""

from imchat.store.redis.codes import RedisCodes
from imchat.store.redis.commands import RedisCommands
from imchat.store.redis.limits import RedisLimiter
from imchat.store.redis.nodes import RedisNodeCopy
from imchat.store.redis.presence import RedisPresence

__all__ = ["RedisCodes", "RedisCommands", "RedisLimiter", "RedisNodeCopy", "RedisPresence"]
