"""One connection to Redis, on a transport in memory."""

from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from txredisapi import ConnectionError as RedisConnectionError
from txredisapi import ResponseError

from imchat.net.background import as_deferred
from imchat.net.redis.connection import CommandConnection, Refused, SubscriberConnection, shake_hands
from imchat.net.redis.settings import RedisSettings
from tests.fakes.transport import ScriptedTransport


def connect(connection):
    connection.makeConnection(ScriptedTransport(connection))
    return connection


class CommandTests(SynchronousTestCase):
    def setUp(self):
        self.connection = connect(CommandConnection())

    def sent(self) -> bytes:
        data = self.connection.transport.value()
        self.connection.transport.clear()
        return data

    def test_a_batch_goes_out_in_one_piece_with_bytes_as_they_are(self):
        self.connection.send([(b"PING",), (b"PUBLISH", b"\x00\r\n", b"")])
        self.assertEqual(self.sent(), b"*1\r\n$4\r\nPING\r\n*3\r\n$7\r\nPUBLISH\r\n$3\r\n\x00\r\n\r\n$0\r\n\r\n")

    def test_replies_find_their_batch_however_they_are_cut(self):
        one = self.connection.send([(b"A",), (b"B",)])
        two = self.connection.send([(b"C",)])
        for byte in b":1\r\n$3\r\n007\r\n*2\r\n+x\r\n$-1\r\n":
            self.connection.dataReceived(bytes([byte]))
        self.assertEqual(self.successResultOf(one), [1, b"007"])
        self.assertEqual(self.successResultOf(two), [[b"x", None]])

    def test_a_refusal_is_a_reply_like_others(self):
        both = self.connection.send([(b"A",), (b"B",)])
        self.connection.dataReceived(b"-ERR no\r\n:7\r\n")
        refusal, seven = self.successResultOf(both)
        self.assertIsInstance(refusal, ResponseError)
        self.assertEqual(seven, 7)

    def test_who_stops_waiting_shifts_nobodys_reply(self):
        one, two = self.connection.send([(b"A",)]), self.connection.send([(b"B",)])
        one.cancel()
        self.failureResultOf(one)
        self.connection.dataReceived(b":1\r\n:2\r\n")
        self.assertEqual(self.successResultOf(two), [2])

    def test_all_that_wait_learn_of_the_end_and_so_do_later_ones(self):
        waiting, end = [self.connection.send([(b"A",)]) for _ in range(2)], self.connection.end()
        self.connection.give_up("enough")
        for deferred in [*waiting, self.connection.send([(b"B",)])]:
            self.assertEqual(str(self.failureResultOf(deferred, RedisConnectionError).value), "enough")
        self.assertEqual(self.successResultOf(end), "enough")
        self.assertEqual(self.successResultOf(self.connection.end()), "enough")

    def test_what_is_no_redis_is_left_without_a_traceback(self):
        for garbage in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x01\x00\xa5"):
            connection = connect(CommandConnection())
            waiting = connection.send([(b"PING",)])
            connection.dataReceived(garbage)
            self.assertTrue(connection.transport.aborted)
            self.failureResultOf(waiting, RedisConnectionError)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_word_of_farewell_is_the_reason_of_the_end(self):
        end = self.connection.end()
        self.connection.dataReceived(b"-ERR max number of clients reached\r\n")
        self.assertIn("max number of clients", self.successResultOf(end))


class HandshakeTests(SynchronousTestCase):
    def shake(self, connection, **settings):
        return connect(connection), as_deferred(shake_hands(connection, RedisSettings(**settings)))

    def test_nothing_is_asked_for_but_an_answer(self):
        for kind in (CommandConnection, SubscriberConnection):
            connection, done = self.shake(kind())
            self.assertEqual(connection.transport.value(), b"*1\r\n$4\r\nPING\r\n")
            self.assertNoResult(done)
            connection.dataReceived(b"+PONG\r\n")
            self.successResultOf(done)

    def test_user_password_and_database_one_after_the_other(self):
        for kind in (CommandConnection, SubscriberConnection):
            connection, done = self.shake(kind(), username="ada", password="pässword", db=3)
            for words in (b"AUTH ada p\xc3\xa4ssword", b"SELECT 3", b"PING"):
                parts = words.split()
                self.assertEqual(connection.transport.value().split(b"\r\n")[2::2], parts)
                connection.transport.clear()
                connection.dataReceived(b"+OK\r\n")
            self.successResultOf(done)

    def test_a_refusal_ends_it_with_what_redis_said(self):
        for kind in (CommandConnection, SubscriberConnection):
            connection, done = self.shake(kind(), password="wrong")
            connection.dataReceived(b"-WRONGPASS invalid password\r\n")
            self.assertIn("WRONGPASS", str(self.failureResultOf(done, Refused).value))

    def test_whichever_kind_it_is_tells_why_it_was_lost(self):
        for kind in (CommandConnection, SubscriberConnection):
            connection = connect(kind())
            shaken = as_deferred(shake_hands(connection, RedisSettings()))
            connection.connectionLost(Failure(ConnectionError("certificate verify failed")))
            error = self.failureResultOf(shaken, RedisConnectionError).value
            self.assertEqual(str(error), "certificate verify failed", kind)

    def test_under_sentinels_only_a_master_will_do(self):
        for reply, right in ((b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", True), (b"*1\r\n$5\r\nslave\r\n", False)):
            connection, done = self.shake(CommandConnection(), sentinels=("tcp:127.0.0.1:1",))
            connection.dataReceived(reply)
            if right:
                self.successResultOf(done)
            else:
                self.assertIn("slave", str(self.failureResultOf(done, Refused).value))

    def test_the_password_is_not_shown(self):
        self.assertNotIn("hush", repr(RedisSettings(password="hush", sentinel_password="hush")))


class Recording(SubscriberConnection):
    def __init__(self):
        super().__init__()
        self.messages = []
        self.confirmations = []

    def message_received(self, channel, payload):
        self.messages.append((channel, payload))

    def confirmed(self, channel):
        self.confirmations.append(channel)


def pushed(*words) -> bytes:
    parts = [b":%d\r\n" % word if isinstance(word, int) else b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n" % len(words) + b"".join(parts)


class SubscriberTests(SynchronousTestCase):
    def setUp(self):
        self.connection = connect(Recording())

    def test_confirmations_are_told_by_channel_in_whatever_order_they_come(self):
        self.connection.subscribe([b"a", b"b"])
        self.connection.subscribe([b"c"])
        for channel in (b"b", b"c", b"a"):
            self.connection.dataReceived(pushed(b"subscribe", channel, 1))
        self.assertEqual(self.connection.confirmations, [b"b", b"c", b"a"])

    def test_messages_between_confirmations_are_messages(self):
        self.connection.subscribe([b"a", b"b"])
        stream = (
            pushed(b"subscribe", b"a", 1) + pushed(b"message", b"a", b"\xff\r\n007") + pushed(b"subscribe", b"b", 2)
        )
        for start in range(0, len(stream), 7):
            self.connection.dataReceived(stream[start : start + 7])
        self.assertEqual(self.connection.messages, [(b"a", b"\xff\r\n007")])
        self.assertEqual(self.connection.confirmations, [b"a", b"b"])

    def test_unsubscribing_nothing_is_not_unsubscribing_all(self):
        self.connection.unsubscribe([])
        self.assertEqual(self.connection.transport.value(), b"")

    def test_what_nobody_asked_for_ends_the_connection(self):
        self.connection.dataReceived(b"-ERR Protocol error\r\n")
        self.assertTrue(self.connection.transport.aborted)
