"""What the servers of a cluster stand on: the database, Redis, and links to each other. Checked first, then built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from imchat.assemble import secrets
from imchat.assemble import settings as mapped
from imchat.assemble.parts import Base
from imchat.config import Config
from imchat.net.background import sleep
from imchat.net.links.endpoints import EndpointRefused, connector, listener, parsed
from imchat.net.links.messages import Service
from imchat.net.links.pool import Links
from imchat.net.links.secret import SecretRefused, SharedSecret
from imchat.ports import RateLimiter
from imchat.startup import StartupError
from imchat.store import mysql
from imchat.store.memory import MemoryRateLimiter
from imchat.store.sql.database import Database
from imchat.store.sql.schema import SchemaError

if TYPE_CHECKING:
    from imchat.net.redis import RedisPool, RedisSettings

LINK_WAIT = 3.0
"""Seconds that a server waits at its start for the first link to the others; then it serves without."""

_log = Logger(namespace="imchat")


@dataclass(frozen=True, slots=True)
class Ground:
    """Settings that passed the checks before the start.

    Attributes:
        secret: That all servers share.
        redis: How to reach Redis.
        mysql: How to reach the database; None for a server that needs none.
        warnings: What the operator should know of the database.
    """

    secret: SharedSecret
    redis: RedisSettings
    mysql: mysql.MysqlSettings | None = None
    warnings: tuple[str, ...] = ()

    def warn(self) -> None:
        """Tell the warnings to the log."""
        for warning in self.warnings:
            _log.warn("{warning}", warning=warning)


def check(config: Config, reactor: Any, with_database: bool) -> Ground:
    """Check secrets, endpoints and, where the server needs it, the database and its schema. Synchronous.

    Raises:
        StartupError: something is missing or wrong; one line says what to change.
    """
    secret = _secret(config)
    redis = mapped.redis_settings(config.redis)
    setting = "redis.sentinels" if redis.sentinels else "redis.endpoint"
    for place in redis.sentinels or (redis.endpoint,):
        _check_endpoint(parsed, reactor, place, setting)
    for setting, places in (("links.status", config.links.status), ("links.verify", config.links.verify)):
        for place in places:
            _check_endpoint(connector, reactor, place, setting)
    if not with_database:
        return Ground(secret, redis)
    settings = mapped.mysql_settings(config.database)
    try:
        return Ground(secret, redis, settings, mysql.check(settings))
    except SchemaError as error:
        raise StartupError(f"database: {error}") from error


def _secret(config: Config) -> SharedSecret:
    value = secrets.secret_of(config.links.secret, config.links.secret_file, "links.secret")
    try:
        return SharedSecret(value)
    except SecretRefused as error:
        raise StartupError(f"links.secret: {error}") from error


def _check_endpoint(parse: Callable[[Any, str], object], reactor: Any, place: str, setting: str) -> None:
    try:
        parse(reactor, place)
    except EndpointRefused as error:
        raise StartupError(f"{setting}: {error}") from error


def database(base: Base, ground: Ground) -> Database:
    """The stores."""
    if ground.mysql is None:
        raise ValueError("this server was checked without a database")
    return mysql.open_database(ground.mysql, base.reactor, mapped.session_lifetime_ms(base.config.status))


def redis_pool(base: Base, ground: Ground) -> RedisPool:
    """Connections to Redis."""
    from imchat.net.redis import RedisPool

    return RedisPool(base.reactor, ground.redis, base.ids.fraction)


def limiter(base: Base, pool: RedisPool) -> RateLimiter:
    """Counts in Redis, and in this process while Redis is away."""
    from imchat.store.redis import RedisLimiter

    return RedisLimiter(pool, MemoryRateLimiter(base.now_ms), pool.settings.prefix)


def links(base: Base, ground: Ground, service: Service, places: Sequence[str], setting: str) -> Links:
    """Links to all servers of one kind.

    Raises:
        StartupError: an endpoint cannot be used, or is named twice.
    """
    try:
        endpoints = [(place, connector(base.reactor, place)) for place in places]
        return Links(service, endpoints, ground.secret, base.ids, base.reactor)
    except (EndpointRefused, ValueError) as error:
        raise StartupError(f"{setting}: {error}") from error


def check_listener(reactor: Any, endpoint: str, setting: str) -> None:
    """Make sure that links may be listened for at an endpoint.

    Raises:
        StartupError: it would carry secrets in clear, or its files cannot be read.
    """
    try:
        listener(reactor, endpoint)
    except EndpointRefused as error:
        raise StartupError(f"{setting}: {error}") from error


async def link_up(reactor: Any, *all_links: Links) -> None:
    """Start links and return when each kind has one that is up, or after :data:`LINK_WAIT`."""
    for one in all_links:
        one.startService()
    end = reactor.seconds() + LINK_WAIT
    while not all(one.up for one in all_links) and reactor.seconds() < end:
        await sleep(reactor, 0.02)


async def link_down(*all_links: Links) -> None:
    """End links."""
    for one in all_links:
        await one.stopService()
