"""What a MariaDB does to those who use it: killed connections, deadlocks, locks."""

import threading
from dataclasses import replace
from functools import partial

from pymysql.err import OperationalError
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs

from imchat.domain.errors import Contended
from imchat.domain.models import Refused, Stored
from imchat.store.sql import mysql_connection
from imchat.store.sql.append import flush
from imchat.store.sql.mysql_pool import Lease
from imchat.store.sql.runner import RunnerSettings
from tests.contract import mariadb
from tests.contract.stores import allow, draft
from tests.contract.test_mariadb import MariaDBCase

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

    def lock_waits(self):
        """How often the server had a statement wait for a row, since it started."""
        ((_, count),) = self.administer("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'")
        return int(count)

    async def test_a_head_that_others_keep_locked_holds_up_its_own_stream_alone(self):
        self.patch(mysql_connection, "LOCK_WAIT_SECONDS", 1)
        database = self.open(patience=ONCE)
        await self.flush(draft(11, 1, "before"), database=database)
        holder = self.hold(11)
        batch = [draft(stream_id, 1, number) for number in (1, 2) for stream_id in (11, 12, 13)]
        batch += [draft(11, 1, "before"), draft(999, 1, 1), replace(draft(11, 1, 3), refusal="rate_limited")]
        with capturedLogs() as events:
            result = await self.flush(*batch, database=database)
            locked, stored = Refused("unavailable"), [type(outcome) for outcome in result.outcomes[1:3]]
            self.assertEqual((result.kept, stored), ({11}, [Stored, Stored]))
            self.assertEqual((result.outcomes[0], result.outcomes[3]), (locked, locked))
            # What is stored already is known without the lock; what may be stored by who holds it is not.
            self.assertTrue(result.outcomes[6].resent)
            self.assertEqual(result.outcomes[7:], [Refused("not_found"), locked])
            self.assertEqual((await self.stored(12), await self.stored(13)), ([1, 2], [1, 2]))
            # The next ones do not wait for it any more.
            waits = self.lock_waits()
            for number in (1, 2):
                outcomes = (await self.flush(draft(11, 1, 1), draft(12, 2, number), database=database)).outcomes
                self.assertEqual((outcomes[0], type(outcomes[1])), (locked, Stored))
            self.assertEqual(self.lock_waits(), waits)
            holder.rollback()
            for number in (1, 2):
                await self.flush(draft(11, 1, number), database=database)
        self.assertEqual(await self.stored(11), [1, 2, 3])
        self.assertEqual([event["log_level"].name for event in events], ["warn", "info"])

    async def test_a_transaction_that_needs_a_head_to_write_in_it_waits_and_fails_whole(self):
        self.patch(mysql_connection, "LOCK_WAIT_SECONDS", 1)
        database = self.open(patience=ONCE)
        self.hold(11)
        with self.assertRaises(Contended):
            await database.sessions.end(11, None, draft(11, 0, 1, b"bye", 65))

    async def test_a_lock_that_is_let_go_in_time_is_seen_by_nobody(self):
        database = self.open(patience=ONCE)
        holder = self.hold(11)
        done = self.flush(draft(11, 1, 1), database=database)
        await deferLater(reactor, 0.3)
        holder.rollback()
        await done
        self.assertEqual(await self.stored(11), [1])

    async def test_one_that_is_let_go_late_is_waited_for_again_where_nothing_can_go_around_it(self):
        self.patch(mysql_connection, "LOCK_WAIT_SECONDS", 1)
        database = self.open(patience=RunnerSettings(timeout_ms=6_000))
        holder = self.hold(11)
        done = run(database.writer, lambda tx: flush(tx, [draft(11, 1, 1)], allow, look_up_all=True))
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
