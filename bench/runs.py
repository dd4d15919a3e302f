"""The runs: what is measured on which servers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.task import deferLater

from bench.generators import Generator
from bench.ground import Ground
from bench.people import Person
from bench.processes import Usage, resident_kib

TEXT = "x" * 100
"""What every message says."""

WORKERS = 16
"""Logins at once."""

BUSY = 0.9
"""Share of a core from which on a generator may be what limits the rate."""

_SETTLING = 3.0
"""Seconds after the last of many connections before memory is looked at."""

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long and how much is measured.

    Attributes:
        warm_up: Seconds before the window.
        seconds: Of the window.
        idle: Connections that idle.
        repeats: Runs of each kind of talk.
    """

    warm_up: float
    seconds: float
    idle: int
    repeats: int


FULL = Lengths(warm_up=5, seconds=20, idle=5_000, repeats=3)
QUICK = Lengths(warm_up=1, seconds=5, idle=1_000, repeats=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs take place.

    Attributes:
        group: Names the group of runs.
        title: What the servers are.
        directory: For plans.
    """

    reactor: Any
    group: str
    title: str
    ground: Ground
    directory: Path
    lengths: Lengths


@dataclass(frozen=True, slots=True)
class Measured:
    """What a generator found, and what the processes used in its window.

    Attributes:
        cpu: Seconds by process.
        memory_kib: Resident at the end of the window, by process.
        flushes: Batches that the chat nodes brought to the database.
    """

    found: dict[str, Any]
    cpu: dict[str, float]
    memory_kib: dict[str, int]
    flushes: int

    def per(self, count: int) -> Result:
        """CPU and memory as they are reported, for so many messages or logins."""
        return {
            "cpu_us": {name: round(1e6 * seconds / max(1, count), 2) for name, seconds in self.cpu.items()},
            "memory_mib": {name: round(kib / 1024, 1) for name, kib in self.memory_kib.items()},
            "warnings": self._warnings(),
        }

    def _warnings(self) -> list[str]:
        core = self.found["core"]
        return [f"the generator used {core:.0%} of a core: it may have limited the rate"] if core >= BUSY else []


async def measure(place: Place, module: str, plan: dict[str, Any]) -> Measured:
    """Run a generator and look at all processes at both ends of its window."""
    lengths, ground = place.lengths, place.ground
    plan = {**plan, "warm_up": lengths.warm_up, "seconds": lengths.seconds}
    generator = Generator(place.reactor, module, plan, place.directory, "measuring")
    try:
        await generator.start()
        usage, before = Usage({**ground.pids(), "generator": generator.pid}), ground.flushes()
        await generator.measured()
        cpu, memory, after = usage.seconds(), usage.memory_kib(), ground.flushes()
        return Measured(await generator.result(), cpu, memory, after - before)
    finally:
        await generator.kill()


def _placed(place: Place, pairs: list[dict[str, Any]], split: bool) -> list[dict[str, Any]]:
    nodes = place.ground.nodes

    def at(person: dict[str, Any], number: int) -> dict[str, Any]:
        host, port = nodes[number % len(nodes) if split else 0]
        return {**person, "host": host, "port": port}

    return [
        {
            **pair,
            "mark": secrets.token_hex(8),
            "ends": [at(person, number + end) for end, person in enumerate(pair["ends"])],
        }
        for number, pair in enumerate(pairs)
    ]


async def talk(place: Place, pairs: list[dict[str, Any]], slots: int, split: bool = False) -> Result:
    """One-to-one talk: one of each pair sends, with so many messages unanswered.

    Args:
        split: The two of each pair are on different nodes; which of them sends from which node alternates.
    """
    measured = await measure(place, "talk", {"pairs": _placed(place, pairs, split), "slots": slots, "text": TEXT})
    found = measured.found
    messages = found["messages"]
    return {
        "kind": "talk",
        "name": f"{place.group}/{slots}",
        "title": f"{place.title}, {slots} outstanding",
        "seconds": round(found["seconds"], 2),
        "messages": messages,
        "checked": found["checked"],
        "per_second": round(messages / found["seconds"]),
        "ms": found["ack_ms"],
        "flush": round(messages / max(1, measured.flushes), 1),
        **measured.per(messages),
    }


async def logins(place: Place, people: list[Person]) -> Result:
    """Logins: password at the gate, then the first frame to a chat node."""
    gate = urlsplit(place.ground.url)
    names = [person.name for person in people]
    plan = {"host": gate.hostname, "port": gate.port, "names": names, "workers": WORKERS}
    measured = await measure(place, "logins", plan)
    found = measured.found
    return {
        "kind": "logins",
        "name": f"{place.group}/logins",
        "title": f"{place.title}, {WORKERS} logins at once",
        "seconds": found["seconds"],
        "messages": found["logins"],
        "per_second": round(found["logins"] / found["seconds"], 1),
        "ms": found["login_ms"],
        "other_ms": found["other_ms"],
        **measured.per(found["logins"]),
    }


async def idle(place: Place, people: list[Person]) -> Result:
    """Connections with a session that say nothing."""
    await place.ground.fresh_node()
    nodes = place.ground.nodes
    ends = [
        {"host": nodes[0][0], "port": nodes[0][1], "token": person.token, "device_id": person.device_id}
        for person in people
    ]
    node = next(pid for name, pid in place.ground.pids().items() if name.startswith("chat"))
    before = resident_kib(node)
    generator = Generator(place.reactor, "idle", {"ends": ends, "seconds": 2 * _SETTLING}, place.directory, "connected")
    try:
        usage = Usage(place.ground.pids())
        await generator.start()
        cpu = sum(usage.seconds().values())
        await deferLater(place.reactor, _SETTLING)
        after = resident_kib(node)
        found = await generator.result()
    finally:
        await generator.kill()
    return {
        "kind": "idle",
        "name": f"{place.group}/idle",
        "title": f"{place.title}, {len(people)} idle connections",
        "connections": len(people),
        "kib_each": round((after - before) / len(people), 2),
        "memory_mib": {"before": round(before / 1024, 1), "after": round(after / 1024, 1)},
        "hellos_per_second": round(len(people) / found["seconds"]),
        "cpu_us": {"all servers": round(1e6 * cpu / len(people), 1)},
        "warnings": [],
    }
