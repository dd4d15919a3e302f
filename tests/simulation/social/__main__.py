"""Seeds of people who meet: ``python -m tests.simulation.social --seeds N``, or ``--seed N`` with its trace."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.social.run import run_social
from tests.simulation.social.world import social_conditions
from tests.simulation.worker import quiet


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.social", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed and print what happens in it")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds to run (20)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (1)")
    parser.add_argument("--faults", type=int, default=0, help="faults of servers, network and devices in each (0)")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    quiet()
    arguments = _arguments(words)
    one = arguments.seed is not None
    seeds = [arguments.seed] if one else range(arguments.first, arguments.first + arguments.seeds)
    hits: Counter[str] = Counter()
    broken, start = [], time.monotonic()
    for seed in seeds:
        verdict = run_social(seed, given=social_conditions(seed, arguments.faults))
        hits += verdict.hits
        if one:
            print("\n".join(verdict.trace))
        for line in verdict.violations[: None if one else 6]:
            print(f"seed {seed}: VIOLATION {line}", flush=True)
        if verdict.violations:
            broken.append(seed)
        print(f"seed {seed}: {verdict.sizes}, at rest after {verdict.rest:.0f} s", flush=True)
    for name, count in sorted(hits.items()):
        print(f"{count:7}  {name}")
    print(f"{len(broken)} of {len(seeds)} seeds broken: {broken}; {time.monotonic() - start:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
