"""Transactions: tried again, given up, timed out, closed; and what the log says of it."""

import sqlite3

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Contended, NameTaken, Unavailable
from imchat.domain.models import Invitation
from imchat.store.sql.dialect import Fault
from imchat.store.sql.outage import Outage
from imchat.store.sql.runner import Runner, RunnerSettings
from imchat.store.sql.sqlite_dialect import SqliteDialect
from imchat.store.sql.transaction import DuplicateKey, Transaction
from tests.fakes.stores import MemoryDatabase, ThreadlessPool, full_disk, locked

SETTINGS = RunnerSettings(timeout_ms=1_000, tries=3, backoff_ms=10, retry_after_ms=700)


class ContendedDialect(SqliteDialect):
    def classify(self, error):
        fault = super().classify(error)
        return Fault.CONTENDED if fault is Fault.BUSY else fault


def write(tx):
    return tx.execute(
        "INSERT INTO invitation VALUES (?, 1, 1, 1)", (b"%d" % len(tx.query("SELECT 1 FROM invitation")),)
    )


class RunnerTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.pool = ThreadlessPool()
        self.runner = self.make(SqliteDialect(lambda: 0))
        self.lines = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, event):
        if event.get("log_namespace", "").startswith("imchat.store"):
            self.lines.append(event["log_format"].format(**{k: v for k, v in event.items() if k != "log_format"}))

    def make(self, dialect, writes=True):
        return Runner("the database", self.pool, dialect, self.clock, writes=writes, settings=SETTINGS)

    def run_(self, work=write, runner=None):
        return Deferred.fromCoroutine((runner or self.runner).run("test", work))

    def stored(self):
        return self.pool.connection.execute("SELECT count(*) FROM invitation").fetchone()[0]

    def test_returns_what_the_function_returns_and_commits(self):
        self.assertEqual(self.successResultOf(self.run_()), 1)
        self.assertFalse(self.pool.connection.in_transaction)
        self.assertEqual(self.stored(), 1)

    def test_an_error_of_the_domain_rolls_back_and_comes_through(self):
        def work(tx):
            write(tx)
            raise NameTaken

        self.failureResultOf(self.run_(work), NameTaken)
        self.assertEqual((self.stored(), self.lines), (0, []))

    def test_a_passing_error_is_tried_again_after_a_growing_wait(self):
        self.pool.before.extend([locked(), locked()])
        done = self.run_()
        self.clock.advance(0.010)
        self.assertNoResult(done)
        self.clock.advance(0.019)
        self.assertNoResult(done)
        self.clock.advance(0.001)
        self.assertEqual(self.successResultOf(done), 1)
        self.assertEqual((self.stored(), self.lines), (1, []))

    def test_each_try_starts_from_nothing(self):
        failures = [locked()]

        def work(tx):
            write(tx)
            if failures:
                raise failures.pop()

        done = self.run_(work)
        self.clock.advance(0.010)
        self.successResultOf(done)
        self.assertEqual(self.stored(), 1)

    def test_passing_errors_that_stay_are_unavailable(self):
        self.pool.before.extend([locked()] * 3)
        done = self.run_()
        self.clock.pump([0.010, 0.020])
        failure = self.failureResultOf(done, Unavailable)
        self.assertEqual(failure.value.retry_after_ms, 700)
        self.assertNotIsInstance(failure.value, Contended)
        self.assertEqual(len(self.pool.before), 0)

    def test_locked_rows_that_stay_locked_are_told_from_an_outage(self):
        runner = self.make(ContendedDialect(lambda: 0))
        self.pool.before.extend([locked()] * 3)
        done = self.run_(runner=runner)
        self.clock.pump([0.010, 0.020])
        self.failureResultOf(done, Contended)

    def test_a_full_disk_is_not_tried_again(self):
        self.pool.before.extend([full_disk(), None])
        self.failureResultOf(self.run_(), Unavailable)
        self.assertEqual(len(self.pool.before), 1)

    def test_a_taken_key_is_told_from_an_outage(self):
        def work(tx):
            for _ in range(2):
                tx.execute("INSERT INTO invitation VALUES (?, 1, 1, 1)", (b"code",))

        self.failureResultOf(self.run_(work), DuplicateKey)
        self.assertEqual((self.stored(), self.lines), (0, []))

    def test_a_fault_of_ours_is_told_from_an_outage(self):
        self.failureResultOf(self.run_(lambda tx: tx.execute("nonsense")), sqlite3.OperationalError)
        self.failureResultOf(self.run_(lambda tx: 1 / 0), ZeroDivisionError)
        self.assertEqual(self.lines, [])

    def test_an_error_after_the_commit_is_tried_again_too(self):
        self.pool.after.append(locked())
        done = self.run_()
        self.clock.advance(0.010)
        self.successResultOf(done)
        self.assertEqual(self.stored(), 2)

    def test_too_long_a_wait_is_unavailable_and_what_was_not_begun_never_is(self):
        self.pool.hold()
        done = self.run_()
        self.clock.advance(0.999)
        self.assertNoResult(done)
        self.clock.advance(0.001)
        self.failureResultOf(done, Unavailable)
        self.pool.release()
        self.assertEqual(self.stored(), 0)

    def test_a_transaction_that_takes_too_long_is_rolled_back(self):
        def work(tx):
            write(tx)
            self.clock.advance(1)

        self.failureResultOf(self.run_(work), Unavailable)
        self.assertEqual(self.stored(), 0)

    def test_the_time_is_for_all_tries_together(self):
        self.pool.hold()
        done = self.run_()
        self.clock.advance(0.995)
        self.pool.before.append(locked())
        self.pool.step()
        self.failureResultOf(done, Unavailable)

    def test_no_further_try_that_would_only_be_cut_off(self):
        runner = self.make(ContendedDialect(lambda: 0))
        tried = []

        def work(tx):
            tried.append(None)
            self.clock.advance(0.4)
            raise locked()

        done = self.run_(work, runner)
        self.clock.advance(0.010)
        self.failureResultOf(done, Contended)
        self.assertEqual(len(tried), 2)

    def test_what_hangs_is_torn_off_when_the_time_is_over(self):
        aborted = []
        self.patch(Transaction, "abort", lambda transaction: aborted.append(transaction))

        def work(tx):
            self.clock.advance(1)

        self.failureResultOf(self.run_(work), Unavailable)
        self.assertEqual(len(aborted), 1)

    # --- the wait for a connection

    def test_the_wait_for_a_connection_is_measured(self):
        waits = self.runner.waits
        self.pool.hold()
        first, second = self.run_(), self.run_()
        self.clock.advance(0.3)
        self.assertEqual((waits.waiting, waits.open, waits.longest(self.clock.seconds())), (2, 2, 0.3))
        self.pool.step()
        self.assertEqual((waits.waiting, waits.times.total), (1, 0.3))
        self.clock.advance(0.3)
        self.pool.release()
        self.successResultOf(first)
        self.successResultOf(second)
        self.successResultOf(self.run_())
        self.assertEqual((waits.waiting, waits.open, waits.longest(self.clock.seconds())), (0, 0, 0.0))
        self.assertEqual(waits.times.counts, [1, 0, 0, 0, 1, 1, 0])
        self.assertAlmostEqual(waits.times.total, 0.9)

    def test_no_timer_is_left(self):
        self.successResultOf(self.run_())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_reader_cannot_hold_the_writing_lock(self):
        reader = self.make(SqliteDialect(lambda: 0), writes=False)
        statements = []
        self.pool.connection.set_trace_callback(statements.append)
        self.successResultOf(self.run_(lambda tx: tx.one("SELECT 1"), reader))
        self.assertEqual(statements[0], "BEGIN")

    # --- closing

    def test_a_closed_runner_is_unavailable(self):
        self.successResultOf(Deferred.fromCoroutine(self.runner.close()))
        self.failureResultOf(self.run_(), Unavailable)
        self.successResultOf(Deferred.fromCoroutine(self.runner.close()))

    def test_closing_waits_for_what_runs(self):
        self.pool.hold()
        running = self.run_()
        closed = Deferred.fromCoroutine(self.runner.close())
        self.assertNoResult(closed)
        self.failureResultOf(self.run_(), Unavailable)
        self.pool.release()
        self.assertEqual(self.successResultOf(running), 1)
        self.successResultOf(closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closing_does_not_wait_forever(self):
        self.pool.hold()
        running = self.run_()
        closed = Deferred.fromCoroutine(self.runner.close())
        self.clock.advance(1)
        self.failureResultOf(running, Unavailable)
        self.successResultOf(closed)

    def test_a_pool_that_refuses_at_once_does_not_block_the_close(self):
        self.patch(self.pool, "runInteraction", lambda interaction: 1 / 0)
        self.failureResultOf(self.run_(), ZeroDivisionError)
        self.successResultOf(Deferred.fromCoroutine(self.runner.close()))

    # --- the log

    def fail_with(self, *errors):
        for error in errors:
            self.pool.before.append(error)
            self.failureResultOf(self.run_(), Unavailable)

    def test_one_line_for_an_outage_and_one_for_its_end(self):
        self.fail_with(*[full_disk()] * 20)
        self.assertEqual(self.lines, ["the database has no space left on its disk (database or disk is full in test)"])
        self.clock.advance(90)
        for _ in range(5):
            self.successResultOf(self.run_())
        self.assertEqual(self.lines[1:], ["the database serves again after 90.0 s"])

    def test_a_short_write_that_succeeds_between_is_no_recovery(self):
        for _ in range(10):
            self.fail_with(full_disk())
            self.clock.advance(0.5)
            self.successResultOf(self.run_())
        self.assertEqual(len(self.lines), 1)

    def test_a_transaction_that_writes_nothing_is_no_recovery(self):
        self.fail_with(full_disk())
        self.clock.advance(60)
        self.successResultOf(self.run_(lambda tx: tx.one("SELECT 1")))
        self.assertEqual(len(self.lines), 1)

    def test_another_reason_gets_a_line_of_its_own(self):
        read_only = sqlite3.OperationalError("attempt to write a readonly database")
        read_only.sqlite_errorcode = sqlite3.SQLITE_READONLY
        self.fail_with(full_disk(), read_only, read_only)
        self.assertEqual(len(self.lines), 2)
        self.assertIn("the database is read-only", self.lines[1])

    def test_all_ways_of_not_answering_are_one_outage_of_all_that_share_it(self):
        outage = Outage("the database", self.clock)
        for fault, writing in ((Fault.LOST, True), (Fault.AWAY, False), (Fault.LATE, True), (Fault.LOST, False)):
            outage.failed(fault, "detail", writing)
        self.assertEqual(self.lines, ["the database dropped the connection (detail)"])
        self.clock.advance(2)
        outage.worked(wrote=False)
        self.assertEqual(self.lines[1:], ["the database serves again after 2.0 s"])

    def test_that_reading_works_says_nothing_of_writing(self):
        outage = Outage("the database", self.clock)
        outage.failed(Fault.READ_ONLY, "detail", True)
        self.clock.advance(2)
        outage.worked(wrote=False)
        self.assertEqual((len(self.lines), outage.reason), (1, "is read-only"))
        outage.worked(wrote=True)
        self.assertEqual((len(self.lines), outage.reason), (2, None))

    def test_locked_rows_are_one_outage_while_others_are_written(self):
        outage = Outage("the database", self.clock)
        for _ in range(10):
            outage.failed(Fault.CONTENDED, "detail", True)
            self.clock.advance(5)
            outage.worked(wrote=True)
        self.assertEqual(len(self.lines), 1)
        self.clock.advance(26)
        outage.worked(wrote=True)
        self.assertEqual(len(self.lines), 2)

    def test_a_reader_recovers_by_reading(self):
        reader = self.make(SqliteDialect(lambda: 0), writes=False)
        self.pool.before.append(full_disk())
        self.failureResultOf(self.run_(lambda tx: tx.one("SELECT 1"), reader), Unavailable)
        self.clock.advance(2)
        self.successResultOf(self.run_(lambda tx: tx.one("SELECT 1"), reader))
        self.assertIn("serves again", self.lines[-1])


class HealthTests(SynchronousTestCase):
    def test_a_ping_notices_that_writing_works_again(self):
        stores = MemoryDatabase()
        stores.pool.before.append(full_disk())
        self.failureResultOf(Deferred.fromCoroutine(stores.invitations.add(Invitation("code", 1, 9), 1)), Unavailable)
        self.assertIsNotNone(stores.writer.outage.reason)
        stores.clock.advance(2)
        self.successResultOf(Deferred.fromCoroutine(stores.health.ping()))
        self.assertIsNone(stores.writer.outage.reason)


class CancelTests(SynchronousTestCase):
    def test_a_caller_that_gives_up_leaves_no_timer_and_no_noise(self):
        clock, pool = Clock(), ThreadlessPool()
        runner = Runner("the database", pool, SqliteDialect(lambda: 0), clock, writes=True, settings=SETTINGS)
        pool.hold()
        done = Deferred.fromCoroutine(runner.run("test", write))
        done.addErrback(lambda _: None)
        done.cancel()
        pool.release()
        self.assertEqual(clock.getDelayedCalls(), [])
        self.successResultOf(succeed(None))
        self.assertEqual(self.flushLoggedErrors(), [])
