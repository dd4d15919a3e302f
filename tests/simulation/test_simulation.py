"""A hundred seeds as part of all tests, in parts that run beside each other; and that a seed is the same every time."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.run import run_seed
from tests.simulation.totals import LEAST, Totals

SEEDS = 100
PART = 4


class SeedTests(SynchronousTestCase):
    """One method for each part of the seeds."""

    def check(self, first):
        totals = Totals()
        for seed in range(first, first + PART):
            totals.add(run_seed(seed))
        # Failures that were logged are violations already, but for those of processes that were killed.
        self.flushLoggedErrors()
        lines = [f"make simulate SEED={verdict.seed}: {verdict.violations[:5]}" for verdict in totals.broken]
        self.assertEqual(lines, [])
        for name in LEAST:
            # Of so few seeds no average is asked for: only that much happens in them.
            self.assertGreater(totals.sizes[name], LEAST[name] * PART * 0.7, name)


def _part(first):
    return lambda self: self.check(first)


for _first in range(1, SEEDS + 1, PART):
    setattr(SeedTests, f"test_seeds_{_first:03}_to_{_first + PART - 1:03}", _part(_first))


class ReplayTests(SynchronousTestCase):
    def test_a_seed_runs_the_same_way_every_time(self):
        seed = 13
        verdict = run_seed(seed)
        self.flushLoggedErrors()
        command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed)]
        # Where sets of texts are gone through in another order, so is everything that depends on it.
        done = subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": "77"}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        self.assertEqual(done.stdout.splitlines()[: len(verdict.trace)], verdict.trace)
