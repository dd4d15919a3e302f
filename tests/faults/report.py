"""What is printed at the end of a run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.measure import LATE, Figures, Recovery, percentile

SHOWN = 40
"""Violations that are printed."""


def _spread(values: Sequence[float]) -> str:
    return f"p50 {percentile(values, 0.5):.1f} s, p99 {percentile(values, 0.99):.1f} s, max {max(values):.1f} s"


def _recovery(recoveries: Sequence[Recovery]) -> Iterator[str]:
    yield (
        f"recovery, for each pair of a device and a conversation in which a message had to wait more than {LATE:.0f} s"
        " because of a fault (those that overlapped count as one), to the first acknowledgement again:"
    )
    if not recoveries:
        yield "  nobody had to wait"
        return
    yield f"  {len(recoveries)} such pairs and faults"
    yield f"  from the beginning of the fault: {_spread([r.after_begin for r in recoveries])}"
    yield f"  from its end:                    {_spread([r.after_end for r in recoveries])}"
    by_name: dict[str, list[float]] = {}
    for recovery in recoveries:
        by_name.setdefault(recovery.fault.name, []).append(recovery.after_end)
    for name, values in sorted(by_name.items()):
        yield f"    {name:<44} {len(values):5} pairs, from its end: {_spread(values)}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def summary(figures: Figures, log_lines: dict[str, int]) -> Iterator[str]:
    """Lines that tell what was counted."""
    yield f"messages: {figures.sent} sent, {figures.acknowledged} acknowledged"
    yield f"  resent: {figures.resent}, recovered (acknowledged after being sent again): {figures.recovered}"
    yield f"  refused for the time being, and sent again by the client: {_counts(figures.refused)}"
    visits = {f"{what} {how}": count for (what, how), count in figures.visits.items()}
    yield f"visits at the gate: {_counts(visits)}; the slowest took {figures.slowest_visit:.1f} s"
    yield from _recovery(figures.recoveries)
    yield f"lines in the servers' logs: {_counts(log_lines)}"


def verdict(violations: Sequence[str], name: str) -> Iterator[str]:
    """Lines that tell what was found."""
    for violation in violations[:SHOWN]:
        yield f"VIOLATION: {violation}"
    if len(violations) > SHOWN:
        yield f"... and {len(violations) - SHOWN} more"
    if violations:
        yield f"{name}: {len(violations)} violations"
    else:
        yield f"{name}: no violation: nothing acknowledged was lost, doubled or reordered on any device"
