"""What a run tells besides its verdict: how much was sent again, and how long recovery took. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.faults.recording import Answered, Line, Refused, Rested, Sent, Visited

LATE = 1.0
"""A message that waited longer than this for its acknowledgement was held up, in seconds."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was done.

    Attributes:
        begin: When it struck.
        end: When all was in its place again: the process ready, the connection through.
    """

    name: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long one pair of a device and a conversation had no acknowledgement because of one fault, in seconds.

    Attributes:
        after_begin: From the beginning of the fault to the first acknowledgement again.
        after_end: From its end; 0 where other servers had taken over before.
    """

    fault: Fault
    after_begin: float
    after_end: float


@dataclass(slots=True)
class Figures:
    """Counts of a run.

    Attributes:
        resent: Messages that were sent more than once.
        recovered: Those of them that were acknowledged.
        visits: Uses of the gate, by what and how it ended.
        slowest_visit: In seconds.
    """

    sent: int = 0
    acknowledged: int = 0
    resent: int = 0
    recovered: int = 0
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    visits: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    slowest_visit: float = 0.0
    recoveries: list[Recovery] = field(default_factory=list)


@dataclass(slots=True)
class _Flight:
    """A message on its way."""

    lane: tuple[str, int]
    sent: float
    answered: float = math.inf
    tries: int = 0


def measure(lines: Iterable[Line], faults: Sequence[Fault]) -> Figures:
    """Count and time what the devices recorded."""
    figures, flights, rests = Figures(), {}, defaultdict(list)
    for line in lines:
        match line:
            case Sent():
                flights[line.client_id] = _Flight((line.device, line.conversation), line.at)
            case Answered():
                flight = flights[line.client_id]
                flight.answered = min(flight.answered, line.at)
                flight.tries = max(flight.tries, line.tries)
            case Refused():
                figures.refused[line.code] += 1
            case Rested():
                rests[line.device].append(line.at)
            case Visited():
                figures.visits[line.what, line.code.split(":")[0] or "done"] += 1
                figures.slowest_visit = max(figures.slowest_visit, line.seconds)
    figures.sent = len(flights)
    figures.acknowledged = sum(flight.answered < math.inf for flight in flights.values())
    figures.resent = sum(flight.tries > 1 for flight in flights.values())
    figures.recovered = sum(flight.tries > 1 and flight.answered < math.inf for flight in flights.values())
    figures.recoveries = _recoveries([f for f in flights.values() if not _rested(f, rests[f.lane[0]])], faults)
    return figures


def _rested(flight: _Flight, rests: Sequence[float]) -> bool:
    """Whether its device was switched off while it was on its way: what it waited for then was no fault."""
    place = bisect_right(rests, flight.sent)
    return place < len(rests) and rests[place] < flight.answered


def _recoveries(flights: Sequence[_Flight], faults: Sequence[Fault]) -> list[Recovery]:
    first: dict[tuple[Fault, tuple[str, int]], float] = {}
    together = joined(faults)
    for flight in flights:
        if LATE < flight.answered - flight.sent < math.inf and (fault := _cause(flight, together)) is not None:
            key = fault, flight.lane
            first[key] = min(flight.answered, first.get(key, math.inf))
    return [Recovery(fault, at - fault.begin, max(0.0, at - fault.end)) for (fault, _), at in first.items()]


def _cause(flight: _Flight, faults: Sequence[Fault]) -> Fault | None:
    """The first fault in which or before which it was sent, and for which it had to wait."""
    for fault in faults:
        if flight.sent <= fault.end and flight.answered - max(flight.sent, fault.begin) > LATE:
            return fault
    return None


def joined(faults: Sequence[Fault]) -> list[Fault]:
    """Faults that overlapped, each as one: nobody can tell which of them somebody had to wait for."""
    together: list[Fault] = []
    for fault in sorted(faults, key=lambda fault: fault.begin):
        if together and fault.begin < together[-1].end:
            last = together.pop()
            fault = Fault(f"{last.name} + {fault.name}", last.begin, max(last.end, fault.end))
        together.append(fault)
    return together


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
