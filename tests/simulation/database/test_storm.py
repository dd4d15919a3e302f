"""Everything at once, many seeds: what was answered is stored, once, in dense sequences, and nothing waits for ever."""

from random import Random

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.domain.models import Stored
from imchat.store.sql.transaction import DuplicateKey
from tests.contract.stores import device, draft, token
from tests.simulation.database import faults
from tests.simulation.database.rig import ADD, LOCK, STREAMS, DatabaseCase

SEEDS = range(10, 14)
NODES = ("one", "two", "three")
SECONDS = 30.0
EVERYWHERE = (faults.LOST, faults.SHUTDOWN, faults.delayed(0.05), faults.delayed(4))
BEFORE = (*EVERYWHERE, faults.DEADLOCK, faults.LOCK_TIMEOUT, faults.DUPLICATE, faults.FULL)


class StormTests(DatabaseCase, SynchronousTestCase):
    def storm(self, seed):
        self.chance = Random(seed)
        self.answers = {}
        self.databases = {name: self.connect(name) for name in NODES}
        self.storming = True
        self.server.plan = self.plan
        calls = [self.start(self.node(name, part)) for name in NODES for part in ("flush", "lock", "session")]
        for _ in range(15):
            self.clock.callLater(self.chance.uniform(0, SECONDS), self.blow)
        self.clock.callLater(SECONDS, self.calm)
        self.wait(gatherResults(calls))

    def plan(self, point, process, kind):
        if self.chance.random() > 0.02:
            return None
        return self.chance.choice(EVERYWHERE if point == "after_commit" else BEFORE)

    def blow(self):
        chance, name = self.chance, self.chance.choice(NODES)
        strike = chance.choice(("crash", "lose", "freeze", "cut", "stop"))
        after = chance.uniform(0.1, 6)
        if strike in ("crash", "lose"):
            self.server.crash(name, silently=strike == "lose")
            self.databases[name] = self.connect(name)
        elif strike == "freeze":
            self.server.freeze(name)
            self.clock.callLater(after, self.server.thaw, name)
        elif strike == "cut":
            self.server.cut(name)
            self.clock.callLater(after, self.server.mend, name)
        else:
            self.server.stop()
            self.clock.callLater(after, self.server.start)

    def calm(self):
        self.storming = False
        self.server.plan = faults.nothing_planned

    async def node(self, name, part):
        number = 0
        while self.storming:
            number += 1
            try:
                await getattr(self, f"do_{part}")(self.databases[name], name, number)
            except (Unavailable, DuplicateKey):
                await self.databases[name].writer._sleep(self.chance.uniform(0.1, 1))

    async def do_flush(self, database, name, number):
        chance = self.chance
        keys = [(chance.choice(STREAMS[:3]), (name, number, n)) for n in range(chance.randint(1, 4))]
        keys += chance.sample(sorted(self.answers), min(len(self.answers), 1))
        drafts = [draft(stream_id, 1, key) for stream_id, key in dict.fromkeys(keys)]
        result = await database.streams.flush(drafts, lambda *_: None)
        for key, outcome in zip(dict.fromkeys(keys), result.outcomes, strict=True):
            if key[0] in result.kept:
                continue
            self.assertIsInstance(outcome, Stored)
            self.assertEqual(self.answers.setdefault(key, outcome.event), outcome.event)

    async def do_lock(self, database, name, number):
        first, second = self.chance.sample(STREAMS, 2)

        def work(tx):
            tx.query(LOCK, (first,))
            tx.execute(ADD, (0, first))
            tx.query(LOCK, (second,))
            tx.execute(ADD, (0, second))

        await database.writer.run("lock", work)

    async def do_session(self, database, name, number):
        await database.sessions.open(1, device(f"phone {number % 2}"), token((name, number)), number)
        await database.sessions.end(1, None, draft(STREAMS[3], 0, (name, number), kind=65), token((name, number)))

    def test_storms(self):
        hits = {}
        for seed in SEEDS:
            self.setUp()
            self.storm(seed)
            self.check()
            hits |= self.server.hits
            self.server.close()
        for name in ("lock wait", "lock wait time-out", "deadlock", "idle transaction ended", "connection refused"):
            self.assertIn(name, hits)

    def check(self):
        self.clock.run(10)
        last = self.wait(self.flush(self.connect("last"), *(draft(n, 1, "last") for n in STREAMS)))
        self.assertEqual([outcome.resent for outcome in last.outcomes], [False] * len(STREAMS))
        events = self.server.inspect()["event"]
        stored = {(row["stream_id"], row["client_id"]): row for row in events}
        self.assertEqual(len(stored), len(events))
        self.assertGreater(len(self.answers), 100)
        for event in self.answers.values():
            row = stored[event.stream_id, event.client_id]
            self.assertEqual((row["seq"], row["ordinal"]), (event.seq, event.ordinal))
        for stream_id in STREAMS:
            self.assertEqual(self.stored(stream_id), list(range(1, self.head(stream_id)["last_seq"] + 1)))
