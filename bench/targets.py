"""The figures against the targets that imchat sets itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.report import servers_us, table, together_us

Result = dict[str, Any]
Runs = Mapping[str, Result]


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    Attributes:
        what: In words.
        bound: What is to be reached.
        most: The bound is the most that it may be; else it is the least.
        unit: Of bound and value.
        value: Takes it from the runs by name; raises KeyError where it was not measured.
    """

    what: str
    bound: float
    most: bool
    unit: str
    value: Callable[[Runs], float]

    def row(self, runs: Runs) -> tuple[str, str, str, str]:
        """What it is, the bound, the value, and whether it is met."""
        sign = "≤" if self.most else "≥"
        bound = f"{sign} {self.bound:,g} {self.unit}"
        try:
            value = self.value(runs)
        except KeyError:
            return self.what, bound, "not measured", ""
        met = value <= self.bound if self.most else value >= self.bound
        shown = f"{value:,.0f}" if self.bound > 100 else f"{value:,.1f}"
        return self.what, bound, f"{shown} {self.unit}", "met" if met else "missed"


def _split_ratio(runs: Runs) -> float:
    return servers_us(runs["two-nodes/1"]["cpu_us"]) / servers_us(runs["one-node/1"]["cpu_us"])


TARGETS = (
    Target("one-to-one, 1 outstanding", 20_000, False, "msg/s", lambda runs: runs["one-node/1"]["per_second"]),
    Target("its CPU: servers, database, Redis", 53, True, "µs/msg", lambda r: together_us(r["one-node/1"]["cpu_us"])),
    Target("its acknowledgement, p99", 15, True, "ms", lambda runs: runs["one-node/1"]["ms"]["p99"]),
    Target("one-to-one, 16 outstanding", 30_000, False, "msg/s", lambda runs: runs["one-node/16"]["per_second"]),
    Target("embedded, 1 outstanding", 10_000, False, "msg/s", lambda runs: runs["embedded/1"]["per_second"]),
    Target("two nodes, pairs split: servers' CPU against one node", 1.6, True, "times", _split_ratio),
    Target("an idle connection, plain", 6, True, "KiB", lambda runs: runs["one-node/idle"]["kib_each"]),
    Target("logins", 60, False, "/s", lambda runs: runs["one-node/logins"]["per_second"]),
)


def table_of(runs: list[Result]) -> str:
    """The targets that this benchmark measures, as a table."""
    by_name = {run["name"]: run for run in runs}
    return table(("target", "bound", "measured", ""), [target.row(by_name) for target in TARGETS])
