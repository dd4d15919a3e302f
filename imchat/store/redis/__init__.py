"""Redis as the cluster's memory of what may be lost: verification codes, rate limits, which nodes live."""

from imchat.store.redis.codes import RedisCodes
from imchat.store.redis.commands import RedisCommands
from imchat.store.redis.limits import RedisLimiter
from imchat.store.redis.nodes import RedisNodeCopy

__all__ = ["RedisCodes", "RedisCommands", "RedisLimiter", "RedisNodeCopy"]
