"""Scripted people as part of all tests: a few seeds of each kind of cluster, and each planted fault comes to light."""

from __future__ import annotations

import re
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.run import Verdict
from tests.simulation.social.planted import PLANTED, SEEDS, Planted, find
from tests.simulation.social.run import run_social
from tests.simulation.social.world import social_conditions

DEEDS = ("requested", "answered", "said", "edited", "recalled", "reacted", "read", "blocked", "unblocked", "typed")


class AgreementTests(SynchronousTestCase):
    """At the end every device shows what is stored."""

    def look(self, seed: int, nodes: int, sqlite: bool, faults: int = 0) -> Verdict:
        conditions = social_conditions(seed, faults)
        self.assertEqual((conditions.nodes, conditions.plain_database), (nodes, sqlite))
        verdict = run_social(seed, given=conditions)
        self.assertEqual(verdict.violations, [])
        self.assertGreater(verdict.sizes["acknowledged"], 50)
        for deed in DEEDS:
            self.assertGreater(verdict.hits[deed], 0, deed)
        return verdict

    def struck(self, verdict: Verdict, *patterns: str) -> None:
        """Faults of these kinds did happen."""
        for pattern in patterns:
            self.assertTrue(any(re.match(pattern, name) for name in verdict.hits), f"no {pattern}")

    def test_two_nodes_on_the_stand_ins_for_mariadb_and_redis(self):
        self.look(1, nodes=2, sqlite=False)

    def test_two_nodes_on_sqlite(self):
        self.look(2, nodes=2, sqlite=True)

    def test_the_embedded_server_and_acts_for_which_it_is_too_late(self):
        self.struck(self.look(6, nodes=1, sqlite=True), "(edited|recalled): too_late")

    def test_two_nodes_on_the_stand_ins_while_things_go_wrong(self):
        verdict = self.look(7, nodes=2, sqlite=False, faults=10)
        self.struck(verdict, "node killed", "client's connection cut", "servers cut off")

    def test_two_nodes_on_sqlite_while_things_go_wrong(self):
        self.struck(self.look(2, nodes=2, sqlite=True, faults=10), "node killed", "redis cut off", "client cut off")

    def test_the_embedded_server_while_things_go_wrong(self):
        self.struck(self.look(6, nodes=1, sqlite=True, faults=10), "node killed", "servers' connection cut")

    def test_a_seed_runs_the_same_way_every_time(self):
        given = social_conditions(8, 4)
        self.assertEqual(run_social(8, given=given).trace, run_social(8, given=given).trace)


class FoundTests(SynchronousTestCase):
    """One test for each planted fault."""

    def find(self, planted: Planted) -> None:
        found = find(planted)
        # What a broken program logs is no error of this test.
        self.flushLoggedErrors()
        self.assertIsNotNone(found, f"nothing says {planted.says!r} in {SEEDS} seeds")


def _finding(planted: Planted) -> Callable[[FoundTests], None]:
    return lambda self: self.find(planted)


for _planted in PLANTED:
    _name = re.sub(r"(?<!^)(?=[A-Z])", "_", _planted.world.__name__).lower()
    setattr(FoundTests, f"test_{_name}", _finding(_planted))
