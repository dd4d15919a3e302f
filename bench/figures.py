"""What the benchmarks compute of what they measured."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that at least this share of an ordered sequence does not exceed; 0 where there is none."""
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def times_ms(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile and maximum of times, in ms."""
    ordered = sorted(seconds)
    shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(percentile(ordered, share) * 1_000, 2) for name, share in shares.items()}
