"""Commands to a real Redis that is stopped, frozen, full, or no Redis at all."""

import signal

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from imchat.domain.errors import Unavailable
from imchat.ports import Limit, Purpose
from imchat.store.memory import MemoryRateLimiter
from imchat.store.redis import RedisCodes, RedisLimiter
from imchat.testing.processes import free_port
from tests.redis import OutageLines, own_redis, pause, settings, started_pool, until
from tests.services import redis

ECHO = "return {KEYS[1], ARGV[1]}"


class Away:
    """Asserts that Redis is away."""

    async def is_away(self, pool) -> None:
        with self.assertRaises(Unavailable) as caught:
            await pool.call(b"PING")
        self.assertTrue(caught.exception.retry_after_ms)

    async def is_back(self, pool) -> None:
        await until(lambda: pool.connected and not pool.outage.lasts, "Redis back")
        self.assertEqual(await pool.call(b"PING"), b"PONG")


class Calls(TestCase):
    def setUp(self):
        self.pool = started_pool(self, settings(redis().port))

    async def test_those_made_before_the_first_connection_wait_for_it(self):
        self.assertEqual(await self.pool.call(b"ECHO", b"007"), b"007")

    async def test_a_script_that_redis_forgot_is_sent_again(self):
        for _ in range(2):
            self.assertEqual(await self.pool.run(ECHO, [b"k"], [b"v"]), [b"k", b"v"])
            await self.pool.call(b"SCRIPT", b"FLUSH")

    async def test_batches_keep_their_order_though_they_are_not_waited_for(self):
        key = self.pool.settings.prefix.encode()
        sent = [Deferred.fromCoroutine(self.pool.batch([(b"RPUSH", key, b"%d" % n)] * 3)) for n in range(100)]
        await gatherResults(sent)
        kept = [int(value) for value in await self.pool.call(b"LRANGE", key, b"0", b"-1")]
        self.assertEqual(kept, [n for n in range(100) for _ in range(3)])
        self.assertEqual(await self.pool.batch([]), [])

    async def test_batches_go_to_one_connection_and_calls_to_all(self):
        called, batched = set(), set()
        while len(called) < self.pool.settings.pool_size:
            called.add(await self.pool.call(b"CLIENT", b"ID"))
        for _ in range(4):
            batched.update(await self.pool.batch([(b"CLIENT", b"ID")]))
        self.assertEqual(len(batched), 1)

    async def test_round_trips_are_measured(self):
        await self.pool.call(b"PING")
        before = sum(self.pool.round_trips.counts)
        await self.pool.call(b"PING")
        await self.pool.batch([(b"PING",)] * 3)
        await self.pool.call(b"BLPOP", b"nothing-there", b"0.12")
        self.assertEqual(sum(self.pool.round_trips.counts) - before, 3)
        self.assertGreaterEqual(self.pool.round_trips.total, 0.1)
        await until(lambda: self.pool.connections == 2, "both connections")

    async def test_a_refused_command_is_an_error_and_harms_no_other(self):
        lines = OutageLines(self)
        with self.assertRaises(Unavailable):
            await self.pool.call(b"NOSUCHCOMMAND")
        self.assertEqual(await self.pool.call(b"PING"), b"PONG")
        self.assertEqual(len(lines.lines), 1)

    async def test_after_close_calls_fail_at_once(self):
        await self.pool.call(b"PING")
        await self.pool.close()
        with self.assertRaises(Unavailable):
            await self.pool.call(b"PING")


class Outages(Away, TestCase):
    async def test_killed_and_started_again(self):
        server = await own_redis(self)
        pool = started_pool(self, settings(server.port))
        await pool.call(b"PING")
        lines = OutageLines(self)
        await server.kill()
        await until(lambda: not pool.connected, "the end noticed")
        for _ in range(200):
            await self.is_away(pool)
        await pause(500)
        await server.start()
        await self.is_back(pool)
        self.assertEqual(len(lines.lines), 2, lines.lines)
        self.assertIn("does not serve", lines.lines[0])
        self.assertIn("serves again", lines.lines[1])

    async def test_frozen(self):
        server = await own_redis(self)
        pool = started_pool(self, settings(server.port, timeout=0.3))
        await pool.call(b"PING")
        lines = OutageLines(self)
        server.signal(signal.SIGSTOP)
        self.addCleanup(server.signal, signal.SIGCONT)
        calls = [Deferred.fromCoroutine(pool.call(b"PING")) for _ in range(50)]
        for call in calls:
            await self.assertFailure(call, Unavailable)
        for _ in range(50):
            await self.is_away(pool)
        # Long enough for attempts to connect, which a frozen server takes without answering.
        await pause(1_500)
        server.signal(signal.SIGCONT)
        await self.is_back(pool)
        self.assertEqual(len(lines.lines), 2, lines.lines)

    async def test_paused(self):
        server = await own_redis(self)
        pool = started_pool(self, settings(server.port, timeout=0.3))
        await pool.call(b"CLIENT", b"PAUSE", b"1500", b"ALL")
        await self.is_away(pool)
        await self.is_back(pool)

    async def test_frozen_before_the_first_connection(self):
        server = await own_redis(self)
        server.signal(signal.SIGSTOP)
        self.addCleanup(server.signal, signal.SIGCONT)
        pool = started_pool(self, settings(server.port, timeout=0.3))
        await self.is_away(pool)
        server.signal(signal.SIGCONT)
        await self.is_back(pool)

    async def test_killed_connections_are_made_again(self):
        server = await own_redis(self)
        pool = started_pool(self, settings(server.port, pool_size=3))
        operator = started_pool(self, settings(server.port, pool_size=1))
        await pool.call(b"PING")
        await operator.call(b"CLIENT", b"KILL", b"TYPE", b"normal", b"SKIPME", b"yes")
        await until(lambda: not pool.connected, "the end noticed")
        await self.is_back(pool)

    async def test_full_of_data(self):
        server = await own_redis(self)
        pool = started_pool(self, settings(server.port))
        limiter = RedisLimiter(pool, MemoryRateLimiter(lambda: 1_800_000_000_000))
        codes = RedisCodes(pool)
        await pool.call(b"CONFIG", b"SET", b"maxmemory", b"1")
        lines = OutageLines(self)
        limit = Limit(2, 60_000)
        for _ in range(20):
            with self.assertRaises(Unavailable):
                await codes.put(Purpose.REGISTRATION, "a", "123456", 60_000)
            self.assertEqual(await pool.call(b"PING"), b"PONG")
        self.assertEqual([await limiter.take("k", limit) for _ in range(3)], [0, 0, 30_000])
        self.assertEqual(len(lines.lines), 1, lines.lines)
        await pool.call(b"CONFIG", b"SET", b"maxmemory", b"0")
        await codes.put(Purpose.REGISTRATION, "a", "123456", 60_000)
        self.assertEqual(await limiter.take("k", limit), 0)
        self.assertEqual(len(lines.lines), 2, lines.lines)

    async def test_flushed(self):
        server = await own_redis(self)
        pool = started_pool(self, settings(server.port))
        codes = RedisCodes(pool)
        await codes.put(Purpose.REGISTRATION, "a", "123456", 60_000)
        await pool.call(b"FLUSHALL")
        self.assertFalse(await codes.take(Purpose.REGISTRATION, "a", "123456", 5))
        await codes.put(Purpose.REGISTRATION, "a", "123456", 60_000)
        self.assertTrue(await codes.take(Purpose.REGISTRATION, "a", "123456", 5))


class Login(Away, TestCase):
    async def test_user_password_and_database(self):
        server = await own_redis(self)
        operator = started_pool(self, settings(server.port))
        await operator.call(b"ACL", b"SETUSER", b"imchat", b"on", b">secret", b"~*", b"&*", b"+@all")
        given = settings(server.port, username="imchat", password="secret", db=5)
        pool = started_pool(self, given)
        await pool.call(b"SET", b"k", b"v")
        self.assertEqual(await pool.call(b"ACL", b"WHOAMI"), b"imchat")
        self.assertEqual(await operator.call(b"EXISTS", b"k"), 0)

    async def test_a_password_that_becomes_right_is_found_without_a_restart(self):
        server = await own_redis(self)
        operator = started_pool(self, settings(server.port))
        await operator.call(b"PING")
        lines = OutageLines(self)
        pool = started_pool(self, settings(server.port, password="late"))
        await self.is_away(pool)
        await pause(600)
        await operator.call(b"CONFIG", b"SET", b"requirepass", b"late")
        await self.is_back(pool)
        self.assertEqual(len(lines.lines), 2, lines.lines)
        self.assertNotIn("late", "".join(lines.lines))


class HangsUp(Protocol):
    """Takes connections, and ends them as soon as something is said."""

    def dataReceived(self, data):
        self.transport.loseConnection()


class SpeaksHttp(Protocol):
    def dataReceived(self, data):
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


class Strangers(Away, TestCase):
    async def stranger(self, protocol, **changes):
        port = reactor.listenTCP(free_port(), Factory.forProtocol(protocol), interface="127.0.0.1")
        number = port.getHost().port
        lines = OutageLines(self)
        pool = started_pool(self, settings(number, timeout=0.5, **changes))
        await self.is_away(pool)
        await pause(600)
        await port.stopListening()
        self.assertEqual(len(lines.lines), 1, lines.lines)
        self.assertEqual(self.flushLoggedErrors(), [])
        return number, pool

    async def test_one_that_hangs_up_during_the_login_is_tried_again(self):
        number, pool = await self.stranger(HangsUp, password="secret")
        await own_redis(self, "--port", str(number), "--requirepass", "secret")
        await self.is_back(pool)

    async def test_one_that_speaks_another_protocol(self):
        await self.stranger(SpeaksHttp)

    async def test_one_that_says_nothing(self):
        await self.stranger(Protocol)

    async def test_nobody(self):
        lines = OutageLines(self)
        pool = started_pool(self, settings(free_port(), timeout=30.0))
        await self.is_away(pool)
        for _ in range(10):
            # At once: not even a turn of the reactor later.
            self.failureResultOf(Deferred.fromCoroutine(pool.call(b"PING")), Unavailable)
        await pause(600)
        self.assertEqual(len(lines.lines), 1, lines.lines)
