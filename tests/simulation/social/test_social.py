"""Scripted people as part of all tests: a few seeds on both databases, and each planted fault comes to light."""

from __future__ import annotations

import re
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.social.planted import PLANTED, SEEDS, Planted, find
from tests.simulation.social.run import run_social
from tests.simulation.social.world import social_conditions


class AgreementTests(SynchronousTestCase):
    def look(self, seed: int, faults: int = 0) -> None:
        verdict = run_social(seed, given=social_conditions(seed, faults))
        self.assertEqual(verdict.violations, [])
        self.assertGreater(verdict.sizes["acknowledged"], 50)
        for deed in ("requested", "answered", "said", "edited", "recalled", "reacted", "read", "blocked", "unblocked"):
            self.assertGreater(verdict.hits[deed], 0, deed)

    def test_every_device_shows_what_is_stored_with_the_stand_in_for_mariadb(self):
        self.look(1)

    def test_every_device_shows_what_is_stored_with_sqlite(self):
        self.look(2)

    def test_with_the_stand_in_while_things_go_wrong(self):
        self.look(3, faults=8)

    def test_with_sqlite_while_things_go_wrong(self):
        self.look(4, faults=8)

    def test_a_seed_runs_the_same_way_every_time(self):
        self.assertEqual(run_social(5).trace, run_social(5).trace)


class FoundTests(SynchronousTestCase):
    """One test for each planted fault."""

    def find(self, planted: Planted) -> None:
        found = find(planted)
        # What a broken program logs is no error of this test.
        self.flushLoggedErrors()
        self.assertIsNotNone(found, f"no {' or '.join(planted.codes)} in {SEEDS} seeds")


def _finding(planted: Planted) -> Callable[[FoundTests], None]:
    return lambda self: self.find(planted)


for _planted in PLANTED:
    _name = re.sub(r"(?<!^)(?=[A-Z])", "_", _planted.world.__name__).lower()
    setattr(FoundTests, f"test_{_name}", _finding(_planted))
