"""How Redis is reached."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Where Redis is, who we are there, and for how long we wait.

    Attributes:
        endpoint: A client endpoint string (``tcp:127.0.0.1:6379``, ``unix:/run/redis.sock``). Not used where
            ``sentinels`` are given.
        username: ACL user; empty means the default user.
        password: Empty means that none is asked for.
        db: Number of the database, for keys. Channels know no databases: their names carry the number instead.
        prefix: In front of every key and channel, so that several installations can share one Redis.
        pool_size: Connections for commands. Commands do not wait for a free one, they are sent one after the other.
        timeout: Seconds for one call, for connecting, and for the first exchange on a connection, each.
        sentinels: Endpoint strings of the Sentinels that know where the master is.
        master_name: The master's name at the Sentinels.
        sentinel_username: ACL user at the Sentinels.
        sentinel_password: Empty means that the Sentinels ask for none.
    """

    endpoint: str = "tcp:127.0.0.1:6379"
    username: str = ""
    password: str = field(default="", repr=False)
    db: int = 0
    prefix: str = "imchat:"
    pool_size: int = 2
    timeout: float = 2.0
    sentinels: tuple[str, ...] = ()
    master_name: str = "mymaster"
    sentinel_username: str = ""
    sentinel_password: str = field(default="", repr=False)

    @property
    def where(self) -> str:
        """Where Redis is, for log lines and messages."""
        return f"{self.master_name} of {', '.join(self.sentinels)}" if self.sentinels else self.endpoint

    @property
    def channel_prefix(self) -> str:
        """In front of every channel."""
        return f"{self.prefix}bus{self.db}:"
