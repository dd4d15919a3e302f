"""The embedded database itself: its file, its migrations, its faults, its end."""

import os
import sqlite3
import stat
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imchat.domain.errors import Unavailable
from imchat.domain.models import Invitation
from imchat.store.sql.dialect import Fault
from imchat.store.sql.runner import RunnerSettings
from imchat.store.sql.schema import DatabaseUnusable, SchemaTooNew, known_revision
from imchat.store.sql.sqlite_dialect import NotDurable, SqliteDialect
from imchat.store.sqlite import make_durable, migrate, open_database

IMPATIENT = RunnerSettings(timeout_ms=4_000, tries=2, backoff_ms=1)


def connect(path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def schema_of(path):
    connection = connect(path)
    try:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    finally:
        connection.close()


class InDirectory:
    def new_path(self) -> Path:
        directory = Path(self.mktemp())
        directory.mkdir()
        return directory / "imchat.db"

    def change(self, path, *statements):
        connection = connect(path)
        for statement in statements:
            connection.execute(statement)
        connection.close()


class MigrationTests(InDirectory, SynchronousTestCase):
    def test_from_nothing_the_file_is_its_owners_alone(self):
        path = self.new_path()
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        migrate(path)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertIn("event", dict(schema_of(path)))

    def test_a_file_that_others_could_read_is_closed_to_them(self):
        path = self.new_path()
        path.touch(0o644)
        path.chmod(0o644)
        migrate(path)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_again_changes_nothing(self):
        path = self.new_path()
        migrate(path)
        before = schema_of(path)
        migrate(path)
        self.assertEqual(schema_of(path), before)

    def test_a_failed_migration_leaves_nothing_of_itself(self):
        path = self.new_path()
        self.change(path, "CREATE TABLE period (x)")
        error = self.assertRaises(DatabaseUnusable, migrate, path)
        self.assertIn("period", str(error))
        self.assertEqual([name for name, _ in schema_of(path)], ["period"])

    def test_a_revision_that_this_program_does_not_know(self):
        path = self.new_path()
        migrate(path)
        self.change(path, "UPDATE alembic_version SET version_num = '9999'")
        error = self.assertRaises(SchemaTooNew, migrate, path)
        self.assertIn("9999", str(error))
        self.assertIn(known_revision(), str(error))
        self.assertNotIn("\n", str(error))

    def test_a_newer_revision_that_still_serves_this_program(self):
        path = self.new_path()
        migrate(path)
        self.change(
            path,
            "UPDATE alembic_version SET version_num = '9999'",
            "INSERT INTO schema_revision VALUES (CAST('9999' AS BLOB), CAST('0001' AS BLOB))",
        )
        migrate(path)
        self.change(path, "UPDATE schema_revision SET serves_from = CAST('9998' AS BLOB)")
        self.assertRaises(SchemaTooNew, migrate, path)

    def test_what_is_no_database_is_one_line(self):
        path = self.new_path()
        path.write_bytes(b"no database at all " * 100)
        error = self.assertRaises(DatabaseUnusable, migrate, path)
        self.assertEqual(str(error), f"{path}: file is not a database")

    def test_a_missing_directory_is_one_line(self):
        path = self.new_path().parent / "missing" / "imchat.db"
        self.assertEqual(str(self.assertRaises(DatabaseUnusable, migrate, path)), f"{path}: No such file or directory")

    def test_a_name_with_signs_that_mean_something_in_addresses(self):
        path = self.new_path().parent / "a%20b?mode=memory#c.db"
        migrate(path)
        self.assertGreater(path.stat().st_size, 0)

    def test_a_database_that_cannot_be_durable_is_refused(self):
        connection = connect(":memory:")
        self.addCleanup(connection.close)
        self.assertRaises(NotDurable, make_durable, connection)


class ClassifyTests(InDirectory, SynchronousTestCase):
    """The driver's own errors, made for real."""

    def fault(self, *statements, connection=None):
        connection = connection or connect(":memory:")
        self.addCleanup(connection.close)
        try:
            for statement in statements:
                connection.execute(statement)
        except sqlite3.Error as error:
            return SqliteDialect(lambda: 0).classify(error)
        raise AssertionError("nothing failed")

    def test_a_lock_of_another_program(self):
        path = self.new_path()
        holder = connect(path)
        self.addCleanup(holder.close)
        holder.execute("BEGIN IMMEDIATE")
        other = sqlite3.connect(path, isolation_level=None, timeout=0)
        self.assertEqual(self.fault("BEGIN IMMEDIATE", connection=other), Fault.BUSY)

    def test_a_full_database(self):
        fault = self.fault("CREATE TABLE t (x)", "PRAGMA max_page_count = 2", "INSERT INTO t VALUES (zeroblob(100000))")
        self.assertEqual(fault, Fault.FULL)

    def test_a_database_opened_for_reading(self):
        path = self.new_path()
        self.change(path, "CREATE TABLE t (x)")
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        self.assertEqual(self.fault("INSERT INTO t VALUES (1)", connection=connection), Fault.READ_ONLY)

    def test_unique_keys(self):
        for kind in ("PRIMARY KEY", "UNIQUE"):
            table = f"CREATE TABLE t (x INTEGER NOT NULL {kind}, y NOT NULL)"
            self.assertEqual(self.fault(table, *["INSERT INTO t VALUES (1, 1)"] * 2), Fault.DUPLICATE)

    def test_faults_that_are_ours(self):
        self.assertEqual(self.fault("SELECT nothing FROM nowhere"), Fault.NONE)
        self.assertEqual(self.fault("CREATE TABLE t (x NOT NULL)", "INSERT INTO t VALUES (NULL)"), Fault.NONE)
        self.assertEqual(SqliteDialect(lambda: 0).classify(ValueError()), Fault.NONE)

    def test_a_damaged_file(self):
        path = self.new_path()
        path.write_bytes(b"x" * 5_000)
        self.assertEqual(self.fault("SELECT * FROM sqlite_master", connection=connect(path)), Fault.BROKEN)

    def test_what_is_tried_again(self):
        retried = {Fault.BUSY, Fault.CONTENDED, Fault.LOST, Fault.AWAY}
        self.assertEqual({fault for fault in Fault if fault.retried}, retried)


class OpenedTests(InDirectory, TestCase):
    async def setUp(self):
        self.path = self.new_path()
        migrate(self.path)
        self.database = self.open()

    def open(self, path=None):
        database = open_database(path or self.path, reactor, lambda: 5, 1_000, IMPATIENT)
        self.addCleanup(database.close)
        return database

    async def pragma(self, name):
        return (await self.database.writer.run("look", lambda tx: tx.one(f"PRAGMA {name}")))[0]

    def invite(self, code="code"):
        return Deferred.fromCoroutine(self.database.invitations.add(Invitation(code, 1, 100), 1))

    async def test_the_writer_waits_for_the_disk(self):
        self.assertEqual((await self.pragma("journal_mode"), await self.pragma("synchronous")), ("wal", 2))

    async def test_readers_cannot_write(self):
        work = self.database.reader.run("test", lambda tx: tx.execute("DELETE FROM account"))
        failed = await self.assertFailure(Deferred.fromCoroutine(work), Unavailable)
        self.assertIn("read-only", str(failed))

    async def test_readers_do_not_wait_for_the_writer(self):
        def work(tx):
            tx.execute("DELETE FROM account")
            other = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
            try:
                return other.execute("SELECT count(*) FROM invitation").fetchone()
            finally:
                other.close()

        self.assertEqual(await self.database.writer.run("test", work), (0,))

    async def test_what_was_stored_is_found_by_the_next_opening(self):
        await self.invite()
        await self.database.close()
        self.database = self.open()
        self.assertTrue(await self.database.invitations.usable("code", 5))

    async def test_the_files_beside_it_are_the_owners_alone(self):
        await self.invite()
        modes = {stat.S_IMODE(file.stat().st_mode) for file in self.path.parent.iterdir()}
        self.assertEqual(modes, {0o600})

    async def test_health(self):
        await self.database.health.ping()
        await self.database.close()
        await self.assertFailure(Deferred.fromCoroutine(self.database.health.ping()), Unavailable)

    async def test_health_after_an_outage_tells_whether_writing_works_again(self):
        await self.database.writer.run("arrange", lambda tx: tx.query("PRAGMA query_only = 1"))
        await self.assertFailure(self.invite(), Unavailable)
        await self.assertFailure(Deferred.fromCoroutine(self.database.health.ping()), Unavailable)
        # Past the runner, whose transactions cannot even begin.
        await self.database.writer._pool.runWithConnection(
            lambda connection: connection.execute("PRAGMA query_only = 0")
        )
        await self.database.health.ping()

    async def test_a_full_disk_is_unavailable_until_there_is_room(self):
        pages = await self.pragma("page_count")
        await self.pragma(f"max_page_count = {pages}")
        failed = await self.assertFailure(
            gatherResults([self.invite(f"{n}" * 60) for n in range(300)], consumeErrors=True).addErrback(
                lambda failure: failure.value.subFailure
            ),
            Unavailable,
        )
        self.assertGreater(failed.retry_after_ms, 0)
        self.assertIn("no space", str(failed))
        await self.pragma("max_page_count = 100000")
        await self.invite("later")
        self.assertTrue(await self.database.invitations.usable("later", 5))

    async def test_a_program_that_holds_the_lock_makes_unavailable_not_a_hang(self):
        holder = connect(self.path)
        self.addCleanup(holder.close)
        holder.execute("BEGIN IMMEDIATE")
        await self.assertFailure(self.invite(), Unavailable)
        holder.execute("ROLLBACK")
        await self.invite()

    async def test_a_database_that_is_away_is_unavailable(self):
        database = self.open(self.path.parent / "missing.db")
        await self.assertFailure(Deferred.fromCoroutine(database.health.ping()), Unavailable)

    async def test_closing_while_it_works_loses_nothing(self):
        calls = [self.invite(f"{n}") for n in range(20)]
        await self.database.close()
        await gatherResults(calls)
        self.database = self.open()
        self.assertEqual(
            await self.database.writer.run("look", lambda tx: len(tx.query("SELECT 1 FROM invitation"))), 20
        )
