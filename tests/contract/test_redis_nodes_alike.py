"""The doubles of the scripts of the copy of the chat nodes do what the scripts do in a real Redis."""

import random

from twisted.trial.unittest import TestCase

from imchat.store.redis.limits import CLOCK
from imchat.store.redis.nodes import READ, WRITE
from tests.contract.redis_alike import Alike

# The time is given as a second key; by its own clock the real one keeps a hash for longer than the test lasts.
SET_CLOCK = "local now = tonumber(KEYS[2])\n"


def pairs(words):
    """Pairs of them."""
    return zip(words[::2], words[1::2], strict=True)


class NodesAlikeTests(Alike, TestCase):
    async def at(self, now_ms, script, *arguments):
        """Run a script at this time in both, and compare what it says and what is there then."""
        self.stand_in.clock.rightNow = (now_ms + 0.5) / 1000
        real = ["EVAL", script.replace(CLOCK, SET_CLOCK, 1), "2", "nodes", str(now_ms * 1000), *arguments]
        stand_in = ["EVAL", script, "1", "nodes", *arguments]
        self.assertEqual(await self.told(self.stand_in, stand_in), await self.told(self.real, real), (now_ms, stand_in))
        real, stand_in = [await self.ask(one, "HGETALL nodes") for one in (self.real, self.stand_in)]
        self.assertEqual(dict(pairs(stand_in)), dict(pairs(real)))
        await self.both("one", "EXISTS nodes")

    async def told(self, one, said):
        """An answer, without the order in which a hash happens to have its fields."""
        answer = await self.ask(one, said)
        return sorted(answer) if isinstance(answer, list) else answer

    async def test_reports_that_come_and_end(self):
        await self.begin()
        chance = random.Random(11)
        now_ms = 1_800_000_000_000
        for _ in range(300):
            now_ms += chance.choice([0, 1, 10_000, 20_000])
            if chance.random() < 0.3:
                await self.at(now_ms, READ)
            else:
                names = chance.sample("abcdef", chance.randrange(1, 4))
                reports = [word for name in names for word in (name, f'{{"{name}": {chance.random()}}}')]
                await self.at(now_ms, WRITE, chance.choice(["1000", "30000", "60000"]), *reports)

    async def test_what_another_version_wrote(self):
        await self.begin()
        late = "9" * 16
        for value in ("", "x", " ", late, f"{late} ", f"{late} a b", f"{late}x", f" {late} a", f"{late} a\nb", "0 a"):
            await self.both("one", ["HSET", "nodes", "odd", value])
            await self.at(1_800_000_000_000, READ)
            await self.at(1_800_000_000_000, WRITE, "1000000", "a", "report")

    async def test_over_what_else_is_there(self):
        await self.begin()
        await self.both("one", "SET nodes x")
        for arguments in ([READ, "1", "nodes"], [WRITE, "1", "nodes", "1000", "a", "report"]):
            await self.both("one", ["EVAL", *arguments], lambda data: data.split(b" script: ")[0])
