"""One seed, from its first second to its verdict."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from tests.simulation.checker import check
from tests.simulation.conditions import Conditions, conditions
from tests.simulation.faults.injector import Injector
from tests.simulation.load import People
from tests.simulation.recorder import claimed, connected
from tests.simulation.timeline import BusyLoop
from tests.simulation.world import World

MOVING_IN = 10.0
"""Seconds in which most people get their accounts before things go wrong."""

LOOK = 1.0
"""While the world comes to rest, somebody looks so often whether it has, in seconds."""

AFTERWARDS = 5.0
"""So many seconds more pass when it has: what comes twice comes late."""


@dataclass(frozen=True)
class Verdict:
    """What came of a seed.

    Attributes:
        violations: What is wrong, as lines; none if all is well.
        hits: How often each fault struck, and what else every run wants to see.
        sizes: Nodes, users, devices, acknowledged messages, faults.
        trace: What happened.
        rest: Seconds from the last fault until all was everywhere.
    """

    seed: int
    violations: list[str]
    hits: Counter[str]
    sizes: dict[str, int]
    trace: list[str] = field(repr=False)
    rest: float


def _of_the_dead(world: World, failure: Failure) -> bool:
    """Whether it comes from a process that was killed: what waited in it, Python ends when nobody refers to it."""
    running = world.network.running
    ended = isinstance(failure.value, RuntimeError) and "ignored GeneratorExit" in str(failure.value)
    return ended or running is None or running.dead or running is world.clock


@contextmanager
def _listening(world: World) -> Iterator[None]:
    """Failures that programs log are failures of the run."""

    def observe(event: LogEvent) -> None:
        if "log_failure" in event and not _of_the_dead(world, event["log_failure"]):
            failure = event["log_failure"]
            world.failures.append(f"logged: {formatEvent(event)}: {failure.type.__name__}: {failure.value}")
            world.trace.note("log", "%s\n%s", formatEvent(event), failure.getTraceback())

    globalLogPublisher.addObserver(observe)
    # What a collection finds is finished off at a moment that depends on what was allocated before.
    gc.disable()
    try:
        yield
    finally:
        gc.collect()
        gc.enable()
        globalLogPublisher.removeObserver(observe)


class Run:
    """One seed.

    Args:
        seed: The seed.
        kind: What the world is made by.
        given: Other conditions than the seed's own.
    """

    def __init__(self, seed: int, kind: type[World] = World, given: Conditions | None = None) -> None:
        self.seed = seed
        self.world = world = kind(seed, given or conditions(seed))
        self.people = People(world)
        self.injector = Injector(world, self.people)

    def verdict(self) -> Verdict:
        """Let the world run and judge it."""
        world = self.world
        with _listening(world):
            try:
                rest = self._live()
            except BusyLoop as error:
                # The rest of the history is missing: there is nothing to check.
                return self._verdict([f"busy loop: {error}"], 0.0)
            world.close()
        return self._verdict([str(violation) for violation in check(world.recorder.history)], rest)

    def _verdict(self, violations: list[str], rest: float) -> Verdict:
        world = self.world
        return Verdict(
            self.seed,
            [*world.failures, *violations],
            world.trace.hits,
            self._sizes(),
            world.trace.lines(),
            rest,
        )

    def _live(self) -> float:
        world, busy = self.world, self.world.conditions.busy
        world.boot()
        world.run(1)
        self.people.move_in()
        world.run(MOVING_IN)
        self.people.talk(world.timeline.now + busy)
        self.injector.plan(busy)
        world.run(busy)
        self.injector.heal()
        world.trace.note("world", "no more faults")
        return self._come_to_rest()

    def _come_to_rest(self) -> float:
        world = self.world
        start = world.timeline.now
        unsettled = ["nobody looked"]
        while unsettled and world.timeline.now < start + world.conditions.settle:
            world.run(LOOK)
            unsettled = list(self._unsettled())
        rest = world.timeline.now - start
        world.trace.note("world", "at rest" if not unsettled else "not at rest: %s", *unsettled[:1])
        world.run(AFTERWARDS)
        world.recorder.tables(world.database.inspect())
        world.recorder.people(world.devices(), world.nodes, unsettled)
        return rest

    def _unsettled(self) -> Iterator[str]:
        """What is not at rest yet: cheap questions first."""
        devices = self.world.devices()
        for person in self.world.people:
            if not person.user_id:
                yield f"{person.name} has no account"
        for device in devices:
            if not device.live:
                yield f"{device.name} is not connected"
            elif device.disk.saved.outbox or device.unsaved:
                yield f"{device.name} has not sent all"
            elif device.asking:
                yield f"{device.name} waits to say something"
        known, there = claimed(self.world.nodes), connected(devices)
        if known != there:
            odd = sorted((Counter(known) - Counter(there)) + (Counter(there) - Counter(known)))
            yield f"nodes count other connections than there are: {odd}"
        yield from self._behind()

    def _behind(self) -> Iterator[str]:
        tables = self.world.database.inspect()
        last = {row["stream_id"]: row["last_seq"] for row in tables["head"]}
        streams: dict[int, list[int]] = {}
        for row in tables["period"]:
            streams.setdefault(row["user_id"], []).append(row["conversation_id"])
        for device in self.world.devices():
            user_id = device.person.user_id
            for stream_id in (user_id, *streams.get(user_id, ())):
                shown = device.shown.get(stream_id, 0)
                if shown < last.get(stream_id, 0):
                    yield f"{device.name} has shown {shown} of {last[stream_id]} in {stream_id}"

    def _sizes(self) -> dict[str, int]:
        from tests.simulation.faults.injector import KINDS

        history, hits = self.world.recorder.history, self.world.trace.hits
        return {
            "nodes": len(self.world.nodes),
            "users": len(self.world.people),
            "devices": len({device.name for person in self.world.people for device in person.devices}),
            "acknowledged": len({(a.user_id, a.client_id) for a in history.acknowledgements}),
            "faults": sum(hits[name] for name in KINDS),
        }


def run_seed(seed: int, kind: type[World] = World, given: Conditions | None = None) -> Verdict:
    """Run a seed and judge it."""
    return Run(seed, kind, given).verdict()
