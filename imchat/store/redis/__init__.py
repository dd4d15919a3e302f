"""Redis as the cluster's memory of what may be lost: verification codes and rate limits."""

from imchat.store.redis.codes import RedisCodes
from imchat.store.redis.commands import RedisCommands
from imchat.store.redis.health import RedisHealth
from imchat.store.redis.limits import RedisLimiter

__all__ = ["RedisCodes", "RedisCommands", "RedisHealth", "RedisLimiter"]
