"""A MariaDB that is stopped, started, killed, frozen and thawed: one line each, and no restart of ours."""

import shutil
import signal
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

from pymysql.err import OperationalError
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase

from imchat.domain.errors import Unavailable
from imchat.store import mysql
from imchat.store.mysql import migrate
from imchat.store.sql.mysql_connection import Use
from imchat.store.sql.mysql_pool import MysqlPool
from imchat.store.sql.runner import RunnerSettings
from imchat.testing import PrivateMariaDB, free_port
from tests.contract import mariadb
from tests.contract.stores import allow, draft
from tests.contract.test_mariadb import STREAMS
from tests.contract.test_mariadb_faults import run
from tests.faults.proxy import SERVER, Proxy


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

    async def test_a_network_that_goes_silent_costs_one_time_out_and_not_one_for_each_connection(self):
        relay = Proxy(reactor, free_port(), self.server.port)
        relay.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(relay.close()))
        self.settings = replace(self.settings, port=relay.port)
        database = self.open(timeout_ms=500)
        await gatherResults(self.calls(database, 1))
        relay.half_open(SERVER)
        await self.assertFailure(self.flush(database, draft(11, 1, 2)), Unavailable)
        await gatherResults(self.calls(database, 3))

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
