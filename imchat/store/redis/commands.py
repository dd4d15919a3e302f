"""What the stores here need of a connection to Redis. ``imchat.net.redis.RedisPool`` gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

DEFAULT_PREFIX = "imchat:"
"""In front of every key, so that several installations can share one Redis."""


class RedisCommands(Protocol):
    """Sends commands. Both methods raise :class:`imchat.domain.errors.Unavailable` within a bound."""

    async def call(self, *words: bytes) -> Any:
        """Send one command and return its reply: int, bytes, None or a list of them."""

    async def run(self, script: str, keys: Sequence[bytes], arguments: Sequence[bytes]) -> Any:
        """Run a Lua script, atomically, and return what it returns."""


def key_of(prefix: str, *parts: str) -> bytes:
    """The name of a key, of whatever text."""
    return (prefix + ":".join(parts)).encode("utf-8", "surrogatepass")
