"""The simulation can fail: it finds every planted fault, and finds none where nothing is planted."""

from __future__ import annotations

import re
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.planted import PLANTED, SEEDS, WHOLE, Planted, find
from tests.simulation.run import run_seed
from tests.simulation.world import World

SEEDS_OF_WHOLE = 10


def _name(world: type[World]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", world.__name__).lower()


class FoundTests(SynchronousTestCase):
    """One test for each planted fault."""

    def find(self, planted: Planted) -> None:
        found = find(planted)
        # What a broken program logs is no error of this test.
        self.flushLoggedErrors()
        self.assertIsNotNone(found, f"no {' or '.join(planted.codes)} in {SEEDS} seeds")


class WholeTests(SynchronousTestCase):
    """One test for each world that is made so that a planted fault can come to light."""

    def look(self, world: type[World]) -> None:
        for seed in range(1, SEEDS_OF_WHOLE + 1):
            self.assertEqual(run_seed(seed, world).violations, [], f"seed {seed}")


def _finding(planted: Planted) -> Callable[[FoundTests], None]:
    return lambda self: self.find(planted)


def _looking(world: type[World]) -> Callable[[WholeTests], None]:
    return lambda self: self.look(world)


for _planted in PLANTED:
    setattr(FoundTests, f"test_{_name(_planted.world)}", _finding(_planted))
for _world in WHOLE:
    setattr(WholeTests, f"test_{_name(_world)}", _looking(_world))
