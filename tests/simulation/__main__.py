"""The simulation as a command: many seeds with a summary, or one with its trace. See ``make simulate``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.run import Verdict, run_seed
from tests.simulation.totals import Totals
from tests.simulation.worker import brief, quiet

EVERY = 10.0
"""Seconds between two lines of progress."""


def _positive(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed and print what happens in it")
    parser.add_argument("--seeds", type=_positive, default=200, help="how many seeds to run (200)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--jobs", type=_positive, default=2, help="processes that run them (2)")
    return parser.parse_args(words)


def _one(seed: int) -> int:
    quiet()
    verdict = run_seed(seed)
    print("\n".join(verdict.trace))
    print(f"seed {seed}: {verdict.sizes}, at rest after {verdict.rest:.0f} s")
    for violation in verdict.violations:
        print(f"VIOLATION {violation}")
    print("no violation" if not verdict.violations else f"{len(verdict.violations)} violations")
    return 1 if verdict.violations else 0


def _tell(verdict: Verdict) -> None:
    # The first of each kind: one fault often breaks several things, and one of them a thousand times.
    first = {violation.partition(":")[0]: violation for violation in reversed(verdict.violations)}
    shown = sorted(first.values(), key=verdict.violations.index)
    for violation in shown:
        print(f"seed {verdict.seed}: VIOLATION {violation}")
    more = len(verdict.violations) - len(shown)
    if more > 0:
        print(f"seed {verdict.seed}: and {more} more")
    print(f"seed {verdict.seed}: replay it with: make simulate SEED={verdict.seed}", flush=True)


def _all(verdicts: Iterable[Verdict], count: int) -> Totals:
    totals, start, told = Totals(), time.monotonic(), time.monotonic()
    for verdict in verdicts:
        totals.add(verdict)
        if verdict.violations:
            _tell(verdict)
        now = time.monotonic()
        if now - told >= EVERY or totals.seeds == count:
            told = now
            pace = totals.seeds / (now - start) * 60
            print(f"{totals.seeds} of {count} seeds, {pace:.0f} a minute, {len(totals.broken)} broken", flush=True)
    return totals


def judged(seeds: range, jobs: int) -> Iterator[Verdict]:
    """Verdicts on seeds, as they come, by so many processes."""
    # Started afresh and not forked: a child must not begin with what the parent has in memory.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), quiet)
    try:
        for done in as_completed([pool.submit(brief, seed) for seed in seeds]):
            yield done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _many(first: int, count: int, jobs: int) -> int:
    totals = _all(judged(range(first, first + count), jobs), count)
    print(*totals.table(), totals.averages(), sep="\n")
    shortcomings = list(totals.shortcomings())
    for line in shortcomings:
        print(f"NOT ENOUGH: {line}")
    for verdict in sorted(totals.broken, key=lambda verdict: verdict.seed):
        print(f"make simulate SEED={verdict.seed}   # {verdict.violations[0]}")
    print("no violation" if not totals.broken else f"{len(totals.broken)} of {count} seeds with violations")
    return 1 if totals.broken or shortcomings else 0


def main(words: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    arguments = _arguments(words)
    if arguments.seed is not None:
        return _one(arguments.seed)
    return _many(arguments.first, arguments.seeds, arguments.jobs)


if __name__ == "__main__":
    sys.exit(main())
