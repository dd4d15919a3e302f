"""What the processes do that run seeds for others."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import replace

from twisted.logger import globalLogBeginner

from tests.simulation.run import Verdict, run_seed


def quiet() -> None:
    """Log nowhere."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)


def brief(seed: int) -> Verdict:
    """The verdict on a seed, without the trace: it can be had again."""
    try:
        return replace(run_seed(seed), trace=[])
    except Exception as error:
        # A seed that breaks the simulation itself must be told by its number, and not end those after it.
        where = traceback.extract_tb(error.__traceback__)[-1]
        line = f"the simulation itself failed: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
        return Verdict(seed, [line], Counter(), {}, [], 0.0)
