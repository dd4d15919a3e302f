"""What a run over many seeds adds up to, and what it must have seen to be worth anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.simulation.faults.injector import WANTED
from tests.simulation.run import Verdict

LEAST = {"nodes": 2, "users": 20, "devices": 30, "acknowledged": 500, "faults": 20}
"""What a seed has on the average, at least."""

ENOUGH = 100
"""So many seeds must have seen every kind of fault."""


class Totals:
    """Adds verdicts up.

    Attributes:
        seeds: How many.
        hits: How often each thing happened.
        broken: Verdicts with violations.
        longest: The longest that a world took to come to rest, in seconds.
    """

    def __init__(self) -> None:
        self.seeds = 0
        self.hits: Counter[str] = Counter()
        self.sizes: Counter[str] = Counter()
        self.broken: list[Verdict] = []
        self.longest = 0.0

    def add(self, verdict: Verdict) -> None:
        """One seed more."""
        self.seeds += 1
        self.hits.update(verdict.hits)
        self.sizes.update(verdict.sizes)
        self.longest = max(self.longest, verdict.rest)
        if verdict.violations:
            self.broken.append(verdict)

    def averages(self) -> str:
        """One line."""
        parts = (f"{self.sizes[name] / max(1, self.seeds):.1f} {name}" for name in LEAST)
        return f"average seed: {', '.join(parts)}; all at rest after {self.longest:.0f} s at most"

    def table(self) -> Iterator[str]:
        """Hits of all that a run must see."""
        for name in WANTED:
            yield f"{self.hits[name]:7}  {name}"

    def shortcomings(self) -> Iterator[str]:
        """Why the run as a whole is not good enough: lines."""
        for name, least in LEAST.items():
            if self.sizes[name] < least * self.seeds:
                average = self.sizes[name] / self.seeds
                yield f"a seed has {average:.1f} {name} on the average, which is less than {least}"
        if self.seeds >= ENOUGH:
            for name in WANTED:
                if not self.hits[name]:
                    yield f"never seen in {self.seeds} seeds: {name}"
