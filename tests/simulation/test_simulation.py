"""A hundred seeds as part of all tests, judged as a whole; and that a seed is the same every time."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.run import run_seed
from tests.simulation.totals import ENOUGH


class SeedTests(SynchronousTestCase):
    def test_a_hundred_seeds_have_no_violation_and_see_enough_of_everything(self):
        # By the command, which has what all of them saw, on several cores: each test of a part would see too little.
        command = [sys.executable, "-m", "tests.simulation", "--seeds", str(ENOUGH)]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-8000:] + done.stderr[-2000:])
        self.assertIn(f"{ENOUGH} of {ENOUGH} seeds", done.stdout)


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
