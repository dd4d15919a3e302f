"""The contracts of what Redis does in a cluster, on memory."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imchat.domain.errors import Unavailable
from imchat.ports import Limit, Purpose
from imchat.store.memory import MemoryCodeStore, MemoryHub, MemoryNodeCopy, MemoryPresence, MemoryRateLimiter
from imchat.store.memory.expiring import ExpiringDict
from tests.contract.bus import BusContract, appended
from tests.contract.codes import CodeStoreContract
from tests.contract.limiter import RateLimiterContract
from tests.contract.nodes import NodeCopyContract
from tests.contract.presence import PHONE, PresenceContract


class OnAClock:
    """A backend whose time is moved by the test."""

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)

    async def elapse(self, ms: int) -> None:
        self.clock.advance(ms / 1000)

    def start_clock(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_800_000_000)


class MemoryCodeStoreTests(OnAClock, CodeStoreContract, TestCase):
    def make_codes(self):
        self.start_clock()
        return MemoryCodeStore(self.now_ms, capacity=100)

    async def test_expired_codes_leave(self):
        for n in range(100):
            await self.put(key=f"{n}@example.org", ttl_ms=1_000)
        await self.elapse(1_000)
        await self.put()
        self.assertEqual(len(self.codes), 1)

    async def test_a_flood_voids_nobodys_code_and_does_not_grow(self):
        await self.put("123456")
        for n in range(99):
            await self.put(key=f"{n}@example.org")
        for n in range(50):
            await self.assertFailure(self.flood(n), Unavailable)
        self.assertEqual(len(self.codes), 100)
        await self.put("654321", key="0@example.org")
        self.assertTrue(await self.take("123456"))

    def flood(self, n: int):

        return Deferred.fromCoroutine(self.codes.put(Purpose.PASSWORD_RESET, f"{n}@flood.example", "1", 60_000))


class MemoryRateLimiterTests(OnAClock, RateLimiterContract, TestCase):
    def make_limiter(self):
        self.start_clock()
        return MemoryRateLimiter(self.now_ms, capacity=100)

    async def test_forgotten_keys_take_no_room(self):
        for n in range(100):
            await self.limiter.take(f"k{n}", Limit(10, 1_000))
        await self.elapse(100)
        await self.limiter.take("k", Limit(10, 1_000))
        self.assertEqual(len(self.limiter), 1)

    async def test_a_flood_of_keys_frees_none_that_is_used_up(self):
        limit = Limit(5, 300_000)
        for _ in range(5):
            await self.limiter.take("victim", limit)
        for n in range(5_000):
            self.assertEqual(await self.limiter.take(f"flood{n}", limit), 0)
        self.assertEqual(len(self.limiter), 100)
        self.assertGreater(await self.limiter.take("victim", limit), 0)


class MemoryNodeCopyTests(OnAClock, NodeCopyContract, TestCase):
    def make_copy(self):
        self.start_clock()
        return MemoryNodeCopy(self.now_ms)


class MemoryPresenceTests(OnAClock, PresenceContract, TestCase):
    def make_presence(self):
        self.start_clock()
        return MemoryPresence(self.now_ms)

    async def test_who_is_gone_takes_no_room(self):
        await self.presence.put([PHONE], 60_000)
        await self.presence.drop([PHONE])
        self.assertEqual(len(self.presence), 0)
        await self.presence.put([PHONE], 100)
        await self.elapse(100)
        await self.there(PHONE.user_id)
        self.assertEqual(len(self.presence), 0)


class MemoryBusTests(OnAClock, BusContract, TestCase):
    def setUp(self):
        self.start_clock()
        self.hub = MemoryHub(self.clock)

    async def make_bus(self, node_id):
        return self.hub.attach(node_id)

    async def make_publisher(self):
        return self.hub

    async def settle(self):
        self.clock.advance(0)

    async def test_nothing_is_delivered_within_the_call_that_publishes(self):
        one, two = await self.listener("one"), await self.listener("two", "user:1")
        await one.bus.publish([("user:1", appended(1))])
        self.assertEqual(two.heard, [])

    async def test_one_that_left_hears_nothing_and_its_name_is_free(self):
        one, two = await self.listener("one"), await self.listener("two", "user:1")
        self.assertRaises(ValueError, self.hub.attach, "two")
        await one.bus.publish([("user:1", appended(1))])
        two.bus.close()
        await self.settle()
        self.assertEqual(two.heard, [])
        self.hub.attach("two")

    async def test_what_a_listener_publishes_comes_after_what_was_sent_before(self):
        one, two = await self.listener("one", "user:1"), await self.listener("two", "user:1")
        three = await self.listener("three", "user:1")
        answers = []
        two.bus.listen(lambda *_: answers.append(two.bus.publish([("user:1", appended(1, 100 + len(answers)))])))
        await one.bus.publish([("user:1", appended(1, 1)), ("user:1", appended(1, 2))])
        await self.settle()
        for answer in answers:
            await answer
        await self.settle()
        self.assertEqual([notice.events[0].seq for _, notice in three.heard], [1, 2, 100, 101])


class ExpiringDictTests(SynchronousTestCase):
    def test_rewriting_one_key_forever_keeps_the_memory_small(self):
        values = ExpiringDict()
        for n in range(10_000):
            values.put("k", n, n)
        self.assertLess(len(values._ends), 200)
        values.purge(9_998)
        self.assertEqual(values.get("k"), 9_999)
        values.purge(9_999)
        self.assertEqual(len(values), 0)
