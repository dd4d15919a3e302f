"""How often a measured number was how large: plain counters, for whoever reports them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts observations by size.

    Args:
        bounds: Upper bounds of the buckets, ascending; each belongs to its bucket. One more bucket takes the rest.

    Attributes:
        bounds: As given.
        counts: Observations in each bucket.
        total: Sum of what was observed.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
