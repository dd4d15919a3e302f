"""What the bus does about connections, confirmations and heartbeats, on a clock and without a socket."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.net.background import as_deferred
from imchat.net.redis import RedisBus, RedisSettings
from imchat.net.redis import notices as wire
from imchat.net.redis.heartbeats import Heartbeat, Origin
from imchat.ports import SessionsClosed
from tests.fakes.redis import ScriptedPool
from tests.redis import OutageLines

COMMON = b"p:bus0:nodes"
USER = b"p:bus0:user:1"
OTHER = Origin("other", 5)
INCARNATION = 4_711
NOTICE = SessionsClosed(1, None, "session_ended")


def pushed(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def payload(notice=NOTICE, origin=OTHER) -> bytes:
    return wire.messages(wire.opening(origin), [("any", notice)])[0][1]


class BusCase(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.pool = ScriptedPool(self.clock, RedisSettings(prefix="p:", timeout=2.0))
        self.bus = RedisBus(self.clock, self.pool, "here", INCARNATION)
        self.heard: list = []
        self.reasons: list[str] = []
        self.bus.listen(lambda channel, notice: self.heard.append((channel, notice)))
        self.bus.watch(self.reasons.append)
        self.bus.start()
        (self.link,) = self.pool.links

    def connect(self):
        """A connection whose common channel is confirmed."""
        connection = self.link.connect()
        self.confirm(COMMON)
        return connection

    def confirm(self, *channels: bytes) -> None:
        for channel in channels:
            self.receive(b"subscribe", channel, b"1")

    def receive(self, *words: bytes) -> None:
        self.link.connection.dataReceived(pushed(*words))

    def subscribed(self, *channels: str):
        return as_deferred(self.bus.subscribe(channels))

    def sent(self) -> list[bytes]:
        """The words that went out on the connection since the last time."""
        transport = self.link.connection.transport
        words = transport.value().split(b"\r\n")[2::2]
        transport.clear()
        return words

    def second(self, *, own: bool = True) -> None:
        """A second passes, in which our heartbeat comes back or does not."""
        self.pool.sent.clear()
        self.clock.advance(1)
        if own and self.link.connection is not None:
            for _, channel, message in self.pool.sent:
                self.receive(b"message", channel, message)


class Subscribing(BusCase):
    def test_it_returns_when_its_own_channels_are_confirmed(self):
        self.connect()
        one, two = self.subscribed("user:1", "user:2"), self.subscribed("user:3")
        self.confirm(USER, b"p:bus0:user:3")
        self.successResultOf(two)
        self.assertNoResult(one)
        self.confirm(b"p:bus0:user:2")
        self.successResultOf(one)
        self.assertFalse(self.bus.suspect)
        self.assertEqual(self.reasons, [])

    def test_asked_before_the_first_connection_it_waits_for_it(self):
        one = self.subscribed("user:1")
        self.assertNoResult(one)
        self.link.connect()
        self.assertEqual(self.sent(), [b"SUBSCRIBE", COMMON, USER])
        self.confirm(COMMON, USER)
        self.successResultOf(one)
        self.assertFalse(self.bus.suspect)

    def test_while_redis_does_not_answer_it_returns_after_the_time_out_in_suspicion(self):
        one = self.subscribed("user:1")
        self.clock.pump([0.5] * 3)
        self.assertNoResult(one)
        self.clock.pump([0.5])
        self.successResultOf(one)
        self.assertTrue(self.bus.suspect)
        self.assertIn("a subscription was not confirmed", self.reasons)

    def test_while_redis_is_known_to_be_away_it_returns_at_once(self):
        waiting = self.subscribed("user:1")
        self.link.failed("refused")
        self.successResultOf(waiting)
        self.successResultOf(self.subscribed("user:2"))
        self.assertTrue(self.bus.suspect)
        self.link.connect()
        self.assertEqual(self.sent()[1:], [COMMON, USER, b"p:bus0:user:2"])

    def test_a_connection_that_confirms_nothing_is_made_anew_with_all_channels(self):
        connection = self.connect()
        one = self.subscribed("user:1")
        self.clock.advance(2)
        self.successResultOf(one)
        self.assertTrue(connection.lost)
        self.link.connect()
        self.confirm(COMMON)
        self.assertTrue(self.bus.suspect)
        self.assertNotIn("the subscription was made anew", self.reasons)
        self.confirm(USER)
        self.assertEqual(self.reasons[-1], "the subscription was made anew")

    def test_all_channels_are_heard_again_after_a_loss(self):
        self.connect()
        self.subscribed("user:1", "user:2")
        self.confirm(USER, b"p:bus0:user:2")
        as_deferred(self.bus.unsubscribe(["user:2"]))
        self.link.connection.give_up("killed")
        self.assertEqual(self.reasons, ["the subscription was lost"])
        self.assertTrue(self.bus.suspect)
        self.link.connect()
        self.assertEqual(self.sent(), [b"SUBSCRIBE", COMMON, USER])
        self.confirm(COMMON, USER)
        self.assertEqual(self.reasons, ["the subscription was lost", "the subscription was made anew"])
        self.assertFalse(self.bus.suspect)

    def test_a_user_who_may_not_subscribe_is_told_once(self):
        lines = OutageLines(self)
        for _ in range(5):
            self.link.connect().dataReceived(b"-NOPERM no permissions to access a channel\r\n")
        self.assertEqual(len(lines.lines), 1, lines.lines)
        self.assertIn("NOPERM", lines.lines[0])
        self.connect()
        self.assertEqual(len(lines.lines), 2)


class Hearing(BusCase):
    def setUp(self):
        super().setUp()
        self.connect()
        self.subscribed("user:1")
        self.confirm(USER)

    def test_notices_of_others_are_heard_and_own_ones_are_not(self):
        own = Origin("here", INCARNATION)
        self.receive(b"message", USER, payload(origin=own))
        self.assertEqual(self.heard, [])
        for origin in (OTHER, Origin("here", 1)):
            self.receive(b"message", USER, payload(origin=origin))
        self.assertEqual(self.heard, [("user:1", NOTICE)] * 2)

    def test_after_unsubscribing_what_was_under_way_is_not_heard(self):
        as_deferred(self.bus.unsubscribe(["user:1"]))
        self.receive(b"message", USER, payload())
        self.assertEqual(self.heard, [])

    def test_malformed_messages_are_dropped_with_one_line_a_minute(self):
        lines = OutageLines(self)
        for garbage in (b"", b"\xff\xff", payload()[:-2], b"text"):
            self.receive(b"message", USER, garbage)
            self.receive(b"message", COMMON, garbage)
        self.assertEqual(len(lines.lines), 1, lines.lines)
        self.receive(b"message", USER, payload())
        self.assertEqual(self.heard, [("user:1", NOTICE)])
        for _ in range(60):
            self.second()
        self.receive(b"message", USER, b"text")
        self.assertEqual(len(lines.lines), 2)
        self.assertFalse(self.link.connection.lost)

    def test_a_node_that_fails_to_act_on_suspicion_goes_on(self):
        def fail(reason: str) -> None:
            raise RuntimeError("planted")

        self.bus.watch(fail)
        self.receive(b"message", COMMON, wire.heartbeat(Heartbeat(OTHER, 0)))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.receive(b"message", USER, payload())
        self.assertEqual(self.heard, [("user:1", NOTICE)])


class Beating(BusCase):
    def other(self, failed: int = 0, leaving: bool = False) -> None:
        self.receive(b"message", COMMON, wire.heartbeat(Heartbeat(OTHER, failed, leaving)))

    def test_a_heartbeat_every_second_from_the_start(self):
        self.assertEqual([command[:2] for command in self.pool.sent], [(b"PUBLISH", COMMON)])
        self.connect()
        for _ in range(5):
            self.second()
            self.assertEqual(len(self.pool.sent), 1)
        self.assertEqual(self.reasons, [])

    def test_a_failed_publish_is_an_error_here_and_told_to_others_once_redis_is_back(self):
        self.pool.away = True
        self.failureResultOf(as_deferred(self.bus.publish([("user:1", NOTICE)])), Unavailable)
        self.clock.advance(1)
        self.pool.away = False
        self.second(own=False)
        beat = wire.parse(self.pool.sent[-1][2]).heartbeat
        self.assertEqual(beat, Heartbeat(Origin("here", INCARNATION), 1))

    def test_a_failed_heartbeat_is_no_failed_publish(self):
        self.pool.away = True
        self.clock.pump([1] * 10)
        self.pool.away = False
        self.second(own=False)
        self.assertEqual(wire.parse(self.pool.sent[-1][2]).heartbeat.failed_publishes, 0)

    def test_another_node_missing_failing_and_leaving(self):
        self.connect()
        self.other()
        for _ in range(3):
            self.second()
        self.assertEqual(self.reasons, ["other came", "the heartbeat of other is missing"])
        self.assertTrue(self.bus.suspect)
        self.other(failed=2)
        self.other(failed=2, leaving=True)
        self.assertEqual(self.reasons[2:], ["other failed to publish", "other left"])
        self.assertFalse(self.bus.suspect)

    def test_when_the_own_heartbeat_does_not_come_back_the_connection_is_made_anew(self):
        first = self.connect()
        for _ in range(4):
            self.second(own=False)
        self.assertIn("the own heartbeat is missing", self.reasons)
        self.assertTrue(first.lost)
        second = self.connect()
        self.second()
        self.assertFalse(second.lost)
        self.assertFalse(self.bus.suspect)

    def test_at_the_end_it_says_that_it_leaves(self):
        self.connect()
        self.successResultOf(as_deferred(self.bus.close()))
        self.assertTrue(wire.parse(self.pool.sent[-1][2]).heartbeat.leaving)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_without_redis_it_ends_all_the_same(self):
        self.pool.away = True
        waiting = self.subscribed("user:1")
        self.successResultOf(as_deferred(self.bus.close()))
        self.successResultOf(waiting)
        self.assertEqual(self.clock.getDelayedCalls(), [])
