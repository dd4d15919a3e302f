"""MariaDB itself: how its sessions are set up, what a flush costs, packets, health, the end."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from pymysql.constants import COMMAND
from pymysql.err import MySQLError
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from imchat.domain.errors import IMError, Unavailable
from imchat.domain.models import Invitation
from imchat.store.mysql import check, migrate
from imchat.store.sql.mysql_connection import MysqlConnection
from imchat.store.sql.mysql_dialect import MysqlDialect
from imchat.store.sql.schema import DatabaseUnusable
from imchat.testing import PrivateMariaDB
from tests.contract import mariadb
from tests.contract.stores import allow, draft
from tests.fakes.certificates import Authority
from tests.services import mariadb as server

STREAMS = range(11, 15)


class MariaDBCase(TestCase):
    def setUp(self):
        self.server = server()
        self.settings = mariadb.shared_database()
        mariadb.empty(self.settings)
        rows = ", ".join(f"({stream_id}, 0, 0, 0, 0, 0)" for stream_id in STREAMS)
        self.administer(f"INSERT INTO head VALUES {rows}")
        self.database = self.open()

    def open(self, **more):
        return mariadb.opened(self, more.pop("settings", self.settings), **more)

    def administer(self, *statements):
        return mariadb.administer(self.server, *statements, database=self.settings.database)

    def flush(self, *drafts, database=None):
        return Deferred.fromCoroutine((database or self.database).streams.flush(drafts, allow))

    async def stored(self, stream_id):
        """The numbers of a stream's events."""
        return [row[0] for row in self.administer(f"SELECT seq FROM event WHERE stream_id = {stream_id} ORDER BY seq")]

    def invite(self, code="code", database=None):
        work = (database or self.database).invitations.add(Invitation(code, 1, 100), 1)
        return Deferred.fromCoroutine(work)


class SessionTests(MariaDBCase):
    async def variables(self, runner, *names):
        query = "SELECT " + ", ".join(f"@@SESSION.{name}" for name in names)
        return await runner.run("look", lambda tx: tx.one(query))

    async def test_those_that_write_wait_and_idle_in_bounds_and_see_what_is_committed(self):
        names = ("innodb_lock_wait_timeout", "idle_transaction_timeout", "tx_isolation", "autocommit", "time_zone")
        for runner in (self.database.writer, self.database.flusher):
            found = await self.variables(runner, *names)
            self.assertEqual(found, (2, 3, "READ-COMMITTED", 0, "+00:00"))

    async def test_a_statement_is_cut_off_by_the_server_too(self):
        (seconds,) = await self.variables(self.database.reader, "max_statement_time")
        self.assertEqual(seconds, 6)

    async def test_values_that_do_not_fit_are_refused_whatever_the_servers_mode(self):
        mariadb.set_global(self, self.server, "sql_mode", "''")
        work = self.open().writer.run("test", lambda tx: tx.execute("UPDATE head SET last_seq = ?", (2**70,)))
        failed = await self.assertFailure(Deferred.fromCoroutine(work), Exception)
        self.assertNotIsInstance(failed, IMError)
        self.assertIn("Out of range", str(failed))

    async def test_readers_cannot_write(self):
        work = self.database.reader.run("test", lambda tx: tx.execute("DELETE FROM head"))
        failed = await self.assertFailure(Deferred.fromCoroutine(work), Exception)
        self.assertIn("READ ONLY", str(failed))

    async def test_rows_that_matched_are_counted_not_those_that_changed(self):
        count = await self.database.writer.run("test", lambda tx: tx.execute("UPDATE head SET last_seq = last_seq"))
        self.assertEqual(count, len(STREAMS))

    async def test_events_have_the_databases_time_whatever_its_zone(self):
        mariadb.set_global(self, self.server, "time_zone", "'+05:30'")
        database = self.open()
        query = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"
        ((before,),) = self.administer(query)
        [outcome] = (await self.flush(draft(11, 1, 1), database=database)).outcomes
        ((after,),) = self.administer(query)
        self.assertTrue(before <= outcome.event.created_ms <= after, (before, outcome.event.created_ms, after))

    async def test_no_text_goes_where_several_statements_do(self):
        work = self.database.flusher.run("test", lambda tx: tx.query("SELECT ?", ("'; DROP TABLE head; --",)))
        await self.assertFailure(Deferred.fromCoroutine(work), TypeError)

    async def test_one_statement_at_a_time_elsewhere(self):
        database = self.open(dialect=MysqlDialect())
        for runner in (database.writer, database.reader):
            work = runner.run("test", lambda tx: tx.query("SELECT 1; SELECT 2"))
            await self.assertFailure(Deferred.fromCoroutine(work), MySQLError)


class PacketTests(MariaDBCase):
    def setUp(self):
        super().setUp()
        self.sent = []
        execute = MysqlConnection._execute_command

        def recording(connection, command, sql):
            if command == COMMAND.COM_QUERY:
                self.sent.append(sql if isinstance(sql, str) else sql.decode())
            return execute(connection, command, sql)

        self.patch(MysqlConnection, "_execute_command", recording)

    async def test_a_flush_is_two_packets_the_last_with_its_commit(self):
        await self.flush(draft(11, 1, 0))
        del self.sent[:]
        await self.flush(*(draft(stream_id, 1, n) for n in range(1, 40) for stream_id in STREAMS))
        self.assertEqual(len(self.sent), 2)
        self.assertTrue(self.sent[1].endswith(";COMMIT"))
        self.assertEqual(await self.stored(11), list(range(1, 41)))

    async def test_migrations_sessions_and_a_flush_fit_mysql_8(self):
        settings = mariadb.new_database(self.server)
        check(settings)
        await self.flush(draft(11, 1, 1), database=self.open(settings=settings))
        where_they_exist = ("SET SESSION idle_transaction_timeout", "SET SESSION max_statement_time")
        # SQLAlchemy speaks to each server in its own way, here with MariaDB's RETURNING.
        by_sqlalchemy = ("SHOW", "DESCRIBE", "INSERT INTO alembic_version")
        ours = [text.strip() for text in self.sent if not text.startswith((*where_they_exist, *by_sqlalchemy))]
        self.assertTrue([text for text in ours if text.startswith("CREATE TABLE IF NOT EXISTS event")])
        self.assertTrue([text for text in ours if "UNIX_TIMESTAMP(NOW(3))" in text])
        for statement in ";".join(ours).split(";"):
            mariadb.fits_mysql_8(statement)

    async def test_a_look_is_one_packet(self):
        database = self.open(settings=replace(self.settings, readers=1))
        await database.streams.heads([11])
        del self.sent[:]
        await database.streams.heads([11])
        self.assertEqual(len(self.sent), 1)

    async def test_packets_stay_below_half_of_what_the_server_takes(self):
        mariadb.set_global(self, self.server, "max_allowed_packet", 65_536)
        database = self.open()
        drafts = [draft(11, 1, n, b"x" * 1_000) for n in range(200)]
        await self.flush(*drafts, database=database)
        self.assertEqual(await self.stored(11), list(range(1, 201)))
        self.assertLessEqual(max(map(len, self.sent)), 32_768)

    async def test_an_event_longer_than_the_longest_packet_fails_alone(self):
        mariadb.set_global(self, self.server, "max_allowed_packet", 65_536)
        database = self.open()
        large = draft(11, 1, "large", b"x" * 3_000_000)
        failed = await self.assertFailure(self.flush(draft(11, 1, 1), large, database=database), Exception)
        self.assertNotIsInstance(failed, IMError)
        self.assertEqual(await self.stored(11), [])
        await self.flush(draft(11, 1, 1), database=database)
        self.assertEqual(await self.stored(11), [1])


class HealthTests(MariaDBCase):
    def ping(self):
        return Deferred.fromCoroutine(self.database.health.ping())

    async def test_a_server_that_became_read_only_is_noticed_and_its_end_too(self):
        mariadb.administer(
            self.server,
            "CREATE USER IF NOT EXISTS plain@'127.0.0.1' IDENTIFIED BY 'plain'",
            f"GRANT ALL ON {self.settings.database}.* TO plain@'127.0.0.1'",
        )
        changes = {"database": self.settings.database, "user": "plain", "password": "plain"}
        self.database = self.open(settings=mariadb.settings_of(self.server, **changes))
        await self.flush(draft(11, 1, 1))
        mariadb.set_global(self, self.server, "read_only", 1)
        failed = await self.assertFailure(self.flush(draft(11, 1, 2)), Unavailable)
        self.assertIn("read-only", str(failed))
        self.assertIn(11, await self.database.streams.heads([11]))
        await self.assertFailure(self.ping(), Unavailable)
        mariadb.administer(self.server, "SET GLOBAL read_only = 0")
        await self.ping()
        await self.flush(draft(11, 1, 2))
        self.assertEqual(await self.stored(11), [1, 2])

    async def test_one_that_serves(self):
        await self.ping()

    async def test_one_that_is_closed(self):
        await self.database.close()
        await self.assertFailure(self.ping(), Unavailable)


class CloseTests(MariaDBCase):
    async def test_closing_while_it_works_loses_nothing_and_leaves_no_connection(self):
        calls = [self.invite(f"{n}") for n in range(20)]
        await self.database.close()
        await gatherResults(calls)
        self.assertEqual(self.administer("SELECT count(*) FROM invitation"), ((20,),))
        self.assertEqual(mariadb.kill_connections(self.server, self.settings), 0)


class ReachingTests(TestCase):
    """Ways to the server other than plain TCP."""

    def directory(self):
        # Short: a socket's path has little room.
        path = Path(tempfile.mkdtemp(prefix="imchat-test-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    async def test_by_a_unix_socket(self):
        settings = mariadb.settings_of(
            server(), host="no.such.host.invalid", socket=server().directory / "mariadb.sock"
        )
        migrate(settings)
        self.assertEqual(check(settings), ())
        await mariadb.opened(self, settings).health.ping()

    async def test_encrypted_with_a_server_that_proves_its_name(self):
        directory = self.directory()
        authority = Authority()
        (directory / "ca.pem").write_bytes(authority.pem)
        (directory / "other.pem").write_bytes(Authority("Another").pem)
        (directory / "server.pem").write_bytes(authority.issue("localhost"))
        private = PrivateMariaDB(reactor, directory)
        private.command += [f"--ssl-cert={directory / 'server.pem'}", f"--ssl-key={directory / 'server.pem'}"]
        await private.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(private.kill()))
        good = mariadb.settings_of(private, host="localhost", ca_file=directory / "ca.pem")
        migrate(good)
        database = mariadb.opened(self, good)
        cipher = await database.reader.run("look", lambda tx: tx.one("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))
        self.assertNotEqual(cipher[1], "")
        for changes in ({"ca_file": directory / "other.pem"}, {"host": "127.0.0.1"}):
            bad = mariadb.settings_of(private, **{"host": "localhost", "ca_file": directory / "ca.pem", **changes})
            self.assertIn("certificate", str(self.assertRaises(DatabaseUnusable, check, bad)))
        missing = mariadb.settings_of(private, ca_file=directory / "missing.pem")
        self.assertIn("missing.pem: No such file", str(self.assertRaises(DatabaseUnusable, check, missing)))
