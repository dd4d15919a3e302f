"""The bus on a real Redis that is killed, frozen, flushed, or not there when the node starts."""

import signal

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from imchat.domain.errors import Unavailable
from imchat.net.ids import SecureIds
from imchat.net.redis import RedisBus
from imchat.ports import SessionsClosed
from imchat.testing.processes import free_port
from tests.redis import OutageLines, closing, own_redis, pause, settings, started_pool, until


class Node:
    """A node on the bus, with what it heard and suspected."""

    def __init__(self, test, name: str, port: int, **changes) -> None:
        changes.setdefault("prefix", "node:")
        self.pool = started_pool(test, settings(port, **changes))
        self.bus = RedisBus(reactor, self.pool, name, SecureIds().new_id())
        test.addCleanup(closing(self.bus))
        self.heard: list = []
        self.reasons: list[str] = []
        self.bus.listen(lambda channel, notice: self.heard.append(notice))
        self.bus.watch(self.reasons.append)
        self.bus.start()

    async def suspected(self, reason: str) -> None:
        await until(lambda: reason in self.reasons, f"the suspicion that {reason}")

    async def above_suspicion(self) -> None:
        await until(lambda: not self.bus.suspect, "an end of suspicion")


def notice(number: int) -> SessionsClosed:
    return SessionsClosed(number, None, "session_ended")


class BusOutages(TestCase):
    async def setUp(self):
        self.server = await own_redis(self)
        self.one, self.two = (Node(self, name, self.server.port, timeout=0.5) for name in ("one", "two"))
        await self.two.bus.subscribe(["user:1", "user:2"])
        await self.one.bus.subscribe(["user:9"])

    async def arrives(self, number: int, channel: str = "user:1") -> None:
        """Assert that a notice from the one is heard by the other, and is the only new one."""
        self.two.heard.clear()
        await self.one.bus.publish([(channel, notice(number))])
        await until(lambda: self.two.heard, f"notice {number} on {channel}")
        self.assertEqual(self.two.heard, [notice(number)])

    async def lost(self) -> None:
        """Publish in vain, within the bound."""
        with self.assertRaises(Unavailable):
            await self.one.bus.publish([("user:1", notice(0))])

    async def test_killed_and_started_again(self):
        await self.two.suspected("one came")
        await self.arrives(1)
        lines = OutageLines(self)
        await self.server.kill()
        for node in (self.one, self.two):
            await node.suspected("the subscription was lost")
            self.assertTrue(node.bus.suspect)
        for _ in range(20):
            await self.lost()
        await self.two.bus.subscribe(["user:3"])
        await self.two.bus.unsubscribe(["user:2"])
        await self.server.start()
        for node in (self.one, self.two):
            await node.suspected("the subscription was made anew")
            await node.above_suspicion()
        await until(lambda: self.one.pool.connected, "commands")
        await self.two.suspected("one failed to publish")
        await self.arrives(2)
        await self.arrives(3, "user:3")
        await self.one.bus.publish([("user:2", notice(4))])
        await self.arrives(5)
        # One line for each of the two nodes, and one more for each at the end.
        self.assertEqual(len(lines.lines), 4, lines.lines)

    async def test_the_connection_that_hears_is_killed(self):
        operator = started_pool(self, settings(self.server.port))
        for round_ in range(3):
            self.two.reasons.clear()
            await operator.call(b"CLIENT", b"KILL", b"TYPE", b"pubsub")
            await self.two.suspected("the subscription was made anew")
            await self.arrives(round_)

    async def test_flushed(self):
        operator = started_pool(self, settings(self.server.port))
        await operator.call(b"FLUSHALL")
        await self.arrives(1)

    async def test_frozen(self):
        await self.two.suspected("one came")
        self.server.signal(signal.SIGSTOP)
        self.addCleanup(self.server.signal, signal.SIGCONT)
        await self.two.bus.subscribe(["user:3"])
        self.assertTrue(self.two.bus.suspect)
        await self.lost()
        self.server.signal(signal.SIGCONT)
        await self.two.suspected("the subscription was made anew")
        await self.two.suspected("one failed to publish")
        await until(lambda: self.one.pool.connected, "commands")
        await self.two.above_suspicion()
        await self.arrives(1)
        await self.arrives(2, "user:3")

    async def test_paused(self):
        operator = started_pool(self, settings(self.server.port))
        await operator.call(b"CLIENT", b"PAUSE", b"1000", b"ALL")
        await self.lost()
        await self.two.bus.subscribe(["user:3"])
        self.assertTrue(self.two.bus.suspect)
        await self.two.suspected("the subscription was made anew")
        await until(lambda: self.one.pool.connected, "commands")
        await self.arrives(1, "user:3")

    async def test_a_reader_that_redis_cuts_off_for_being_slow(self):
        operator = started_pool(self, settings(self.server.port))
        await operator.call(b"CONFIG", b"SET", b"client-output-buffer-limit", b"pubsub 100kb 100kb 1")
        big = SessionsClosed(1, ("x" * 20_000_000,), "session_ended")
        await self.one.bus.publish([("user:1", big)])
        await self.two.suspected("the subscription was made anew")
        await self.arrives(1)

    async def test_nodes_that_come_and_leave_are_told(self):
        three = Node(self, "three", self.server.port)
        await self.one.suspected("three came")
        await three.bus.close()
        await self.one.suspected("three left")
        self.assertFalse(self.one.bus.suspect)

    async def test_a_node_that_dies_is_missed(self):
        three = Node(self, "three", self.server.port)
        await self.one.suspected("three came")
        await three.pool.close()
        await self.one.suspected("the heartbeat of three is missing")
        self.assertTrue(self.one.bus.suspect)


class BusBeginnings(TestCase):
    async def test_redis_comes_after_the_node(self):
        port = free_port()
        one, two = (Node(self, name, port, timeout=30.0) for name in ("one", "two"))
        await two.bus.subscribe(["user:1"])
        self.assertTrue(two.bus.suspect)
        await own_redis(self, "--port", str(port))
        await two.suspected("the subscription was made anew")
        await until(lambda: one.pool.connected, "commands")
        await one.bus.publish([("user:1", notice(1))])
        await until(lambda: two.heard, "the notice")

    async def test_redis_is_frozen_when_the_node_starts(self):
        server = await own_redis(self)
        server.signal(signal.SIGSTOP)
        self.addCleanup(server.signal, signal.SIGCONT)
        node = Node(self, "one", server.port, timeout=0.4)
        await node.bus.subscribe(["user:1"])
        self.assertTrue(node.bus.suspect)
        server.signal(signal.SIGCONT)
        await node.suspected("the subscription was made anew")

    async def test_many_subscribe_at_once_and_each_waits_for_its_own(self):
        server = await own_redis(self)
        one, two = (Node(self, name, server.port) for name in ("one", "two"))

        async def subscribed(number: int) -> None:
            await two.bus.subscribe([f"user:{number}", f"conversation:{number}"])
            await one.bus.publish([(f"user:{number}", notice(number)), (f"conversation:{number}", notice(number))])

        for running in [Deferred.fromCoroutine(subscribed(number)) for number in range(200)]:
            await running
        await until(lambda: len(two.heard) == 400, "all notices")

    async def test_a_user_of_redis_who_may_not_subscribe_does_not_fill_the_log(self):
        server = await own_redis(self)
        operator = started_pool(self, settings(server.port))
        await operator.call(b"ACL", b"SETUSER", b"imchat", b"on", b">secret", b"~*", b"resetchannels", b"+@all")
        lines = OutageLines(self)
        node = Node(self, "one", server.port, username="imchat", password="secret")
        await node.bus.subscribe(["user:1"])
        self.assertTrue(node.bus.suspect)
        await pause(1_500)
        self.assertEqual(len(lines.lines), 1, lines.lines)
        self.assertIn("NOPERM", lines.lines[0])
        await operator.call(b"ACL", b"SETUSER", b"imchat", b"allchannels")
        await node.suspected("the subscription was made anew")
        await node.above_suspicion()
