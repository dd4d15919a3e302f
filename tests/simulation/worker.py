"""What the processes do that run seeds for others."""

from __future__ import annotations

from dataclasses import replace

from twisted.logger import globalLogBeginner

from tests.simulation.run import Verdict, run_seed


def quiet() -> None:
    """Log nowhere."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)


def brief(seed: int) -> Verdict:
    """The verdict on a seed, without the trace: it can be had again."""
    return replace(run_seed(seed), trace=[])
