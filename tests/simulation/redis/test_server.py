"""What cannot be compared with a real Redis: time that is moved, restarts, and what happens to those who misbehave."""

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import TestCase

from imchat.net.redis.connection import encode
from imchat.store.redis import codes
from tests.simulation.redis import SimulatedRedis
from tests.simulation.redis.scripts import UnknownScript


class CountingTransport(StringTransport):
    """Counts writes."""

    writes = 0

    def write(self, data):
        self.writes += 1
        super().write(data)


class ServerTests(TestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.server = SimulatedRedis(self.clock)
        self.run_once = self.server.factory()

    def connect(self):
        connection = self.run_once.buildProtocol(None)
        connection.makeConnection(CountingTransport())
        return connection

    def say(self, connection, *commands):
        connection.dataReceived(encode([[str(word).encode() for word in words] for words in commands]))
        return self.heard(connection)

    def heard(self, connection):
        heard = connection.transport.value()
        connection.transport.clear()
        return heard

    def test_a_key_lasts_for_its_time_and_is_gone_then(self):
        one = self.connect()
        self.say(one, ["SET", "k", "v", "PX", 100], ["HSET", "h", "a", 1], ["PEXPIRE", "h", 100])
        self.clock.advance(0.1)
        self.assertEqual(self.say(one, ["GET", "k"], ["PTTL", "k"]), b"$1\r\nv\r\n:0\r\n")
        self.clock.advance(0.0015)
        self.assertEqual(self.say(one, ["GET", "k"], ["PTTL", "k"], ["EXISTS", "h"]), b"$-1\r\n:-2\r\n:0\r\n")
        self.assertEqual(self.say(one, ["HSET", "h", "b", 1], ["PTTL", "h"]), b":1\r\n:-1\r\n")

    def test_a_server_that_is_started_again_has_its_data_and_nothing_else(self):
        old = self.connect()
        self.say(old, ["SET", "k", "v"], ["EVAL", codes.TAKE, 1, "code", "x", 5], ["SUBSCRIBE", "a"])
        self.run_once = self.server.factory()
        new = self.connect()
        self.assertEqual(self.say(new, ["GET", "k"], ["PUBLISH", "a", "x"]), b"$1\r\nv\r\n:0\r\n")
        self.assertEqual(self.heard(old), b"")
        self.assertIn(b"-NOSCRIPT", self.say(new, ["EVALSHA", "2fd040253fb0bdf2d468bd641e68ece5f12141f9", 0]))

    def test_flushed_it_has_forgotten_all_keys_and_no_subscription(self):
        one, two = self.connect(), self.connect()
        self.say(one, ["SET", "k", "v"])
        self.say(two, ["SELECT", 3], ["SET", "k", "v"], ["SUBSCRIBE", "a"])
        self.server.flush()
        self.assertEqual(self.say(one, ["GET", "k"], ["SELECT", 3], ["GET", "k"]), b"$-1\r\n+OK\r\n$-1\r\n")
        self.assertEqual(self.say(one, ["PUBLISH", "a", "x"]), b":1\r\n")

    def test_a_subscriber_who_does_not_read_is_thrown_out_and_the_others_hear_all(self):
        self.server.output_limit = 10_000
        one, slow, quick = self.connect(), self.connect(), self.connect()
        for subscriber in (slow, quick):
            self.say(subscriber, ["SUBSCRIBE", "a"])
        slow.transport.producer.pauseProducing()
        for number in range(12):
            self.say(one, ["PUBLISH", "a", f"{number:01000}"])
        self.assertTrue(slow.transport.disconnecting or slow.transport.disconnected)
        slow.connectionLost()
        self.assertEqual(self.heard(quick).count(b"message"), 12)
        self.assertEqual(self.say(one, ["PUBLISH", "a", "x"]), b":1\r\n")

    def test_one_who_reads_late_but_reads_stays(self):
        self.server.output_limit = 10_000
        one, slow = self.connect(), self.connect()
        self.say(slow, ["SUBSCRIBE", "a"])
        for number in range(30):
            if number % 7 == 0:
                slow.transport.producer.resumeProducing()
                slow.transport.producer.pauseProducing()
            self.say(one, ["PUBLISH", "a", f"{number:01000}"])
        slow.transport.producer.resumeProducing()
        for number in range(30):
            self.say(one, ["PUBLISH", "a", f"{number:01000}"])
        self.assertFalse(slow.transport.disconnecting)
        self.assertEqual(self.heard(slow).count(b"message"), 60)

    def test_what_comes_at_once_is_answered_with_one_write(self):
        one, two = self.connect(), self.connect()
        self.say(two, ["SUBSCRIBE", "a"])
        one.transport.writes = two.transport.writes = 0
        self.say(one, *[["PUBLISH", "a", number] for number in range(50)])
        self.assertEqual((one.transport.writes, two.transport.writes), (1, 1))

    def test_what_is_no_command_ends_the_connection(self):
        for garbage in (
            b"\x16\x03\x01\x02\x00",
            b"GET / HTTP/1.1\r\n\r\n",
            b"+PING\r\n",
            b"*1\r\n:5\r\n",
            b"*0\r\n*-1\r\n",
        ):
            one = self.connect()
            one.dataReceived(garbage)
            self.assertTrue(self.heard(one).startswith(b"-ERR Protocol error"), garbage)
            self.assertTrue(one.transport.disconnecting, garbage)

    def test_a_script_without_a_double_is_no_answer_but_a_fault_of_the_simulation(self):
        with self.assertRaises(UnknownScript):
            self.say(self.connect(), ["EVAL", codes.TAKE + " ", 1, "k", "x", 5])
