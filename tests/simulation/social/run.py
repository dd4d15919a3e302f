"""One seed of people who meet, from its first second to its verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imchat.domain.acts import EDIT_MS, RECALL_MS
from tests.simulation.conditions import Conditions
from tests.simulation.faults.injector import Injector
from tests.simulation.run import AFTERWARDS, Run, Verdict, _listening
from tests.simulation.social.agreement import differences
from tests.simulation.social.epilogue import Epilogue, receipts_asked
from tests.simulation.social.invariants import broken
from tests.simulation.social.rows import Rows
from tests.simulation.social.talking import Deeds, lost
from tests.simulation.social.there import presences, unlike
from tests.simulation.social.watch import Watch
from tests.simulation.social.world import SocialDevice, SocialWorld, Society, social_conditions
from tests.simulation.timeline import BusyLoop

MOVING_IN = 6.0
"""Seconds until most devices are there."""

ABSENT = 2
"""People who are not there when the others come to rest."""

EPILOGUE = 8.0
"""Seconds for what is told in passing to come to everybody."""

QUIET = (0.0, 0.0, RECALL_MS / 1000 + 10, EDIT_MS / 1000 + 10)
"""For so long nobody does anything in between: then it is too late for some acts."""

READING = 4.0
"""Seconds for every device to read its conversations from their beginnings."""


class SocialRun(Run):
    """One seed.

    Args:
        seed: The seed.
        kind: What the world is made by.
        given: Other conditions than the seed's own.
    """

    def __init__(self, seed: int, kind: type[SocialWorld] = SocialWorld, given: Conditions | None = None) -> None:
        self.seed = seed
        self.world = world = kind(seed, given or social_conditions(seed))
        self.people = society = Society(world)
        self.injector = Injector(world, society)
        self.deeds = Deeds(society, Watch(world))

    def verdict(self) -> Verdict:
        """Let the world run and judge it."""
        world = self.world
        violations: list[str] = []
        rest = 0.0
        with _listening(world):
            try:
                rest = self._live()
                violations = list(self._judged())
            except BusyLoop as error:
                violations = [f"busy loop: {error}"]
            world.close()
        return self._verdict([*self.deeds.watch.violations, *violations], rest)

    def _live(self) -> float:
        world, busy = self.world, self.world.conditions.busy
        world.boot()
        world.run(1)
        self.people.move_in()
        world.run(MOVING_IN)
        quiet = world.randoms("quiet").choice(QUIET)
        self._plan(busy, quiet)
        self.injector.plan(busy)
        world.run(busy + quiet)
        self.injector.heal()
        world.trace.note("world", "no more deeds")
        rest = self._come_to_rest()
        self.deeds.come_back()
        return max(rest, self._come_to_rest())

    def _plan(self, seconds: float, quiet: float) -> None:
        deeds, random = self.deeds, self.deeds.random
        for deed, times in (
            (deeds.do_something, self.world.conditions.messages),
            (deeds.rush, 18),
            (deeds.go_out, 20),
            (deeds.cross, 6),
        ):
            for _ in range(times):
                self._at(random.random(), seconds, quiet, deed)
        for _ in range(ABSENT):
            self._at(0.3 + 0.6 * random.random(), seconds, quiet, deeds.go_on_holiday)

    def _at(self, part: float, seconds: float, quiet: float, deed: Callable[[], None]) -> None:
        later = quiet if part > 0.7 else 0.0
        self.world.timeline.after(part * seconds + later, deed)

    def _come_to_rest(self) -> float:
        world = self.world
        start = world.timeline.now
        unsettled = ["nobody looked"]
        while unsettled and world.timeline.now < start + world.conditions.settle:
            world.run(1.0)
            unsettled = list(self._unsettled())
        rest = world.timeline.now - start
        world.trace.note("world", "at rest" if not unsettled else "not at rest: %s", *unsettled[:1])
        world.failures.extend(f"unsettled: {line}" for line in unsettled[:5])
        world.run(AFTERWARDS)
        return rest

    def _unsettled(self) -> Iterator[str]:
        found = list(self._busy()) or list(super()._unsettled()) or list(self._unlike())
        yield from found

    def _busy(self) -> Iterator[str]:
        yield from self.deeds.under_way.values()
        for device in self._devices():
            if not device.live:
                yield f"{device.name} is not connected"
            elif not device.ready:
                yield f"{device.name} has not got its lists"

    def _unlike(self) -> Iterator[str]:
        rows, world = Rows(self.world.database.inspect()), self.world
        there = presences(world.people, world.absent)
        for device in self._devices():
            yield from unlike(device, rows, there)

    def _devices(self) -> list[SocialDevice]:
        return [device for device in self.world.devices() if isinstance(device, SocialDevice)]

    def _judged(self) -> Iterator[str]:
        rows = Rows(self.world.database.inspect())
        yield from broken(rows)
        yield from lost(self.deeds, rows)
        for device in self._devices():
            yield from self._difference(device, rows, whole=False)
        yield from self._afterwards(rows)

    def _afterwards(self, rows: Rows) -> Iterator[str]:
        epilogue = Epilogue(self._devices(), self.deeds.watch, rows)
        epilogue.begin()
        self.world.run(EPILOGUE)
        rows = Rows(self.world.database.inspect())
        yield from epilogue.problems(rows)
        for device in self._devices():
            if device.process is not None:
                device.process.enter(self._read_all, device)
        self.world.run(READING)
        # Reading changes nothing that is stored.
        for device in self._devices():
            yield from self._difference(device, rows, whole=True)
            yield from receipts_asked(device, rows)

    def _difference(self, device: SocialDevice, rows: Rows, whole: bool) -> list[str]:
        return differences(device.name, rows, device.person.user_id, device.mirror.state, whole)

    def _read_all(self, device: SocialDevice) -> None:
        for conversation_id in device.mirror.state.talks:
            device.client.in_background("reading everything", _read(device, conversation_id))

    def _sizes(self) -> dict[str, int]:
        hits = self.world.trace.hits
        sizes = super()._sizes()
        return {
            **sizes,
            "acknowledged": len(self.deeds.accepted),
            "refused": sum(n for k, n in hits.items() if ": " in k),
        }


async def _read(device: SocialDevice, conversation_id: int) -> None:
    while await device.mirror.older(conversation_id, 20):
        pass
    device.answered[conversation_id] = await device.client.conversations.receipts(conversation_id)


def run_social(seed: int, kind: type[SocialWorld] = SocialWorld, given: Conditions | None = None) -> Verdict:
    """Run a seed and judge it."""
    return SocialRun(seed, kind, given).verdict()
