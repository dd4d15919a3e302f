"""What the command says and with which exit code it ends, for seeds that were run and for those that were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation import __main__ as command
from tests.simulation import worker
from tests.simulation.faults.injector import WANTED
from tests.simulation.planted_stores import RefusesResends
from tests.simulation.run import Verdict, run_seed
from tests.simulation.totals import ENOUGH, LEAST

WELL = Verdict(7, [], Counter(WANTED), dict(LEAST), [], 2.0)


class ManySeedsTests(SynchronousTestCase):
    def run_command(self, verdicts: Sequence[Verdict]) -> tuple[int, list[str]]:
        self.patch(command, "_verdicts", lambda seeds, jobs: iter(verdicts))
        with redirect_stdout(StringIO()) as output:
            code = command.main(["--seeds", str(len(verdicts))])
        return code, output.getvalue().splitlines()

    def test_all_well(self) -> None:
        code, lines = self.run_command([WELL] * ENOUGH)
        self.assertEqual((code, lines[-1]), (0, "no violation"))
        self.assertIn(f"{ENOUGH:7}  {WANTED[0]}", lines)

    def test_a_violation_is_told_with_what_replays_it_and_fails_the_run(self) -> None:
        code, lines = self.run_command([WELL, replace(WELL, seed=8, violations=["lost: a message"])])
        self.assertEqual((code, lines[-1]), (1, "1 of 2 seeds with violations"))
        self.assertIn("seed 8: VIOLATION lost: a message", lines)
        self.assertIn("seed 8: replay it with: make simulate SEED=8", lines)

    def test_a_kind_that_never_struck_fails_a_run_of_enough_seeds(self) -> None:
        lacking = replace(WELL, hits=Counter(WANTED[1:]))
        self.assertEqual(self.run_command([lacking] * (ENOUGH - 1))[0], 0)
        code, lines = self.run_command([lacking] * ENOUGH)
        self.assertEqual(code, 1)
        self.assertIn(f"NOT ENOUGH: never seen in {ENOUGH} seeds: {WANTED[0]}", lines)

    def test_a_load_that_is_too_small_on_the_average_fails_the_run(self) -> None:
        for name, least in LEAST.items():
            small = replace(WELL, sizes={**LEAST, name: least - 1})
            self.assertEqual(self.run_command([WELL, small])[0], 1, name)

    def test_no_seeds_are_no_run(self) -> None:
        with redirect_stderr(StringIO()):
            self.assertEqual(self.assertRaises(SystemExit, command.main, ["--seeds", "0"]).code, 2)


class OneSeedTests(SynchronousTestCase):
    def test_a_violation_stands_below_the_trace_and_fails_the_run(self) -> None:
        self.patch(command, "quiet", lambda: None)
        self.patch(command, "run_seed", lambda seed: run_seed(seed, RefusesResends))
        with redirect_stdout(StringIO()) as output:
            code = command.main(["--seed", "1"])
        self.flushLoggedErrors()
        self.assertEqual(code, 1)
        self.assertIn("  world      at rest", output.getvalue())
        self.assertIn("\nVIOLATION answered_unalike: ", output.getvalue())


class WorkerTests(SynchronousTestCase):
    def test_a_seed_in_which_the_simulation_itself_fails_is_a_broken_one(self) -> None:
        def failing(seed: int) -> Verdict:
            raise KeyError("a fault of the simulation")

        self.patch(worker, "run_seed", failing)
        verdict = worker.brief(9)
        self.assertEqual(verdict.seed, 9)
        self.assertIn("KeyError: 'a fault of the simulation'", verdict.violations[0])
