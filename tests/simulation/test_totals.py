"""A run of many seeds fails where one is broken, and where it has seen too little to be worth anything."""

import io
from collections import Counter
from contextlib import redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation import __main__ as command
from tests.simulation.faults.injector import KINDS, WANTED
from tests.simulation.run import Verdict
from tests.simulation.totals import ENOUGH, LEAST, Totals


def verdict(seed, violations=(), hits=WANTED, **sizes):
    return Verdict(seed, list(violations), Counter(hits), {**LEAST, **sizes}, [], 10.0)


def totals_of(*verdicts):
    totals = Totals()
    for one in verdicts:
        totals.add(one)
    return totals


class TotalsTests(SynchronousTestCase):
    def test_kinds_have_names_of_their_own(self):
        self.assertEqual(len(set(WANTED)), len(WANTED))
        self.assertGreater(len(KINDS), 50)

    def test_enough_of_everything_is_good(self):
        totals = totals_of(*(verdict(seed) for seed in range(ENOUGH)))
        self.assertEqual((list(totals.shortcomings()), totals.broken), ([], []))

    def test_averages_below_the_least_fall_short(self):
        totals = totals_of(verdict(1, acknowledged=LEAST["acknowledged"] - 1), verdict(2))
        [line] = totals.shortcomings()
        self.assertIn("499.5 acknowledged", line)

    def test_a_kind_that_was_never_seen_falls_short_once_there_were_enough_seeds(self):
        some = [verdict(seed, hits=WANTED[1:]) for seed in range(ENOUGH)]
        self.assertEqual(list(totals_of(*some[1:]).shortcomings()), [])
        [line] = totals_of(*some).shortcomings()
        self.assertIn(WANTED[0], line)


class CommandTests(SynchronousTestCase):
    def run_with(self, *verdicts):
        self.patch(command, "judged", lambda seeds, jobs: iter(verdicts))
        output = io.StringIO()
        with redirect_stdout(output):
            code = command.main([f"--seeds={len(verdicts)}"])
        return code, output.getvalue()

    def test_all_well_ends_with_0(self):
        code, output = self.run_with(verdict(1), verdict(2))
        self.assertEqual(code, 0)
        self.assertIn("2 of 2 seeds", output)
        self.assertIn(f"2  {WANTED[0]}", output)

    def test_a_broken_seed_ends_with_1_and_tells_how_to_see_it_again(self):
        code, output = self.run_with(verdict(1), verdict(7, ["lost: a message"]))
        self.assertEqual(code, 1)
        self.assertIn("seed 7: VIOLATION lost: a message", output)
        self.assertIn("make simulate SEED=7", output)

    def test_too_little_ends_with_1(self):
        code, output = self.run_with(verdict(1, users=3))
        self.assertEqual(code, 1)
        self.assertIn("NOT ENOUGH", output)
