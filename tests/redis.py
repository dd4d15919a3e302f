"""What tests on a real Redis share."""

import itertools
import random
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import formatEvent, globalLogPublisher

from imchat.net.redis import RedisPool, RedisSettings
from imchat.testing import PrivateRedis

_numbers = itertools.count()


def settings(port: int, **changes) -> RedisSettings:
    """Settings with keys and channels that no other test uses."""
    changes.setdefault("prefix", f"test{next(_numbers)}:")
    return RedisSettings(endpoint=f"tcp:127.0.0.1:{port}", **changes)


def started_pool(test, given: RedisSettings) -> RedisPool:
    """A pool that is closed at the end of the test."""
    pool = RedisPool(reactor, given, random.random)
    test.addCleanup(closing(pool))
    pool.start()
    return pool


def closing(thing, method: str = "close"):
    """A cleanup that closes something and returns when it is closed."""
    return lambda: Deferred.fromCoroutine(getattr(thing, method)())


class OutageLines:
    """The lines of the log about Redis, from now to the end of the test."""

    def __init__(self, test) -> None:
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self._hear)
        test.addCleanup(globalLogPublisher.removeObserver, self._hear)

    def _hear(self, event) -> None:
        if event.get("log_namespace", "").startswith("imchat.net.redis"):
            self.lines.append(formatEvent(event))


async def own_redis(test, *options: str) -> PrivateRedis:
    """A running Redis for one test alone, which may be killed and started again."""
    server = PrivateRedis(reactor, Path(test.mktemp()))
    server.command.extend(options)
    test.addCleanup(closing(server, "kill"))
    await server.start()
    return server


def pause(ms: float):
    """A Deferred that fires after so many milliseconds."""
    return deferLater(reactor, ms / 1000)


async def until(condition, what: str, seconds: float = 20.0) -> None:
    """Return when a condition holds."""
    for _ in range(int(seconds * 100)):
        if condition():
            return
        await pause(10)
    raise AssertionError(f"in vain: {what}")
