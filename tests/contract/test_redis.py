"""The contracts of what Redis does in a cluster, on a real Redis."""

import random
from dataclasses import replace

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from imchat.domain import limits
from imchat.domain.errors import Unavailable
from imchat.domain.verification import digest
from imchat.net.ids import SecureIds
from imchat.net.redis import RedisBus, RedisPublisher
from imchat.ports import EventsAppended, Limit, Purpose
from imchat.store.redis import RedisCodes, RedisLimiter, RedisNodeCopy, RedisPresence
from imchat.store.redis.limits import GIVE_BACK, TAKE
from tests.contract.bus import BusContract, appended
from tests.contract.codes import CodeStoreContract
from tests.contract.limiter import RateLimiterContract
from tests.contract.nodes import A, NodeCopyContract
from tests.contract.presence import ANN, ELSEWHERE, PHONE, TABLET, PresenceContract
from tests.redis import closing, pause, settings, started_pool
from tests.services import redis


class Refusing:
    """A limiter that must not be asked."""

    async def take(self, key: str, limit: Limit) -> int:
        raise AssertionError("the fallback counts though Redis is there")

    give_back = take


class OnRedis:
    """A backend whose time passes by itself."""

    def start(self) -> str:
        """Connect and return the prefix of the test's keys."""
        given = settings(redis().port)
        self.pool = started_pool(self, given)
        return given.prefix

    async def elapse(self, ms: int) -> None:
        await pause(ms)


class RedisCodesTests(OnRedis, CodeStoreContract, TestCase):
    def make_codes(self):
        prefix = self.start()
        self.key = f"{prefix}code:registration:ada@example.org".encode()
        return RedisCodes(self.pool, prefix)

    async def test_the_code_itself_is_not_kept(self):
        await self.put("123456")
        kept = await self.pool.call(b"HGETALL", self.key)
        self.assertNotIn(b"123456", b"".join(kept))
        self.assertIn(digest("123456"), kept)

    async def test_redis_forgets_what_nobody_takes(self):
        await self.put(ttl_ms=300_000)
        await self.take("000000")
        left = await self.pool.call(b"PTTL", self.key)
        self.assertTrue(290_000 < left <= 300_000, left)

    async def test_a_used_and_a_void_code_leave_nothing_behind(self):
        for attempts in (["123456"], ["000000"] * 5):
            await self.put("123456")
            for attempt in attempts:
                await self.take(attempt)
            self.assertEqual(await self.pool.call(b"EXISTS", self.key), 0)

    async def test_a_key_that_something_else_uses_is_an_error_to_try_again_and_names_no_reason(self):
        await self.pool.call(b"LPUSH", self.key, b"x")
        with self.assertRaises(Unavailable) as caught:
            await self.take()
        self.assertNotIn("WRONGTYPE", caught.exception.message)
        await self.codes.discard(Purpose.REGISTRATION, "ada@example.org")
        await self.put()
        self.assertTrue(await self.take())
        self.assertFalse(self.pool.outage.lasts)


class RedisLimiterTests(OnRedis, RateLimiterContract, TestCase):
    def make_limiter(self):
        self.prefix = self.start()
        return RedisLimiter(self.pool, Refusing(), self.prefix)

    async def test_two_processes_count_together(self):
        other = RedisLimiter(self.pool, Refusing(), self.prefix)
        limit = Limit(2, 60_000)
        self.assertEqual([await one.take("k", limit) for one in (self.limiter, other)], [0, 0])
        self.assertGreater(await self.limiter.take("k", limit), 0)

    async def test_redis_forgets_keys_that_are_as_good_as_new(self):
        await self.limiter.take("k", Limit(10, 600_000))
        left = await self.pool.call(b"PTTL", f"{self.prefix}rate:k".encode())
        self.assertTrue(0 < left <= 60_000, left)

    async def test_the_scripts_count_exactly_as_the_domain_does(self):
        seed = random.Random(7)
        key = f"{self.prefix}rule".encode()
        clock = f"local now = tonumber(ARGV[#ARGV])\n{NO_EXPIRY}"
        for _ in range(300):
            limit = Limit(seed.choice([1, 3, 7, 1_000]), seed.choice([1, 300, 60_000, 86_400_000]))
            now_ms = 1_800_000_000_000 + seed.randrange(10**9)
            before = seed.choice([0, now_ms * 1_000 + seed.randrange(-limit.window_us, 2 * limit.window_us)])
            arguments = [b"%d" % limit.cost_us, b"%d" % limit.window_us, b"%d" % (now_ms * 1_000)]
            await self.pool.call(b"SET", key, b"%d" % before)
            state, wait_ms = limits.take(before, limit, now_ms)
            self.assertEqual(await self.pool.run(clock + TAKE, [key], arguments), wait_ms)
            await self.holds(key, before if wait_ms else state, now_ms)
            await self.pool.call(b"SET", key, b"%d" % before)
            await self.pool.run(clock + GIVE_BACK, [key], arguments)
            await self.holds(key, limits.give_back(before, limit) if before else 0, now_ms)

    async def holds(self, key: bytes, state: int, now_ms: int) -> None:
        """Assert the state of a key; what says no more than a fresh one may be gone."""
        kept = int(await self.pool.call(b"GET", key) or 0)
        if not (kept == 0 and limits.is_fresh(state, now_ms)):
            self.assertEqual(kept, state)


# The states of that test lie in another time than Redis does: keep them whatever their end.
NO_EXPIRY = """\
local real = redis
local redis = {call = function(name, ...)
  if name == 'SET' then return real.call('SET', (select(1, ...)), (select(2, ...))) end
  return real.call(name, ...)
end}
"""


class RedisNodeCopyTests(OnRedis, NodeCopyContract, TestCase):
    def make_copy(self):
        self.prefix = self.start()
        self.key = f"{self.prefix}nodes".encode()
        return RedisNodeCopy(self.pool, self.prefix)

    async def test_what_one_process_writes_another_reads(self):
        await self.copy.write([A], 60_000)
        self.assertEqual(await RedisNodeCopy(self.pool, self.prefix).read(), [A])

    async def test_redis_forgets_nodes_that_end_and_then_all_of_it(self):
        await self.copy.write([A], 50)
        await self.elapse(60)
        self.assertEqual(await self.pool.call(b"EXISTS", self.key), 0)
        for number in range(3):
            await self.copy.write([replace(A, node_id=f"n{number}")], 50 if number < 2 else 60_000)
            await self.elapse(60)
        self.assertEqual(await self.pool.call(b"HKEYS", self.key), [b"n2"])
        self.assertGreater(await self.pool.call(b"PTTL", self.key), 50_000)

    async def test_what_another_version_wrote_is_left_out(self):
        await self.copy.write([A], 60_000)
        ends = b"9" * 16
        for value in (b"", b"x", ends, ends + b" {}", ends + b" [1]", ends + b" nonsense", ends + b' {"node_id":1}'):
            await self.pool.call(b"HSET", self.key, b"odd", value)
            self.assertEqual(await self.copy.read(), [A], value)

    async def test_a_redis_that_is_away_says_so(self):
        away = started_pool(self, settings(1, timeout=60.0))
        copy = RedisNodeCopy(away)
        with self.assertRaises(Unavailable):
            await copy.read()
        with self.assertRaises(Unavailable):
            await copy.write([A], 1_000)


class RedisPresenceTests(OnRedis, PresenceContract, TestCase):
    def make_presence(self):
        self.prefix = self.start()
        self.key = f"{self.prefix}presence:{ANN}".encode()
        return RedisPresence(self.pool, self.prefix)

    async def test_what_one_node_puts_another_reads(self):
        await self.presence.put([PHONE], 60_000)
        self.assertEqual(await RedisPresence(self.pool, self.prefix).get([ANN]), {ANN: (PHONE,)})

    async def test_redis_forgets_who_is_gone_and_devices_of_nodes_that_are(self):
        await self.presence.put([PHONE], 50)
        await self.elapse(60)
        self.assertEqual(await self.pool.call(b"EXISTS", self.key), 0)
        await self.presence.put([PHONE], 50)
        await self.presence.put([ELSEWHERE], 60_000)
        await self.elapse(60)
        await self.presence.put([TABLET], 60_000)
        self.assertEqual(len(await self.pool.call(b"HKEYS", self.key)), 2)
        self.assertGreater(await self.pool.call(b"PTTL", self.key), 50_000)

    async def test_what_another_version_wrote_is_left_out(self):
        await self.presence.put([PHONE], 60_000)
        ends = b"9" * 16
        for value in (b"", b"x", ends, ends + b" {}", ends + b" [1]", ends + b" nonsense", ends + b' {"state":9}'):
            await self.pool.call(b"HSET", self.key, b"odd", value)
            self.assertEqual(await self.there(ANN), [PHONE], value)

    async def test_a_redis_that_is_away_says_so(self):
        presence = RedisPresence(started_pool(self, settings(1, timeout=60.0)))
        for attempt in (presence.get([ANN]), presence.put([PHONE], 1_000), presence.drop([PHONE])):
            with self.assertRaises(Unavailable):
                await attempt


class RedisBusTests(OnRedis, BusContract, TestCase):
    def setUp(self):
        self.start()
        self.ids = SecureIds()
        self.buses = []
        self.marks = 0

    async def make_bus(self, node_id):
        bus = RedisBus(reactor, self.pool, node_id, self.ids.new_id())
        self.addCleanup(closing(bus))
        bus.start()
        self.buses.append(bus)
        return bus

    async def make_publisher(self):
        publisher = RedisPublisher(reactor, self.pool, "status", self.ids.new_id())
        self.addCleanup(closing(publisher))
        publisher.start()
        return publisher

    async def settle(self):
        # Redis sends a confirmation behind all that it sent before.
        self.marks += 1
        for bus in self.buses:
            await bus.subscribe([f"mark:{self.marks}"])

    async def test_a_notice_of_many_large_events_arrives(self):
        one, two = await self.listener("one"), await self.listener("two", "conversation:9")
        events = tuple(replace(appended(9, seq).events[0], content=bytes([seq]) * 65_536) for seq in range(1, 101))
        await one.bus.publish([("conversation:9", EventsAppended(9, 1, events))])
        await self.settle()
        self.assertEqual(two.heard, [("conversation:9", EventsAppended(9, 1, events))])

    async def test_thousands_of_channels(self):
        channels = [f"user:{n}" for n in range(2_500)]
        one, two = await self.listener("one"), await self.listener("two", *channels)
        await one.bus.publish([(channel, appended(1)) for channel in channels])
        await self.settle()
        self.assertEqual([channel for channel, _ in two.heard], channels)
        await two.bus.unsubscribe(channels[:2_400])
        await one.bus.publish([(channel, appended(1)) for channel in channels])
        await self.settle()
        self.assertEqual(len(two.heard), 2_600)

    async def test_two_nodes_of_one_name_hear_each_other_and_not_themselves(self):
        one, two = await self.listener("same", "user:1"), await self.listener("same", "user:1")
        await one.bus.publish([("user:1", appended(1, 1))])
        await two.bus.publish([("user:1", appended(1, 2))])
        await self.settle()
        self.assertEqual((one.heard, two.heard), ([("user:1", appended(1, 2))], [("user:1", appended(1, 1))]))

    async def test_two_databases_of_one_redis_do_not_hear_each_other(self):
        elsewhere = started_pool(self, replace(self.pool.settings, db=3))
        here = await self.listener("here", "user:1")
        there = RedisPublisher(reactor, elsewhere, "there", self.ids.new_id())
        await there.publish([("user:1", appended(1))])
        await self.settle()
        self.assertEqual(here.heard, [])
