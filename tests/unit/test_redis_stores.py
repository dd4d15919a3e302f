"""Codes and limits while Redis is away."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.ports import Limit, Purpose
from imchat.store.memory import MemoryRateLimiter
from imchat.store.redis import RedisCodes, RedisLimiter
from tests.fakes.redis import SwitchedRedis

LIMIT = Limit(2, 60_000)


class WithoutRedis(SynchronousTestCase):
    def setUp(self):
        self.redis = SwitchedRedis()
        self.redis.away = True
        self.limiter = RedisLimiter(self.redis, MemoryRateLimiter(lambda: 1_800_000_000_000))

    def result(self, coroutine):
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def test_limits_hold_per_process(self):
        self.assertEqual([self.result(self.limiter.take("k", LIMIT)) for _ in range(3)], [0, 0, 30_000])

    def test_what_was_counted_here_is_given_back_here(self):
        for _ in range(2):
            self.result(self.limiter.take("k", LIMIT))
        self.result(self.limiter.give_back("k", LIMIT))
        self.assertEqual(self.result(self.limiter.take("k", LIMIT)), 0)

    def test_redis_counts_again_once_it_is_back(self):
        for _ in range(3):
            self.result(self.limiter.take("k", LIMIT))
        self.redis.away, self.redis.answer = False, 17
        self.assertEqual(self.result(self.limiter.take("k", LIMIT)), 17)

    def test_codes_say_try_again_and_when(self):
        codes = RedisCodes(self.redis)
        for call in (
            codes.put(Purpose.REGISTRATION, "a", "123456", 1_000),
            codes.take(Purpose.REGISTRATION, "a", "123456", 5),
            codes.discard(Purpose.REGISTRATION, "a"),
        ):
            error = self.failure(call)
            self.assertIn("try again", error.message)
            self.assertEqual(error.retry_after_ms, 2_000)

    def failure(self, coroutine) -> Unavailable:
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), Unavailable).value
