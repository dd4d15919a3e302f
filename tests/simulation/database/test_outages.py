"""The simulated server fails, as MariaDB does, and as a plan tells it to."""

from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.store.sql.dialect import Fault
from imchat.store.sql.mysql_dialect import classify
from tests.contract.stores import draft
from tests.simulation.database import faults
from tests.simulation.database.rig import ADD, ONCE, STREAMS, DatabaseCase


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

    def test_a_process_that_is_cut_off_is_the_only_one_that_notices(self):
        self.wait(self.flush(self.one, draft(11, 1, 1)))
        self.server.cut("one")
        self.fails(self.flush(self.one, draft(11, 1, 2)), Unavailable)
        self.assertEqual(self.seqs(self.wait(self.flush(self.two, draft(11, 1, 3)))), [(2, False)])
        self.server.mend("one")
        self.assertEqual(self.seqs(self.wait(self.flush(self.one, draft(11, 1, 2)))), [(3, False)])

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

    def test_what_was_given_up_lets_its_locks_go_when_the_server_answers(self):
        self.server.plan = lambda point, *_: faults.delayed(8) if point == "locked" else None
        self.fails(self.flush(self.one, draft(11, 1, 1)), Unavailable)
        self.assertTrue(self.server.locks.has(("head", 11)))
        self.clock.run(3.5)
        self.assertFalse(self.server.locks.has(("head", 11)))


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
