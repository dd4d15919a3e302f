"""MySQL's errors by number, and statements that go together."""

from pymysql import err
from twisted.trial.unittest import SynchronousTestCase

from imchat.store.sql.dialect import Fault
from imchat.store.sql.mysql_checks import _too_old
from imchat.store.sql.mysql_dialect import MysqlDialect, classify
from imchat.store.sql.mysql_pool import packets


class ClassifyTests(SynchronousTestCase):
    def check(self, fault, *numbers, error=err.OperationalError):
        self.assertEqual({number: classify(error(number, "text")) for number in numbers}, dict.fromkeys(numbers, fault))

    def test_what_others_hold_locked(self):
        self.check(Fault.CONTENDED, 1020, 1205, 1213)

    def test_a_taken_key(self):
        self.check(Fault.DUPLICATE, 1062, error=err.IntegrityError)

    def test_a_connection_that_died(self):
        self.check(Fault.LOST, 2006, 2013, 1053, 1927, 4031)
        self.assertEqual(classify(err.InterfaceError(0, "")), Fault.LOST)
        self.assertEqual(classify(err.InternalError("Packet sequence number wrong - got 3 expected 1")), Fault.LOST)

    def test_a_server_that_is_not_there_or_takes_no_more(self):
        self.check(Fault.AWAY, 2002, 2003, 1040, 1203)

    def test_a_server_that_cannot_write(self):
        self.check(Fault.READ_ONLY, 1290, 1836)
        self.check(Fault.FULL, 1021, 1114)
        full = err.OperationalError(1030, 'Got error 28 "No space left on device" from storage engine InnoDB')
        self.assertEqual(classify(full), Fault.FULL)
        self.check(Fault.BROKEN, 1030, 1026)

    def test_what_the_operator_has_to_mend(self):
        self.check(Fault.BROKEN, 1044, 1045, 1049)
        self.check(Fault.BROKEN, 1146, error=err.ProgrammingError)

    def test_an_unknown_trouble_of_the_server_is_an_outage_and_no_fault_of_a_message(self):
        self.check(Fault.BROKEN, 4999)
        self.check(Fault.BROKEN, 999, error=err.InternalError)

    def test_faults_of_one_statement(self):
        self.check(Fault.NONE, 1406, error=err.DataError)
        self.check(Fault.NONE, 1048, error=err.IntegrityError)
        self.check(Fault.NONE, 1064, error=err.ProgrammingError)
        self.check(Fault.NONE, 1153)
        self.assertEqual(classify(ValueError("text")), Fault.NONE)


class StatementTests(SynchronousTestCase):
    def test_placeholders_are_the_drivers_and_percent_signs_are_kept(self):
        self.assertEqual(
            MysqlDialect().statement("SELECT a % 2 FROM t WHERE b = ?"), "SELECT a %% 2 FROM t WHERE b = %s"
        )

    def test_packets_keep_the_order_and_the_length(self):
        statements = ["a" * 10, "b" * 10, "c" * 30, "d" * 3, "e" * 3]
        self.assertEqual(list(packets(statements, 1_000)), [";".join(statements)])
        self.assertEqual(list(packets(statements, 21)), ["a" * 10 + ";" + "b" * 10, "c" * 30, "ddd;eee"])
        self.assertEqual(list(packets([], 5)), [])

    def test_servers_that_are_too_old(self):
        for version in ("10.11.19-MariaDB-0+deb12u1", "11.4.2-MariaDB", "8.0.36", "9.1.0", "5.5.5-10.6.1-MariaDB-log"):
            self.assertIsNone(_too_old(version), version)
        for version in ("10.5.20-MariaDB", "5.7.44-log", "8.0.18", "5.5.5-10.3.1-MariaDB", "unknown"):
            self.assertIn("or newer", _too_old(version), version)
