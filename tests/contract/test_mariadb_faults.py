"""What a MariaDB does to those who use it: killed connections, deadlocks, locks, time-outs, stops, restarts."""

import shutil
import signal
import tempfile
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from pymysql.err import OperationalError
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from imchat.domain.errors import Contended, Unavailable
from imchat.store import mysql
from imchat.store.mysql import migrate
from imchat.store.sql import mysql_connection
from imchat.store.sql.append import flush
from imchat.store.sql.mysql_connection import Use
from imchat.store.sql.mysql_pool import Lease, MysqlPool
from imchat.store.sql.runner import RunnerSettings
from imchat.testing import PrivateMariaDB
from tests.contract import mariadb
from tests.contract.stores import allow, draft
from tests.contract.test_mariadb import STREAMS, MariaDBCase

ONCE = RunnerSettings(timeout_ms=4_000, tries=1)
"""A call that fails at the first try shows what the runner's patience would hide."""

LOCK = "SELECT last_seq FROM head WHERE stream_id = ? FOR UPDATE"


def run(runner, work):
    return Deferred.fromCoroutine(runner.run("test", work))


class KilledTests(MariaDBCase):
    def kill_all(self):
        return mariadb.kill_connections(self.server, self.settings)

    async def test_connections_that_died_while_idle_are_replaced_unnoticed(self):
        database = self.open(patience=ONCE)

        async def use(number):
            await self.flush(draft(11, 1, number), database=database)
            await self.invite(f"code {number}", database=database)
            await database.streams.heads([11])

        await use(1)
        self.assertEqual(self.kill_all(), 3)
        await use(2)
        self.assertEqual(await self.stored(11), [1, 2])

    async def test_a_connection_killed_in_a_transaction_is_seen_by_nobody(self):
        await self.invite()
        tries = []

        def work(tx):
            tries.append(None)
            tx.execute("UPDATE head SET last_seq = last_seq + 1 WHERE stream_id = 11")
            if len(tries) == 1:
                self.kill_all()
            tx.execute("UPDATE head SET last_seq = last_seq + 10 WHERE stream_id = 11")

        await run(self.database.writer, work)
        self.assertEqual(self.administer("SELECT last_seq FROM head WHERE stream_id = 11"), ((11,),))
        self.assertEqual(len(tries), 2)

    async def test_a_flush_killed_under_its_lock_is_stored_once(self):
        kill = [self.kill_all]

        def permit(draft, membership):
            if kill:
                kill.pop()()

        await self.flush(draft(12, 1, 0))
        self.administer("INSERT INTO conversation VALUES (11, 1, 0)", "UPDATE head SET member_version = 1")
        drafts = [draft(11, 1, n) for n in range(5)]
        result = await self.database.streams.flush(drafts, permit)
        self.assertEqual([(o.event.seq, o.resent) for o in result.outcomes], [(n, False) for n in range(1, 6)])
        self.assertEqual((await self.stored(11), kill), ([1, 2, 3, 4, 5], []))

    async def test_a_connection_lost_with_the_answer_to_the_commit_stores_once(self):
        commit, lost = Lease.commit, []

        def losing(lease):
            commit(lease)
            if not lost:
                lost.append(lease)
                raise OperationalError(2013, "planted")

        self.patch(Lease, "commit", losing)
        result = await self.flush(draft(11, 1, 1), draft(11, 1, 2))
        self.assertEqual([(o.event.seq, o.resent) for o in result.outcomes], [(1, True), (2, True)])
        self.assertEqual((await self.stored(11), len(lost)), ([1, 2], 1))


class LockTests(MariaDBCase):
    async def test_a_deadlock_between_two_writers_is_seen_by_neither(self):
        both = threading.Barrier(2)
        tries = []

        def work(tx, first, second):
            tries.append(first)
            tx.query(LOCK, (first,))
            if len(tries) <= 2:
                both.wait(10)
            tx.query(LOCK, (second,))
            tx.execute("UPDATE head SET last_seq = last_seq + 1 WHERE stream_id IN (?, ?)", (first, second))

        pairs = ((11, 12), (12, 11))
        await gatherResults([run(self.database.writer, partial(work, first=a, second=b)) for a, b in pairs])
        self.assertEqual(len(tries), 3)
        self.assertEqual(self.administer("SELECT last_seq FROM head WHERE stream_id IN (11, 12)"), ((2,), (2,)))

    def hold(self, stream_id):
        """A foreign transaction that keeps a head locked until the end of the test."""
        holder = mariadb.administrator(self.server, self.settings.database)
        self.addCleanup(holder.close)
        holder.begin()
        with holder.cursor() as cursor:
            cursor.execute(LOCK.replace("?", str(stream_id)))
        return holder

    async def test_a_head_that_others_keep_locked_is_told_from_an_outage(self):
        self.patch(mysql_connection, "LOCK_WAIT_SECONDS", 1)
        database = self.open(patience=ONCE)
        self.hold(11)
        batch = self.flush(draft(11, 1, 1), draft(12, 1, 1), database=database)
        await self.assertFailure(batch, Contended)
        self.assertEqual(await self.stored(12), [])
        await self.flush(draft(12, 1, 1), database=database)
        self.assertEqual(await self.stored(12), [1])

    async def test_a_lock_that_is_let_go_in_time_is_seen_by_nobody(self):
        self.patch(mysql_connection, "LOCK_WAIT_SECONDS", 1)
        database = self.open(patience=RunnerSettings(timeout_ms=6_000))
        holder = self.hold(11)
        done = self.flush(draft(11, 1, 1), database=database)
        await deferLater(reactor, 1.2)
        holder.rollback()
        await done
        self.assertEqual(await self.stored(11), [1])

    async def test_a_lock_wait_undoes_all_that_the_transaction_did(self):
        self.patch(mysql_connection, "LOCK_WAIT_SECONDS", 1)
        database = self.open(settings=replace(self.settings, writers=1), patience=ONCE)
        self.hold(11)

        def work(tx):
            flush(tx, [draft(12, 1, 1)], allow, look_up_all=True)
            tx.query(LOCK, (11,))

        await self.assertFailure(run(database.writer, work), Contended)
        await self.invite(database=database)
        self.assertEqual(await self.stored(12), [])


class Lines:
    """What the stores log."""

    def __init__(self, test):
        self.lines = []
        globalLogPublisher.addObserver(self)
        test.addCleanup(globalLogPublisher.removeObserver, self)

    def __call__(self, event):
        if event.get("log_namespace", "").startswith("imchat.store"):
            self.lines.append(event["log_format"].format(**{k: v for k, v in event.items() if k != "log_format"}))


class OwnServerTests(TestCase):
    """Tests that stop, freeze and start the server."""

    async def setUp(self):
        directory = Path(tempfile.mkdtemp(prefix="imchat-test-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.server = PrivateMariaDB(reactor, directory)
        await self.server.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.server.kill()))
        self.settings = mariadb.settings_of(self.server)
        migrate(self.settings)
        mariadb.administer(
            self.server, *(f"INSERT INTO head VALUES ({n}, 0, 0, 0, 0, 0)" for n in STREAMS), database="imchat"
        )
        self.lines = Lines(self).lines

    def open(self, **patience):
        return mariadb.opened(self, self.settings, RunnerSettings(**patience))

    def flush(self, database, *drafts):
        return Deferred.fromCoroutine(database.streams.flush(drafts, allow))

    def calls(self, database, number):
        """A call of each kind of connection."""
        return [
            self.flush(database, draft(11, 1, number)),
            run(database.writer, lambda tx: tx.execute("UPDATE head SET counted = counted + 1 WHERE stream_id = 12")),
            Deferred.fromCoroutine(database.streams.heads([11])),
            Deferred.fromCoroutine(database.health.ping()),
        ]

    async def all_unavailable(self, database, number):
        for call in self.calls(database, number):
            error = await self.assertFailure(call, Unavailable)
            self.assertGreater(error.retry_after_ms, 0)

    async def until(self, condition):
        for _ in range(500):
            if condition():
                return
            await deferLater(reactor, 0.01)
        raise AssertionError("in vain")

    async def recovered(self, database):
        """Return when the log says that the database serves again."""

        async def asked():
            await database.health.ping()

        for _ in range(200):
            await Deferred.fromCoroutine(asked()).addErrback(lambda failure: failure.trap(Unavailable))
            if "serves again" in self.lines[-1]:
                return
            await deferLater(reactor, 0.05)
        raise AssertionError(self.lines)

    async def test_a_stop_is_unavailable_and_one_line_and_the_start_is_one_more(self):
        database = self.open()
        await gatherResults(self.calls(database, 1))
        await self.server.stop()
        for number in range(2, 6):
            await self.all_unavailable(database, number)
        self.assertEqual(len(self.lines), 1, self.lines)
        self.assertIn(f"the database imchat at 127.0.0.1:{self.server.port} ", self.lines[0])
        await self.server.start()
        await gatherResults(self.calls(database, 9))
        await self.recovered(database)
        self.assertEqual(len(self.lines), 2, self.lines)
        head = (await database.streams.heads([11]))[11]
        self.assertEqual(head.last_seq, 2)

    async def test_a_restart_between_calls_is_seen_by_nobody(self):
        database = self.open(tries=1)
        await gatherResults(self.calls(database, 1))
        await self.server.kill()
        await self.server.start()
        await gatherResults(self.calls(database, 2))
        self.assertEqual(self.lines, [])

    async def test_a_server_that_is_not_there_yet_is_unavailable_until_it_is(self):
        await self.server.stop()
        database = self.open()
        await self.all_unavailable(database, 1)
        await self.server.start()
        await gatherResults(self.calls(database, 2))

    async def frozen(self, database):
        self.server.signal(signal.SIGSTOP)
        # Thawed before it is killed, else it is killed all the same but by the test's end only.
        self.addCleanup(self.server.signal, signal.SIGCONT)
        await gatherResults([self.assertFailure(call, Unavailable) for call in self.calls(database, 2)])

    def open_calls(self, database):
        return sum(runner.waits.open for runner in (database.reader, database.writer, database.flusher))

    async def test_a_frozen_server_is_unavailable_within_the_bound_and_holds_no_thread(self):
        self.patch(mysql, "SLACK_MS", 60_000)
        database = self.open(timeout_ms=300)
        await gatherResults(self.calls(database, 1))
        await self.frozen(database)
        # Far sooner than the driver's own time-out, for the connections were torn off.
        await self.until(lambda: self.open_calls(database) == 0)
        self.assertEqual(len(self.lines), 1, self.lines)
        self.assertIn("does not answer in time", self.lines[0])

    async def test_a_thawed_server_serves_again_without_a_restart(self):
        database = self.open(timeout_ms=300)
        await gatherResults(self.calls(database, 1))
        await self.frozen(database)
        await gatherResults([self.assertFailure(call, Unavailable) for call in self.calls(database, 3)])
        self.server.signal(signal.SIGCONT)
        await self.recovered(database)
        await gatherResults(self.calls(database, 4))
        self.assertEqual(len(self.lines), 2, self.lines)

    async def test_a_frozen_server_does_not_hold_the_end(self):
        database = self.open(timeout_ms=300)
        await gatherResults(self.calls(database, 1))
        self.server.signal(signal.SIGSTOP)
        self.addCleanup(self.server.signal, signal.SIGCONT)
        calls = [self.assertFailure(call, Unavailable) for call in self.calls(database, 2)]
        await database.close()
        await gatherResults(calls)

    async def test_a_frozen_server_does_not_hold_a_process_that_ends_out_of_order(self):
        pool = MysqlPool(reactor, self.settings, Use("test", writes=True, together=False, timeout_ms=60_000), 1)
        await pool.runInteraction(lambda lease: lease.execute("SELECT 1"))
        self.server.signal(signal.SIGSTOP)
        # If the pool waited for the server it would wait until here, and the call would succeed.
        thaw = threading.Timer(5, self.server.signal, [signal.SIGCONT])
        thaw.start()
        self.addCleanup(thaw.cancel)
        sent = threading.Event()

        def work(lease):
            sent.set()
            lease.execute("SELECT 2")

        call = pool.runInteraction(work)
        await deferToThread(sent.wait, 10)
        await deferLater(reactor, 0.1)
        pool.close()
        await self.assertFailure(call, OperationalError)
