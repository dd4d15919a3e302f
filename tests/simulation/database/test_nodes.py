"""Nodes that share the simulated server: they meet, crash and freeze, as they would on MariaDB."""

from random import Random

from twisted.internet.defer import FirstError, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.store.sql.mysql_dialect import MysqlDialect
from tests.contract.stores import draft
from tests.simulation.database import faults
from tests.simulation.database.rig import LOCK, STREAMS, DatabaseCase


class NodesTests(DatabaseCase, SynchronousTestCase):
    def overlap(self, seed=3):
        """Three nodes flush at the same time, each 40 batches one after another."""
        chance = Random(seed)

        async def node(database, name):
            for batch in range(40):
                drafts = [draft(chance.choice(STREAMS), 1, (name, batch, n)) for n in range(chance.randint(1, 6))]
                await database.streams.flush(drafts, lambda *_: None)

        nodes = ((self.one, "one"), (self.two, "two"), (self.connect("three"), "three"))
        return gatherResults([self.start(node(*args)) for args in nodes])

    def test_flushes_that_overlap_share_dense_sequences(self):
        self.wait(self.overlap())
        self.assertGreater(self.hits("lock wait"), 10)
        self.assertEqual(self.hits("key taken"), 0)
        for stream_id in STREAMS:
            seqs = self.stored(stream_id)
            self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
            self.assertEqual(self.head(stream_id)["last_seq"], len(seqs))

    def test_without_the_lock_they_take_each_others_places(self):
        self.patch(MysqlDialect, "lock", "")
        self.fails(self.overlap(), FirstError)
        self.assertGreater(self.hits("key taken"), 0)

    def test_what_is_seen_of_a_stream_never_has_a_hole(self):
        done = self.overlap()
        looks = 0
        while not done.called:
            found = self.finish(self.one.streams.heads(STREAMS))
            for stream_id in STREAMS:
                seqs = self.stored(stream_id)
                self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
                self.assertLessEqual(found[stream_id].last_seq, len(seqs))
            looks += 1
        self.assertGreater(looks, 20)

    def test_the_same_seed_is_the_same_run(self):
        self.wait(self.overlap())
        first = (self.server.inspect(), self.clock.seconds(), self.server.hits)
        self.setUp()
        self.wait(self.overlap())
        self.assertEqual((self.server.inspect(), self.clock.seconds(), self.server.hits), first)

    def test_a_resend_through_the_other_node_gets_the_first_answer(self):
        drafts = [draft(11, 1, n) for n in range(3)]
        calls = [self.flush(node, *drafts) for node in (self.one, self.two)]
        first, second = [self.wait(call) for call in calls]
        self.assertEqual([o.event for o in first.outcomes], [o.event for o in second.outcomes])
        self.assertEqual(self.stored(), [1, 2, 3])

    def test_events_have_the_databases_time_not_the_processs(self):
        wrong = self.connect("one")
        wrong.writer._clock.offset = 1_000_000
        result = self.wait(self.flush(wrong, draft(11, 1, 1)))
        self.assertEqual(result.outcomes[0].event.created_ms // 1000, self.clock.seconds() // 1)

    def test_a_flush_takes_two_trips_to_the_server_and_one_transaction(self):
        self.wait(self.flush(self.one, draft(11, 1, 1)))
        points = []
        self.server.plan = lambda *asked: points.append(asked)
        trips = []
        send = self.server.send
        self.patch(self.server, "send", lambda *args: (trips.append(args), send(*args)))
        self.wait(self.flush(self.one, draft(11, 1, 2), draft(12, 1, 2)))
        self.assertEqual(points, [(p, "one", "flush") for p in ("begin", "locked", "before_commit", "after_commit")])
        self.assertEqual(len(trips), 2)


class CrashTests(DatabaseCase, SynchronousTestCase):
    def crash_at(self, wanted):
        def plan(point, process, kind):
            if (point, process) == (wanted, "one"):
                self.server.plan = faults.nothing_planned
                self.crash("one")

        self.server.plan = plan

    def check_crash(self, point, stored):
        self.crash_at(point)
        sent = self.flush(self.one, draft(11, 1, 1), draft(11, 1, 2))
        self.clock.run(1)
        self.assertNoResult(sent)
        self.assertEqual(self.stored(), stored)
        self.assertEqual(self.head()["last_seq"], len(stored))
        again = self.wait(self.flush(self.connect("one"), draft(11, 1, 1), draft(11, 1, 2)))
        self.assertEqual(self.seqs(again), [(1, bool(stored)), (2, bool(stored))])

    def test_before_the_commit_undoes_all(self):
        for point in ("begin", "locked", "before_commit"):
            self.check_crash(point, [])
            self.setUp()

    def test_after_the_commit_keeps_all(self):
        self.check_crash("after_commit", [1, 2])

    def test_locks_of_the_dead_are_free_at_once(self):
        self.crash_at("locked")
        self.flush(self.one, draft(11, 1, 1))
        other = self.flush(self.two, draft(11, 1, 2))
        begun = self.clock.seconds()
        self.assertEqual(self.seqs(self.wait(other)), [(1, False)])
        self.assertLess(self.clock.seconds() - begun, 0.1)

    def test_a_machine_that_is_lost_keeps_its_locks_until_they_are_taken_from_it(self):
        self.server.plan = lambda point, process, kind: self.crash("one", True) if point == "locked" else None
        self.flush(self.one, draft(11, 1, 1))
        self.clock.run(0.1)
        self.server.plan = faults.nothing_planned
        begun = self.clock.seconds()
        self.assertEqual(self.seqs(self.flush_until_stored(self.two, draft(11, 1, 2))), [(1, False)])
        self.assertGreater(self.clock.seconds() - begun, 2.5)
        self.assertEqual(self.hits("idle transaction ended"), 1)

    def test_what_a_lost_machine_had_sent_is_done(self):
        self.wait(self.flush(self.one, draft(11, 1, 1)))
        sent = self.flush(self.one, draft(11, 1, 2))
        self.server.plan = lambda point, *_: faults.delayed(0.01) if point == "before_commit" else None
        while self.server.hits["before_commit: delay"] == 0:
            self.clock.jump()
        self.crash("one", silently=True)
        self.clock.run(1)
        self.assertNoResult(sent)
        self.assertEqual(self.stored(), [1, 2])

    def test_what_the_dead_ask_for_is_not_done(self):
        self.crash("one")
        call = self.flush(self.one, draft(11, 1, 1))
        self.clock.run(10)
        self.assertNoResult(call)
        self.assertEqual(self.stored(), [])

    def test_nothing_of_the_dead_is_called_again(self):
        self.crash_at("locked")
        called = []
        self.flush(self.one, draft(11, 1, 1))
        self.start(self.one.writer.run("test", lambda tx: (tx.query(LOCK, (12,)), called.append(tx))))
        self.clock.run(5)
        self.assertEqual(called, [])
        self.assertFalse(self.server.locks.has(("head", 12)))

    def test_at_the_end_of_a_world_everything_is_let_go(self):
        calls = [self.flush(node, draft(11, 1, 1)) for node in (self.one, self.two)]
        self.clock.run(0.0004)
        self.server.close()
        self.crash("one")
        self.crash("two")
        self.clock.run(5)
        for call in calls:
            self.assertNoResult(call)

    def test_what_waits_for_a_connection_never_begins(self):
        self.crash_at("locked")
        calls = [self.flush(self.one, draft(11, 1, n)) for n in range(5)]
        self.clock.run(1)
        for call in calls:
            self.assertNoResult(call)
        self.assertEqual(self.stored(), [])


class FrozenTests(DatabaseCase, SynchronousTestCase):
    def freeze_at(self, wanted):
        def plan(point, process, kind):
            if (point, process) == (wanted, "one"):
                self.server.plan = faults.nothing_planned
                self.server.freeze("one")

        self.server.plan = plan

    def test_a_frozen_holder_is_let_go_of_after_three_seconds(self):
        self.freeze_at("locked")
        frozen = self.flush(self.one, draft(11, 1, "one"))
        self.clock.run(0.1)
        begun = self.clock.seconds()
        self.assertEqual(self.seqs(self.flush_until_stored(self.two, draft(11, 1, "two"))), [(1, False)])
        self.assertGreater(self.clock.seconds() - begun, 2.5)
        self.assertLess(self.clock.seconds() - begun, 4.5)
        self.assertEqual((self.hits("idle transaction ended"), self.hits("lock wait time-out")), (1, 1))
        self.server.thaw("one")
        self.fails(frozen, Unavailable)
        self.assertEqual(self.seqs(self.wait(self.flush(self.one, draft(11, 1, "one")))), [(2, False)])

    def test_what_a_frozen_process_had_committed_stays(self):
        self.freeze_at("before_commit")
        frozen = self.flush(self.one, draft(11, 1, 1))
        self.clock.run(2)
        self.assertEqual(self.stored(), [1])
        self.assertNoResult(frozen)
        self.server.thaw("one")
        self.assertEqual(self.seqs(self.wait(frozen)), [(1, False)])

    def test_a_transaction_that_was_silent_too_long_is_over_also_where_nobody_waited(self):
        self.freeze_at("locked")
        frozen = self.flush(self.one, draft(11, 1, 1))
        self.clock.run(4)
        self.server.thaw("one")
        self.fails(frozen, Unavailable)
        self.assertEqual(self.hits("idle transaction ended"), 1)
