"""What stands for Redis in the simulation says, byte for byte, what the real one says."""

from twisted.trial.unittest import TestCase

from imchat.net.redis.connection import encode
from tests.contract.redis_alike import Alike, words
from tests.redis import own_redis

CONNECTION = [
    "PING",
    "ping hello",
    "PING a b",
    "ROLE",
    "AUTH secret",
    "AUTH default secret",
    "AUTH nobody secret",
    "AUTH",
    "AUTH a b c",
    "SELECT 0",
    "SELECT 16",
    "SELECT -1",
    "SELECT one",
    "SELECT 01",
    "NONSENSE",
    "NONSENSE with words",
]

STRINGS = [
    "GET k",
    "SET k v",
    "GET k",
    ["set", "k", b"\x00\r\n\xff"],
    "gEt k",
    "EXISTS k k no",
    "PTTL k",
    "PTTL no",
    "SET k v PX 100000",
    "SET k v px 0",
    "SET k v PX -5",
    "SET k v PX many",
    "SET k v PX",
    "SET k v NONSENSE 5",
    "SET k",
    "GET",
    "GET a b",
    ["SET", "empty", ""],
    "GET empty",
    "EXISTS empty",
    "PEXPIRE k many",
    "PEXPIRE no 100",
    "PEXPIRE k 100000",
    "PEXPIRE k 0",
    "GET k",
    "SET k v PX 100000",
    "SET k w",
    "PTTL k",
    "DEL k no k",
    "DEL k",
    "DEL",
    "PTTL",
    "PEXPIRE k",
    "EXISTS",
]

KINDS = [
    "HGETALL h",
    "HKEYS h",
    "HMGET h a b",
    "HSET h a 1 b 2",
    "HSET h a 3 c 4",
    "HSET h a",
    "HSET h a 1 b",
    "HGETALL h",
    "HKEYS h",
    "HMGET h c no a",
    "HMGET h",
    "HDEL h no",
    "HDEL h a c no",
    "HGETALL h",
    "PTTL h",
    "PEXPIRE h 100000",
    "HSET h d 1",
    "HDEL h b d",
    "EXISTS h",
    "HDEL h a",
    "HSET h a 1",
    "PTTL h",
    "SET s v",
    "LPUSH l 1 2",
    "LPUSH l 3",
    "LPUSH l",
    "GET h",
    "GET l",
    "HSET s a 1",
    "HGETALL l",
    "HKEYS s",
    "HMGET s a",
    "HDEL s a",
    "LPUSH h 1",
    "LPUSH s 1",
    "SET h v",
    "GET h",
    "DEL l s h",
]

# Who, and what; None: the connection is closed.
CHANNELS = [
    ("one", "PUBLISH a nobody"),
    ("two", "SUBSCRIBE a b a c"),
    ("three", "SUBSCRIBE b"),
    ("one", "PUBLISH a 1"),
    ("one", "PUBLISH b 2"),
    ("one", ["PUBLISH", "b", ""]),
    ("one", ["PUBLISH", b"b", b"\x00\xff\r\n" * 1000]),
    ("one", "PUBLISH b"),
    ("two", "GET k"),
    ("two", "PUBLISH a 1"),
    ("two", "SELECT 1"),
    ("two", "SUBSCRIBE"),
    ("two", "PING"),
    ("two", "PING hello"),
    ("two", "UNSUBSCRIBE no a"),
    ("one", "PUBLISH a 3"),
    ("two", "SUBSCRIBE a"),
    ("two", ["SUBSCRIBE", b"\xff\x00", ""]),
    ("one", ["PUBLISH", b"\xff\x00", "4"]),
    ("one", ["PUBLISH", "", "5"]),
    ("three", "UNSUBSCRIBE"),
    ("three", "UNSUBSCRIBE"),
    ("three", "UNSUBSCRIBE x"),
    ("three", "PING"),
    ("three", "PUBLISH a 6"),
    ("three", "SELECT 3"),
    ("three", "SUBSCRIBE a"),
    ("one", "PUBLISH a all"),
    ("one", "FLUSHALL"),
    ("one", "PUBLISH a still"),
    ("three", None),
    ("one", "PUBLISH a 7"),
    ("two", None),
    ("one", "PUBLISH a 8"),
]

PASSWORD = [
    "PING",
    "GET k",
    "SUBSCRIBE a",
    "NONSENSE",
    "GET",
    "AUTH wrong",
    "AUTH default wrong",
    "AUTH nobody secret",
    "PING",
    "AUTH secret",
    "PING",
    "AUTH wrong",
    "PING",
    "AUTH default secret",
]


class RedisAlikeTests(Alike, TestCase):
    async def test_what_is_said_of_the_connection(self):
        await self.begin()
        await self.play([("one", said) for said in CONNECTION])

    async def test_a_password(self):
        server = await own_redis(self, "--requirepass", "secret")
        await self.begin(server.port, password=b"secret")
        await self.play([("one", said) for said in PASSWORD])

    async def test_strings(self):
        await self.begin()
        await self.play([("one", said) for said in STRINGS])

    async def test_other_kinds_of_values(self):
        await self.begin()
        await self.play([("one", said) for said in KINDS])

    async def test_databases(self):
        await self.begin()
        await self.play(
            [
                ("one", "SET k v"),
                ("two", "SELECT 3"),
                ("two", "GET k"),
                ("two", "SET k w"),
                ("one", "GET k"),
                ("one", "FLUSHALL"),
                ("two", "GET k"),
                ("two", "SET k x"),
                ("three", "SELECT 3"),
                ("three", "GET k"),
            ]
        )

    async def test_channels(self):
        await self.begin()
        await self.play(CHANNELS)

    async def test_however_the_bytes_arrive(self):
        await self.begin(piece=1)
        await self.play(CHANNELS)

    async def test_many_commands_in_one_piece(self):
        await self.begin()
        await self.both("two", "SUBSCRIBE a")
        said = [f"PUBLISH {'ab'[n % 2]} {n}" for n in range(100)]
        await self.both("one", encode([words(line) for line in [*said, "GET k", "SET k v", "NONSENSE", "GET k"]]))

    async def test_a_subscriber_of_thousands(self):
        await self.begin()
        channels = [f"user:{n}" for n in range(2_500)]
        await self.both("two", ["SUBSCRIBE", *channels])
        await self.both("one", encode([[b"PUBLISH", channel.encode(), b"x"] for channel in channels]))
        await self.both("two", ["UNSUBSCRIBE", *channels[100:]])
        await self.both("one", encode([[b"PUBLISH", channel.encode(), b"y"] for channel in channels]))
