"""The doubles of imchat's Lua scripts in the simulation do what the scripts do in a real Redis."""

import hashlib
import random

from twisted.trial.unittest import TestCase

from imchat.store.redis import codes
from imchat.store.redis.limits import CLOCK, GIVE_BACK, TAKE
from tests.contract.redis_alike import Alike

# The limiter at a time that is given as a second key. Where it lets a key end, that is only written down: by the real
# one's own clock it would be gone, or last for ever.
SET_CLOCK = """\
local now = tonumber(KEYS[2])
local real = redis
local redis = {call = function(name, key, value, px, lifetime)
  if name ~= 'SET' then return real.call(name, key) end
  real.call('SET', key .. ':lifetime', lifetime)
  return real.call('SET', key, value)
end}
"""


class ScriptsAlikeTests(Alike, TestCase):
    async def test_a_script_is_known_when_it_has_been_seen(self):
        await self.begin()
        digest = hashlib.sha1(codes.TAKE.encode(), usedforsecurity=False).hexdigest()
        for said in (
            ["EVALSHA", digest, "1", "k", "x", "5"],
            ["EVAL", codes.TAKE, "1", "k", "x", "5"],
            ["EVALSHA", digest, "1", "k", "x", "5"],
            ["EVALSHA", digest.upper(), "1", "k", "x", "5"],
            ["EVALSHA", digest, "9", "k", "x", "5"],
            ["EVALSHA", digest, "-1", "k", "x", "5"],
            ["EVALSHA", digest, "many", "k", "x", "5"],
            ["EVALSHA", digest],
            ["EVALSHA", "0" * 40, "0"],
            "FLUSHALL",
            ["EVALSHA", digest, "1", "k", "x", "5"],
        ):
            await self.both("one", said)

    async def test_codes(self):
        await self.begin()
        chance = random.Random(3)
        for _ in range(400):
            digest = chance.choice("xyz")
            put = ["EVAL", codes.PUT, "1", "k", digest, "100000"]
            take = ["EVAL", codes.TAKE, "1", "k", digest, chance.choice("12345")]
            await self.both("one", chance.choice([put, take, take, take, take, "DEL k"]))
            await self.both("one", "HMGET k digest wrong")

    async def test_codes_over_what_else_is_there(self):
        await self.begin()
        for before in ("LPUSH k x", "SET k x", "HSET k other x", "HSET k digest x", "HSET k digest x wrong many"):
            for script, last in ((codes.TAKE, "5"), (codes.PUT, "100000")):
                await self.both("one", "DEL k")
                await self.both("one", before)
                # Behind the error stands where in the script it happened.
                await self.both("one", ["EVAL", script, "1", "k", "x", last], lambda data: data.split(b" script: ")[0])

    async def test_limits(self):
        await self.begin()
        chance = random.Random(5)
        now_ms = 1_800_000_000_000
        for _ in range(500):
            now_ms += chance.choice([0, 0, 1, 5, 90, 100, 4_000])
            key = chance.choice(["a", "b", "c"])
            cost, window = chance.choice([(100_000, 300_000), (1, 1_000), (333_333, 1_000_000)])
            script = chance.choice([TAKE, TAKE, TAKE, GIVE_BACK])
            await self.at(now_ms, script, key, str(cost), str(window))

    async def test_limits_over_what_else_is_there(self):
        await self.begin()
        now_ms = 1_800_000_000_000
        for number, there in enumerate(["", "x", "0", "-5", " 7 ", "12x", "1800000000250000", "1.8e15"]):
            for script in (TAKE, GIVE_BACK):
                await self.both("one", ["SET", "a", there])
                await self.at(now_ms + number, script, "a", "100000", "300000")

    async def at(self, now_ms, script, key, *arguments):
        """Run a script of the limiter at this time in both, and compare what it says and what is there then."""
        self.stand_in.clock.rightNow = (now_ms + 0.5) / 1000
        now_us = now_ms * 1000
        real = ["EVAL", SET_CLOCK + script, "2", key, str(now_us), *arguments]
        stand_in = ["EVAL", CLOCK + script, "1", key, *arguments]
        self.assertEqual(await self.ask(self.stand_in, stand_in), await self.ask(self.real, real), (now_ms, stand_in))
        self.assertEqual(await self.ask(self.stand_in, ["GET", key]), await self.ask(self.real, ["GET", key]))
        lifetime = await self.ask(self.real, ["GET", f"{key}:lifetime"])
        if lifetime is not None:
            self.assertEqual(await self.ask(self.stand_in, ["PTTL", key]), int(lifetime))
            await self.ask(self.real, ["DEL", f"{key}:lifetime"])
