"""All that is asked of a real Redis, asked of what stands for it in the simulation."""

import random

from twisted.internet import reactor
from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from imchat.domain import limits
from imchat.ports import Limit
from tests.contract import test_redis
from tests.redis import settings, started_pool
from tests.simulation.redis import SimulatedRedis


class OnSimulation:
    """A server on a clock that the test moves."""

    def start(self) -> str:
        """Connect and return the prefix of the test's keys."""
        self.redis_clock = Clock()
        self.redis_clock.advance(1_800_000_000)
        factory = SimulatedRedis(self.redis_clock).factory()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        given = settings(port.getHost().port)
        self.pool = started_pool(self, given)
        return given.prefix

    async def elapse(self, ms: int) -> None:
        """Move it."""
        self.redis_clock.advance(ms / 1000)


class LimiterOnSimulation(OnSimulation):
    """The rules of the limiter with a clock that can be set, in the place of scripts that were changed for that."""

    async def test_the_scripts_count_exactly_as_the_domain_does(self):
        seed = random.Random(7)
        key = f"{self.prefix}rate:rule".encode()
        for _ in range(300):
            limit = Limit(seed.choice([1, 3, 7, 1_000]), seed.choice([1, 300, 60_000, 86_400_000]))
            now_ms = 1_800_000_000_000 + seed.randrange(10**9)
            self.redis_clock.rightNow = (now_ms + 0.5) / 1000
            before = seed.choice([0, now_ms * 1_000 + seed.randrange(-limit.window_us, 2 * limit.window_us)])
            await self.pool.call(b"SET", key, b"%d" % before)
            state, wait_ms = limits.take(before, limit, now_ms)
            self.assertEqual(await self.limiter.take("rule", limit), wait_ms)
            await self.holds(key, before if wait_ms else state, now_ms)
            await self.pool.call(b"SET", key, b"%d" % before)
            await self.limiter.give_back("rule", limit)
            await self.holds(key, limits.give_back(before, limit) if before else 0, now_ms)


for suite in list(vars(test_redis).values()):
    if isinstance(suite, type) and issubclass(suite, test_redis.OnRedis) and issubclass(suite, TestCase):
        kind = LimiterOnSimulation if suite is test_redis.RedisLimiterTests else OnSimulation
        name = f"Simulated{suite.__name__}"
        globals()[name] = type(name, (kind, suite), {"__module__": __name__})
del suite
