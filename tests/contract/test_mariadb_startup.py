"""What is found out before a server starts, and migrations."""

import shutil
import socket
import tempfile
from dataclasses import replace
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imchat.store import mysql
from imchat.store.migrating import migrate
from imchat.store.mysql import check
from imchat.store.sql.schema import DatabaseUnusable, Migrated, SchemaTooNew, SchemaTooOld, known_revision
from imchat.testing import PrivateMariaDB
from tests.contract import mariadb
from tests.services import mariadb as server


class RefusalTests(SynchronousTestCase):
    def setUp(self):
        self.settings = mariadb.shared_database()

    def refused(self, kind=DatabaseUnusable, settings=None, **changes):
        settings = replace(settings or self.settings, **changes)
        line = str(self.assertRaises(kind, check, settings))
        self.assertNotIn("\n", line)
        self.assertNotIn(settings.password or "\n", line)
        return line

    def test_a_database_as_it_should_be(self):
        self.assertEqual(check(self.settings), ())

    def test_nobody_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        self.assertEqual(
            self.refused(port=port),
            f"cannot reach a database server at 127.0.0.1:{port} (Connection refused): "
            "start it, or change host and port",
        )

    def test_what_listens_is_no_database(self):
        self.patch(mysql, "CHECK_TIMEOUT_MS", 100)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.assertIn("does not answer as a database server", self.refused(port=silent.getsockname()[1]))

    def test_an_unknown_host(self):
        self.assertIn(
            "cannot reach a database server at no.such.host.invalid", self.refused(host="no.such.host.invalid")
        )

    def test_a_wrong_password(self):
        line = self.refused(password="my secret")
        self.assertIn("refuses the user imchat", line)
        self.assertIn("change user or password", line)

    def test_a_missing_database(self):
        line = self.refused(database="nothing_here")
        self.assertIn("there is no database nothing_here at 127.0.0.1", line)

    def test_an_account_without_rights(self):
        mariadb.administer(server(), "CREATE USER IF NOT EXISTS guest@'127.0.0.1' IDENTIFIED BY 'secretly'")
        self.assertIn("lacks rights to the database", self.refused(user="guest", password="secretly"))

    def test_packets_too_small_for_a_message(self):
        mariadb.set_global(self, server(), "max_allowed_packet", 1_048_576)
        self.assertIn("max_allowed_packet is 1048576: set it to 4194304 or more", self.refused())

    def test_a_server_that_does_not_wait_for_the_disk(self):
        for level in (0, 2):
            mariadb.set_global(self, server(), "innodb_flush_log_at_trx_commit", level)
            line = self.refused()
            self.assertIn(f"innodb_flush_log_at_trx_commit is {level}: set it to 1, or set allow_not_durable", line)
            (warning,) = check(replace(self.settings, allow_not_durable=True))
            self.assertIn("may lose acknowledged messages", warning)

    def test_no_password_in_the_settings_text(self):
        self.assertNotIn(self.settings.password, repr(self.settings))

    # --- the schema

    def change(self, settings, *statements):
        mariadb.administer(server(), *statements, database=settings.database)

    def test_a_schema_that_was_not_migrated(self):
        settings = mariadb.new_database(server(), migrated=False)
        self.assertIn("no schema, but this program needs", self.refused(SchemaTooOld, settings))
        self.assertIn("run imchat migrate", self.refused(SchemaTooOld, settings))

    def test_a_revision_that_this_program_does_not_know(self):
        settings = mariadb.new_database(server())
        self.change(settings, "UPDATE alembic_version SET version_num = '9999'")
        line = self.refused(SchemaTooNew, settings)
        self.assertIn("9999", line)
        self.assertRaises(SchemaTooNew, migrate, settings)

    def test_a_newer_revision_that_still_serves_this_program(self):
        settings = mariadb.new_database(server())
        self.change(settings, "UPDATE alembic_version SET version_num = '9999'")
        self.change(settings, "INSERT INTO schema_revision VALUES ('9999', '0001')")
        self.assertEqual(check(settings), ())
        self.assertEqual(migrate(settings), Migrated("9999", "9999"))
        # The same revision, but it says that it serves newer programs alone.
        self.change(settings, "UPDATE schema_revision SET serves_from = '9998' WHERE revision = '9999'")
        self.refused(SchemaTooNew, settings)


class MigrationTests(TestCase):
    def tables(self, settings):
        query = f"SELECT table_name, engine FROM information_schema.tables WHERE table_schema = '{settings.database}'"
        return dict(mariadb.administer(server(), query))

    async def test_two_at_once_do_not_collide(self):
        settings = mariadb.new_database(server(), migrated=False)
        done = await gatherResults([deferToThread(migrate, settings) for _ in range(4)])
        head = known_revision()
        self.assertEqual(
            sorted(done, key=lambda one: one.before or ""), [Migrated(None, head)] + [Migrated(head, head)] * 3
        )

    async def test_one_that_does_not_end_is_said(self):
        settings = mariadb.new_database(server(), migrated=False)
        self.patch(mysql, "MIGRATION_LOCK_SECONDS", 0)
        holder = mariadb.administrator(server())
        self.addCleanup(holder.close)
        holder.query(f"SELECT GET_LOCK('imchat migrate {settings.database}', 0)")
        line = str(self.assertRaises(DatabaseUnusable, migrate, settings))
        self.assertIn("another migration", line)
        self.assertEqual(self.tables(settings), {})

    async def test_one_that_was_interrupted_is_taken_up_again(self):
        settings = mariadb.new_database(server())
        whole = self.tables(settings)
        mariadb.administer(
            server(),
            "DELETE FROM alembic_version",
            "DELETE FROM schema_revision",
            "DROP TABLE period",
            "DROP TABLE event",
            "DROP INDEX member_user ON member",
            database=settings.database,
        )
        self.assertEqual(migrate(settings), Migrated(None, known_revision()))
        self.assertEqual(self.tables(settings), whole)
        keys = mariadb.administer(server(), "SHOW INDEX FROM member", database=settings.database)
        self.assertIn("member_user", {row[2] for row in keys})
        self.assertEqual(check(settings), ())

    async def test_every_table_is_transactional(self):
        self.assertEqual(set(self.tables(mariadb.shared_database()).values()), {"InnoDB"})

    async def test_the_embedded_database_goes_the_same_way(self):
        path = Path(self.mktemp())
        self.assertEqual(migrate(path), Migrated(None, known_revision()))
        self.assertEqual(migrate(path), Migrated(known_revision(), known_revision()))


class BinaryLogTests(TestCase):
    async def test_a_binary_log_that_is_not_synchronised_is_refused(self):
        directory = Path(tempfile.mkdtemp(prefix="imchat-test-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        private = PrivateMariaDB(reactor, directory)
        private.command += ["--log-bin", "--server-id=1", "--sync-binlog=0"]
        await private.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(private.kill()))
        settings = mariadb.settings_of(private)
        for refusing in (migrate, check):
            self.assertIn("sync_binlog is 0", str(self.assertRaises(DatabaseUnusable, refusing, settings)))
        mariadb.administer(private, "SET GLOBAL sync_binlog = 1")
        migrate(settings)
        self.assertEqual(check(settings), ())
        # Groups of more than one commit are lost alike.
        mariadb.administer(private, "SET GLOBAL sync_binlog = 100", "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
        line = str(self.assertRaises(DatabaseUnusable, check, settings))
        self.assertIn("innodb_flush_log_at_trx_commit is 0 and sync_binlog is 100", line)
        (warning,) = check(replace(settings, allow_not_durable=True))
        self.assertIn("sync_binlog is 100", warning)
