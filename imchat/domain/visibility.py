"""What a member may see of a stream: arithmetic on periods. Sequence numbers are dense, so no event need be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from imchat.domain.models import Period

Span: TypeAlias = tuple[int, int]
"""First and last sequence number, both included."""


def visible(periods: Iterable[Period], low: int, high: int) -> list[Span]:
    """What of ``low`` to ``high`` (both included) lies in the periods: ascending, disjoint, none adjacent."""
    spans: list[Span] = []
    for period in sorted(periods, key=lambda p: p.from_seq):
        first = max(low, period.from_seq)
        last = high if period.to_seq is None else min(high, period.to_seq)
        if first > last:
            continue
        if spans and first <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return spans


def lowest(spans: Sequence[Span], count: int) -> list[Span]:
    """The lowest ``count`` sequence numbers of ascending spans."""
    taken: list[Span] = []
    for first, last in spans:
        if count <= 0:
            break
        end = min(last, first + count - 1)
        taken.append((first, end))
        count -= end - first + 1
    return taken


def highest(spans: Sequence[Span], count: int) -> list[Span]:
    """The highest ``count`` sequence numbers of ascending spans, ascending."""
    taken: list[Span] = []
    for first, last in reversed(spans):
        if count <= 0:
            break
        start = max(first, last - count + 1)
        taken.append((start, last))
        count -= last - start + 1
    return taken[::-1]
