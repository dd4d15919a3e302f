"""The simulated server's transactions and row locks are those of MariaDB."""

from functools import partial

from pymysql.err import MySQLError
from twisted.internet.defer import gatherResults
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Contended
from imchat.store.sql import bulk
from imchat.store.sql.dialect import Fault
from imchat.store.sql.mysql_dialect import classify
from imchat.store.sql.transaction import DuplicateKey
from tests.contract.stores import draft
from tests.simulation.database import faults
from tests.simulation.database.locks import Locks
from tests.simulation.database.rig import ADD, LOCK, ONCE, DatabaseCase


class Transaction:
    def __init__(self):
        self.locks = []
        self.waits_for = None


class QueueTests(SynchronousTestCase):
    def test_those_who_wait_get_the_lock_in_the_order_in_which_they_came(self):
        locks, key = Locks(), ("head", 11)
        first, second, third, fourth = (Transaction() for _ in range(4))
        self.assertTrue(locks.take(first, key))
        for waiting in (second, third):
            self.assertFalse(locks.take(waiting, key))
            locks.wait(waiting, key)
        self.assertEqual(locks.release(first), [second])
        self.assertIs(locks.owner(key), second)
        self.assertFalse(locks.take(fourth, key))
        locks.leave(third)
        self.assertFalse(locks.awaited(second))
        self.assertEqual(locks.release(second), [])
        self.assertFalse(locks.has(key))


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
        self.fails(self.start(impatient.writer.run("test", lambda tx: tx.query(LOCK, (11,)))), Contended)
        self.assertEqual(round(self.clock.seconds() - begun, 1), 2)

    def test_a_lock_that_is_let_go_in_time_is_seen_by_nobody(self):
        holding = self.hold(1.5, (LOCK, (11,)))
        self.assertEqual(self.seqs(self.wait(self.flush(self.two, draft(11, 1, 1)))), [(1, False)])
        self.assertTrue(holding.called)

    def test_rows_that_another_has_locked_are_left_out_where_that_is_asked_for(self):
        self.hold(1, (LOCK, (11,)))
        query = "SELECT stream_id FROM head WHERE stream_id IN (?, ?) ORDER BY stream_id FOR UPDATE SKIP LOCKED"
        begun = self.clock.seconds()
        found = self.finish(self.two.writer.run("test", lambda tx: tx.query(query, (11, 12))))
        self.assertEqual([row[0] for row in found], [12])
        self.assertLess(self.clock.seconds() - begun, 0.5)

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
        self.crash("one")
        self.wait(taking)
        self.assertEqual(len(self.server.inspect()["invitation"]), 1)

    def test_the_victim_of_a_deadlock_has_nothing_left_of_its_transaction(self):
        self.server.plan = lambda point, *_: faults.delayed(0.01) if point == "locked" else None

        def work(tx, first, second, amount):
            tx.execute(ADD, (amount, first))
            tx.query(LOCK, (first,))
            try:
                tx.query(LOCK, (second,))
            except MySQLError:
                tx.execute(ADD, (100, 13))

        calls = [
            self.start(node.writer.run("test", partial(work, first=a, second=b, amount=1)))
            for node, a, b in ((self.one, 11, 12), (self.two, 12, 11))
        ]
        self.wait(gatherResults(calls))
        self.assertEqual((self.hits("deadlock"), self.head(13)["last_seq"]), (1, 100))
        self.assertEqual(self.head(11)["last_seq"] + self.head(12)["last_seq"], 1)

    def test_a_taken_key_undoes_all_rows_of_its_statement(self):
        self.wait(self.flush(self.one, draft(11, 1, 1)))

        def work(tx):
            rows = [(11, seq, 1, bytes(16), 1, b"", b"", seq, 0, 0) for seq in (3, 2, 1)]
            tx.execute(ADD, (1, 12))
            try:
                tx.run(next(bulk.insert_events(rows, 10_000)))
            except MySQLError as error:
                self.assertEqual(classify(error), Fault.DUPLICATE)

        self.finish(self.one.writer.run("test", work))
        self.assertEqual((self.stored(), self.head(12)["last_seq"]), ([1], 1))

    def test_a_taken_key_undoes_its_statement_alone(self):
        """The reason why the flush rolls back: to commit the rest would leave a hole."""

        def work(tx):
            tx.execute(ADD, (1, 11))
            try:
                tx.execute("INSERT INTO head VALUES (12, 0, 0, 0, 0, 0)")
            except MySQLError as error:
                self.assertEqual(classify(error), Fault.DUPLICATE)

        self.finish(self.one.writer.run("test", work))
        self.assertEqual(self.head()["last_seq"], 1)
