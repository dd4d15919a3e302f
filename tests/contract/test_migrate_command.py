"""``imchat migrate`` on a real MariaDB: what an operator reads when it cannot, and with which code it ends."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat.store.sql.schema import known_revision
from tests.contract import mariadb
from tests.services import mariadb as server

COMMAND = (sys.executable, "-c", "from imchat.cli.main import main; main()")
REFUSED, USAGE = 1, 2


class MigrateCase(SynchronousTestCase):
    def setUp(self):
        self.settings = mariadb.new_database(server(), migrated=False)

    def run_with(self, *changes):
        """Run the command for this test's database, with settings changed."""
        given = self.settings
        assignments = [
            "database.host=127.0.0.1",
            f"database.port={given.port}",
            f"database.user={given.user}",
            f"database.name={given.database}",
            *changes,
        ]
        password = Path(self.mktemp())
        password.write_text(f"{self.password}\n")
        options = [f"--set={assignment}" for assignment in (*assignments, f"database.password_file={password}")]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("IMCHAT_")}
        command = [*COMMAND, "migrate", *options]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    @property
    def password(self):
        return self.settings.password

    def refused(self, *changes):
        """The one line with which the command is refused."""
        done = self.run_with(*changes)
        self.assertEqual((done.returncode, done.stdout), (REFUSED, ""), done.stderr)
        (line,) = done.stderr.splitlines()
        self.assertNotIn(self.password, line)
        return line

    def tables(self):
        return mariadb.administer(server(), f"SHOW TABLES FROM {self.settings.database}")


class DoneTests(MigrateCase):
    def test_it_says_what_it_did_and_done_again_that_nothing_was_left(self):
        for words in (f"has schema revision {known_revision()} now (before: none)", "already"):
            done = self.run_with()
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            (line,) = done.stdout.splitlines()
            self.assertIn(words, line)


class RefusedTests(MigrateCase):
    def test_nobody_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        line = self.refused(f"database.port={port}")
        self.assertIn(f"127.0.0.1:{port}", line)
        self.assertIn("start it, or change host and port", line)

    def test_no_such_database(self):
        self.assertIn("there is no database nothing_here", self.refused("database.name=nothing_here"))

    def test_a_schema_of_a_newer_program(self):
        self.run_with()
        statement = "UPDATE alembic_version SET version_num = '9999'"
        mariadb.administer(server(), statement, database=self.settings.database)
        line = self.refused()
        self.assertIn("9999", line)
        self.assertIn("upgrade imchat", line)

    def test_a_database_that_does_not_wait_for_the_disk(self):
        mariadb.set_global(self, server(), "innodb_flush_log_at_trx_commit", 2)
        line = self.refused()
        self.assertIn("innodb_flush_log_at_trx_commit is 2: set it to 1", line)
        self.assertEqual(self.tables(), ())
        self.assertEqual(self.run_with("database.allow_not_durable=true").returncode, 0)

    def test_no_database_is_configured(self):
        self.assertIn("database.host", self.refused("database.host="))

    def test_a_setting_that_does_not_exist_is_wrong_usage(self):
        done = self.run_with("database.hosts=x")
        self.assertEqual((done.returncode, done.stdout, len(done.stderr.splitlines())), (USAGE, "", 1))
        self.assertIn("database.hosts", done.stderr)


class WrongPasswordTests(MigrateCase):
    password = "not the right one"

    def test_the_user_and_what_to_change_are_named_and_the_password_is_not(self):
        line = self.refused()
        self.assertIn(f"refuses the user {self.settings.user}", line)
        self.assertIn("change user or password", line)


class RightsTests(MigrateCase):
    password = "secretly enough"

    def setUp(self):
        super().setUp()
        drop = "DROP USER IF EXISTS migrator@'127.0.0.1'"
        mariadb.administer(server(), drop, f"CREATE USER migrator@'127.0.0.1' IDENTIFIED BY '{self.password}'")
        self.addCleanup(mariadb.administer, server(), drop)

    def refused_with_rights(self, rights):
        for right in rights:
            mariadb.administer(server(), f"GRANT {right} ON {self.settings.database}.* TO migrator@'127.0.0.1'")
        line = self.refused("database.user=migrator")
        self.assertIn("the user migrator lacks rights to the database", line)
        self.assertIn("grant all on it", line)

    def test_an_account_that_may_not_use_the_database(self):
        self.refused_with_rights([])

    def test_one_that_may_read_and_write_and_not_make_tables(self):
        self.refused_with_rights(["SELECT, INSERT, UPDATE, DELETE"])
        self.assertEqual(self.tables(), ())
