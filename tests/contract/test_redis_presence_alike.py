"""The doubles of the scripts of presence do what the scripts do in a real Redis."""

import random

from twisted.trial.unittest import TestCase

from imchat.store.redis.limits import CLOCK
from imchat.store.redis.presence import DROP, GET, PUT
from tests.contract.redis_alike import Alike

KEYS = ("p1", "p2", "p3")


class PresenceAlikeTests(Alike, TestCase):
    async def at(self, now_ms, script, keys, *arguments):
        """Run a script at this time in both, and compare what it says and what is there then."""
        self.stand_in.clock.rightNow = (now_ms + 0.5) / 1000
        # By its own clock the real one keeps a hash for longer than the test lasts.
        real = script.replace(CLOCK, f"local now = {now_ms * 1000}\n", 1)
        told = []
        for one, text in ((self.real, real), (self.stand_in, script)):
            said = ["EVAL", text, str(len(keys)), *keys, *arguments]
            told.append(in_order(await self.ask(one, said)))
        self.assertEqual(told[1], told[0], (now_ms, keys, arguments))
        if script is not GET:
            # What has ended is cleared away when it is looked at.
            await self.at(now_ms, GET, KEYS)
            return
        for key in KEYS:
            real, stand_in = [await self.ask(one, f"HGETALL {key}") for one in (self.real, self.stand_in)]
            self.assertEqual(dict(pairs(stand_in)), dict(pairs(real)))
            await self.both("one", f"EXISTS {key}")

    async def test_devices_that_come_and_go(self):
        await self.begin()
        chance = random.Random(13)
        now_ms = 1_800_000_000_000
        for _ in range(200):
            now_ms += chance.choice([0, 1, 10_000, 20_000])
            keys = chance.choices(KEYS, k=chance.randrange(1, 4))
            fields = [chance.choice("abc") for _ in keys]
            kind = chance.randrange(3)
            if kind == 0:
                await self.at(now_ms, GET, KEYS)
            elif kind == 1:
                await self.at(now_ms, DROP, keys, *fields)
            else:
                entries = [word for field in fields for word in (field, f'{{"{field}": {chance.random()}}}')]
                await self.at(now_ms, PUT, keys, chance.choice(["1000", "30000", "60000"]), *entries)

    async def test_over_what_else_is_there(self):
        await self.begin()
        await self.both("one", "SET p1 x")
        for said in ([GET, "1", "p1"], [DROP, "1", "p1", "a"], [PUT, "1", "p1", "1000", "a", "entry"]):
            await self.both("one", ["EVAL", *said], lambda data: data.split(b" script: ")[0])


def pairs(words):
    """Pairs of them."""
    return zip(words[::2], words[1::2], strict=True)


def in_order(answer):
    """An answer, without the order in which a hash happens to have its fields."""
    return [sorted(values) for values in answer] if isinstance(answer, list) else answer
