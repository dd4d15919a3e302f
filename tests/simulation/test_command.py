"""The command on one seed, on none, and on one that breaks the simulation itself; see ``test_totals`` for many."""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation import __main__ as command
from tests.simulation import worker
from tests.simulation.planted_answers import RefusesResends
from tests.simulation.run import Verdict, run_seed


class CommandTests(SynchronousTestCase):
    def test_a_violation_stands_below_the_trace_and_fails_the_run(self) -> None:
        self.patch(command, "quiet", lambda: None)
        self.patch(command, "run_seed", lambda seed: run_seed(seed, RefusesResends))
        with redirect_stdout(StringIO()) as output:
            code = command.main(["--seed", "1"])
        self.flushLoggedErrors()
        self.assertEqual(code, 1)
        self.assertIn("  world      at rest", output.getvalue())
        self.assertIn("\nVIOLATION answered_unalike: ", output.getvalue())

    def test_no_seeds_are_no_run(self) -> None:
        with redirect_stderr(StringIO()):
            self.assertEqual(self.assertRaises(SystemExit, command.main, ["--seeds", "0"]).code, 2)


class WorkerTests(SynchronousTestCase):
    def test_a_seed_in_which_the_simulation_itself_fails_is_a_broken_one(self) -> None:
        def failing(seed: int) -> Verdict:
            raise KeyError("a fault of the simulation")

        self.patch(worker, "run_seed", failing)
        verdict = worker.brief(9)
        self.assertEqual(verdict.seed, 9)
        self.assertIn("KeyError: 'a fault of the simulation'", verdict.violations[0])
