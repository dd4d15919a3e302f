"""The simulated server under nodes that meet, crash, freeze and lose it: what MariaDB would have done."""

from functools import partial
from random import Random

from twisted.internet.defer import FirstError, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Contended, Unavailable
from imchat.store.sql.dialect import Fault
from imchat.store.sql.mysql_dialect import MysqlDialect, classify
from imchat.store.sql.runner import RunnerSettings
from imchat.store.sql.transaction import DuplicateKey
from tests.contract.stores import draft
from tests.simulation.database import faults
from tests.simulation.database.rig import STREAMS, DatabaseCase

ONCE = RunnerSettings(tries=1)
LOCK = "SELECT last_seq FROM head WHERE stream_id = ? FOR UPDATE"
ADD = "UPDATE head SET last_seq = last_seq + ? WHERE stream_id = ?"


class NodesTests(DatabaseCase, SynchronousTestCase):
    def overlap(self, seed=3):
        """Two nodes flush at the same time, each 40 batches one after another."""
        chance = Random(seed)

        async def node(database, name):
            for batch in range(40):
                drafts = [draft(chance.choice(STREAMS), 1, (name, batch, n)) for n in range(chance.randint(1, 6))]
                await database.streams.flush(drafts, lambda *_: None)

        return gatherResults([self.start(node(*args)) for args in ((self.one, "one"), (self.two, "two"))])

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
                self.server.crash("one")

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
        self.assertEqual(self.seqs(self.wait(self.flush(self.two, draft(11, 1, "two")))), [(1, False)])
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


class LockTests(DatabaseCase, SynchronousTestCase):
    def test_a_deadlock_is_found_at_once_and_seen_by_neither(self):
        tries = []
        self.server.plan = lambda point, *_: faults.delayed(0.01) if point == "locked" else None

        def work(tx, first, second):
            tries.append(first)
            tx.query(LOCK, (first,))
            tx.query(LOCK, (second,))
            tx.execute(ADD, (1, first))

        calls = [
            self.start(node.writer.run("test", partial(work, first=a, second=b)))
            for node, a, b in ((self.one, 11, 12), (self.two, 12, 11))
        ]
        begun = self.clock.seconds()
        self.wait(gatherResults(calls))
        self.assertEqual((self.hits("deadlock"), len(tries)), (1, 3))
        self.assertLess(self.clock.seconds() - begun, 0.5)
        self.assertEqual([self.head(n)["last_seq"] for n in (11, 12)], [1, 1])

    def hold(self, seconds, *statements):
        """A transaction of node one that begins with these statements and takes so long before its next."""
        self.server.plan = lambda point, process, kind: self._pause(point, kind, seconds)

        def work(tx):
            for sql, parameters in statements:
                tx.execute(sql, parameters) if sql != LOCK else tx.query(sql, parameters)
            tx.query("SELECT 1 FROM head WHERE stream_id = 14 FOR UPDATE")

        holding = self.start(self.one.writer.run("hold", work))
        self.clock.run(0.05)
        return holding

    def _pause(self, point, kind, seconds):
        if point == "locked" and kind == "hold" and self.server.locks.has(("head", 14)):
            return faults.delayed(seconds)
        return None

    def test_a_lock_that_is_kept_too_long_is_contended(self):
        self.hold(10, (LOCK, (11,)))
        impatient = self.connect("two", settings=ONCE)
        begun = self.clock.seconds()
        self.fails(self.flush(impatient, draft(11, 1, 1)), Contended)
        self.assertEqual(round(self.clock.seconds() - begun, 1), 2)

    def test_a_lock_that_is_let_go_in_time_is_seen_by_nobody(self):
        holding = self.hold(1.5, (LOCK, (11,)))
        self.assertEqual(self.seqs(self.wait(self.flush(self.two, draft(11, 1, 1)))), [(1, False)])
        self.assertTrue(holding.called)

    def test_those_who_wait_see_what_was_committed_meanwhile(self):
        self.hold(1, (LOCK, (11,)), (ADD, (5, 11)))
        self.assertEqual(self.seqs(self.wait(self.flush(self.two, draft(11, 1, 1)))), [(6, False)])

    def test_nobody_else_sees_what_is_not_committed(self):
        holding = self.hold(1, (ADD, (5, 11)))
        heads = self.finish(self.two.streams.heads([11]))
        self.assertEqual((heads[11].last_seq, self.head()["last_seq"]), (0, 0))
        self.wait(holding)
        self.assertEqual(self.head()["last_seq"], 5)

    def test_a_write_waits_for_the_row_too(self):
        holding = self.hold(1, (ADD, (5, 11)))
        self.finish(self.two.writer.run("test", lambda tx: tx.execute(ADD, (1, 11))))
        self.assertTrue(holding.called)
        self.assertEqual(self.head()["last_seq"], 6)

    def test_transactions_that_write_other_rows_do_not_wait(self):
        holding = self.hold(1, (ADD, (5, 11)))
        self.finish(self.two.writer.run("test", lambda tx: tx.execute(ADD, (1, 12))))
        self.assertFalse(holding.called)
        self.assertEqual([self.head(n)["last_seq"] for n in (11, 12)], [0, 1])
        self.wait(holding)
        self.assertEqual([self.head(n)["last_seq"] for n in (11, 12)], [5, 1])

    def test_a_key_that_another_is_about_to_take_is_waited_for(self):
        insert = ("INSERT INTO invitation VALUES (?, ?, 0, 0)", (b"code", 1))
        self.hold(1, insert)
        self.fails(self.start(self.two.writer.run("test", lambda tx: tx.execute(*insert))), DuplicateKey)
        self.assertEqual((self.hits("lock wait"), self.hits("key taken")), (1, 1))

    def test_a_key_that_another_gave_up_is_free(self):
        insert = ("INSERT INTO invitation VALUES (?, ?, 0, 0)", (b"code", 1))
        self.hold(1, insert)
        taking = self.start(self.two.writer.run("test", lambda tx: tx.execute(*insert)))
        self.clock.run(0.1)
        self.server.crash("one")
        self.wait(taking)
        self.assertEqual(len(self.server.inspect()["invitation"]), 1)

    def test_a_taken_key_undoes_its_statement_alone(self):
        """The reason why the flush rolls back: to commit the rest would leave a hole."""

        def work(tx):
            tx.execute(ADD, (1, 11))
            try:
                tx.execute("INSERT INTO head VALUES (12, 0, 0, 0, 0, 0)")
            except Exception as error:
                self.assertEqual(classify(error), Fault.DUPLICATE)

        self.finish(self.one.writer.run("test", work))
        self.assertEqual(self.head()["last_seq"], 1)


class OutageTests(DatabaseCase, SynchronousTestCase):
    def test_while_it_is_away_nothing_hangs_and_afterwards_all_works(self):
        self.wait(self.flush(self.one, draft(11, 1, 1)))
        self.server.stop()
        begun = self.clock.seconds()
        self.fails(self.flush(self.one, draft(11, 1, 2)), Unavailable)
        self.assertLess(self.clock.seconds() - begun, 5.1)
        self.assertGreater(self.hits("connection refused"), 1)
        self.server.start()
        self.assertEqual(self.seqs(self.wait(self.flush(self.one, draft(11, 1, 2)))), [(2, False)])

    def test_a_restart_while_idle_is_seen_by_nobody(self):
        careful = self.connect("one", settings=ONCE)
        self.wait(self.flush(careful, draft(11, 1, 1)))
        self.server.stop()
        self.server.start()
        self.assertEqual(self.seqs(self.wait(self.flush(careful, draft(11, 1, 2)))), [(2, False)])

    def test_a_restart_in_a_transaction_undoes_it_and_it_is_done_again(self):
        def plan(point, process, kind):
            if point == "before_commit":
                self.server.plan = faults.nothing_planned
                self.server.stop()
                self.server.start()

        self.server.plan = plan
        self.assertEqual(self.seqs(self.wait(self.flush(self.one, draft(11, 1, 1)))), [(1, False)])

    def test_a_server_that_does_not_answer_is_given_up_but_does_what_it_was_sent(self):
        self.server.plan = lambda point, *_: faults.delayed(8) if point == "before_commit" else None
        sent = self.flush(self.one, draft(11, 1, 1))
        begun = self.clock.seconds()
        self.fails(sent, Unavailable)
        self.assertEqual(round(self.clock.seconds() - begun, 1), 5)
        self.assertEqual(self.stored(), [])
        self.server.plan = faults.nothing_planned
        self.clock.run(4)
        self.assertEqual(self.stored(), [1])
        self.assertEqual(self.seqs(self.wait(self.flush(self.one, draft(11, 1, 1)))), [(1, True)])


class PlanTests(DatabaseCase, SynchronousTestCase):
    def once(self, wanted, injected):
        def plan(point, process, kind):
            if point == wanted:
                self.server.plan = faults.nothing_planned
                return injected
            return None

        self.server.plan = plan

    def test_errors_that_pass_are_seen_by_nobody_and_counted(self):
        passing = (faults.LOST, faults.GONE_AWAY, faults.SHUTDOWN, faults.DEADLOCK, faults.LOCK_TIMEOUT)
        for number, injected in enumerate((*passing, faults.DUPLICATE, faults.delayed(0.5))):
            for point in ("begin", "locked", "before_commit"):
                self.once(point, injected)
                result = self.wait(self.flush(self.one, draft(11, 1, (number, point))))
                self.assertEqual([outcome.resent for outcome in result.outcomes], [False])
                self.assertEqual(self.hits(f"{point}: {injected.name}"), 1)
        self.assertEqual(self.stored(), list(range(1, 22)))

    def test_a_connection_lost_after_the_commit_stores_once(self):
        for number, injected in enumerate((faults.LOST, faults.GONE_AWAY, faults.SHUTDOWN)):
            self.once("after_commit", injected)
            result = self.wait(self.flush(self.one, draft(11, 1, number)))
            self.assertEqual(self.seqs(result), [(number + 1, True)])

    def test_no_connection_at_first(self):
        for injected in (faults.REFUSED, faults.TOO_MANY, faults.delayed(1)):
            self.once("connect", injected)
            self.finish(self.connect("three").streams.heads(STREAMS))
            self.assertEqual(self.hits(f"connect: {injected.name}"), 1)

    def test_errors_that_stay_are_unavailable(self):
        for injected in (faults.FULL, faults.READ_ONLY):
            self.once("before_commit", injected)
            self.fails(self.flush(self.one, draft(11, 1, 1)), Unavailable)
        self.assertEqual(self.stored(), [])

    def test_the_dialect_takes_them_for_what_they_stand_for(self):
        meant = {
            Fault.LOST: (faults.LOST, faults.GONE_AWAY, faults.SHUTDOWN),
            Fault.CONTENDED: (faults.DEADLOCK, faults.LOCK_TIMEOUT),
            Fault.DUPLICATE: (faults.DUPLICATE,),
            Fault.FULL: (faults.FULL,),
            Fault.READ_ONLY: (faults.READ_ONLY,),
            Fault.AWAY: (faults.REFUSED, faults.TOO_MANY),
        }
        for fault, injected in meant.items():
            self.assertEqual({classify(faults.error(one.number)) for one in injected}, {fault})


class UseTests(DatabaseCase, SynchronousTestCase):
    def test_readers_cannot_write(self):
        call = self.start(self.one.reader.run("test", lambda tx: tx.execute(ADD, (1, 11))))
        self.assertIn("READ ONLY", str(self.fails(call, Exception)))
        self.assertEqual(self.head()["last_seq"], 0)

    def test_no_text_goes_where_several_statements_do(self):
        call = self.start(self.one.flusher.run("test", lambda tx: tx.query("SELECT ?", ("'; DROP TABLE head; --",))))
        self.fails(call, TypeError)

    def test_numbers_that_do_not_fit_are_the_callers_fault(self):
        call = self.start(self.one.writer.run("test", lambda tx: tx.execute(ADD, (2**70, 11))))
        self.assertIn("Out of range", str(self.fails(call, Exception)))

    def test_more_than_there_are_connections_wait_for_one(self):
        calls = [self.start(self.one.streams.heads(STREAMS)) for _ in range(20)]
        self.clock.jump()
        self.assertEqual(self.one.reader.waits.waiting, 16)
        self.wait(gatherResults(calls))
        self.assertEqual(self.one.reader.waits.open, 0)

    def test_after_closing_nothing_is_done(self):
        self.finish(self.one.close())
        self.fails(self.flush(self.one, draft(11, 1, 1)), Unavailable)
