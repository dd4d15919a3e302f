"""An upgrade over two releases, node by node: who may use the schema at each step, by real migrations on MariaDB."""

import shutil
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat.store.mysql import check, migrate
from imchat.store.sql import schema
from imchat.store.sql.schema import Migrated, SchemaTooNew, SchemaTooOld
from tests.contract import mariadb
from tests.services import mariadb as server

MIGRATION = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None


def upgrade():
    op.execute("{change}")
    op.execute("INSERT INTO schema_revision VALUES ('{revision}', '{serves_from}')")
"""
NOW = schema.known_revision()
EXPANDED, CONTRACTED = (f"{int(NOW) + step:04}" for step in (1, 2))
EXPAND = {"change": "ALTER TABLE account ADD COLUMN motto VARBINARY(10) NULL", "serves_from": NOW}
CONTRACT = {"change": "ALTER TABLE account DROP COLUMN platform_of_old", "serves_from": EXPANDED}


class UpgradeTests(SynchronousTestCase):
    """Releases are folders of migrations; a program of a release is this one with that folder."""

    def setUp(self):
        self.settings = mariadb.new_database(server())
        self.administer("ALTER TABLE account ADD COLUMN platform_of_old INT NULL")
        expanding = self.release(schema._MIGRATIONS, revision=EXPANDED, before=NOW, **EXPAND)
        contracting = self.release(expanding, revision=CONTRACTED, before=EXPANDED, **CONTRACT)
        self.releases = {"old": schema._MIGRATIONS, "expanding": expanding, "contracting": contracting}

    def administer(self, statement):
        mariadb.administer(server(), statement, database=self.settings.database)

    def release(self, before_it, **migration):
        folder = Path(self.mktemp()) / "migrations"
        shutil.copytree(before_it, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / f"r{migration['revision']}.py").write_text(MIGRATION.format(**migration))
        return folder

    def program(self, release):
        self.patch(schema, "_MIGRATIONS", self.releases[release])

    def may_start(self, **releases):
        """Check which programs may use the database as it is; a value is None or the error that refuses one."""
        for release, refusal in releases.items():
            self.program(release)
            if refusal is None:
                self.assertEqual(check(self.settings), (), release)
            else:
                self.assertRaises(refusal, check, self.settings)

    def migrated_by(self, release):
        self.program(release)
        return migrate(self.settings)

    def test_expand_first_and_contract_a_release_later(self):
        self.may_start(old=None, expanding=SchemaTooOld, contracting=SchemaTooOld)
        self.assertEqual(self.migrated_by("expanding"), Migrated(NOW, EXPANDED))
        self.may_start(old=None, expanding=None, contracting=SchemaTooOld)
        self.assertEqual(self.migrated_by("contracting"), Migrated(EXPANDED, CONTRACTED))
        self.may_start(old=SchemaTooNew, expanding=None, contracting=None)

    def test_an_older_program_migrates_nothing_and_one_that_is_excluded_says_so(self):
        self.migrated_by("expanding")
        self.assertEqual(self.migrated_by("old"), Migrated(EXPANDED, EXPANDED))
        self.migrated_by("contracting")
        self.program("old")
        line = str(self.assertRaises(SchemaTooNew, migrate, self.settings))
        self.assertIn(CONTRACTED, line)
        self.assertIn("upgrade imchat", line)

    def test_two_releases_at_once(self):
        self.assertEqual(self.migrated_by("contracting"), Migrated(NOW, CONTRACTED))
        self.may_start(old=SchemaTooNew, expanding=None, contracting=None)
