"""What all deeds have in common: each is done by somebody at a device, and comes to an end of which something is known.

A refusal that is right by the rules is counted as one more thing that was seen; any other is a failure of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from imchat.client import Client, Stopped
from imchat.client.mirror import MirrorState
from imchat.domain.errors import IMError
from tests.simulation.application import Person
from tests.simulation.process import SimulatedProcess
from tests.simulation.social.excuses import Excuses
from tests.simulation.social.watch import Watch
from tests.simulation.social.world import SocialDevice, Society

Doing = Coroutine[Deferred[Any], Any, None]

F = TypeVar("F", bound=Callable[..., Doing | None])


class Wrong(Exception):
    """An answer is not what it should be."""


def deed(name: str, weight: int, *codes: str) -> Callable[[F], F]:
    """Mark a method as a deed; it gets a device, and returns None where there is nothing that it could do.

    Args:
        name: What is counted.
        weight: How often it is chosen, in comparison to others.
        codes: Of refusals that can be right; what speaks for each is asked of the excuses.
    """

    def mark(method: F) -> F:
        method.deed = name, weight, codes  # type: ignore[attr-defined]
        return method

    return mark


class Doer:
    """Somebody who does things with devices.

    Args:
        society: Who there is.
        watch: Knows how people stand with each other.

    Attributes:
        under_way: What is not done yet: device and deed.
    """

    def __init__(self, society: Society, watch: Watch) -> None:
        self.society = society
        self.world = society.world
        self.watch = watch
        self.excuses = Excuses(watch)
        self.random: Random = self.world.randoms("deeds")
        self.under_way: dict[int, str] = {}
        self._number = 0
        marked = [getattr(type(self), name) for name in sorted(dir(type(self)))]
        self._deeds = [method for method in marked if hasattr(method, "deed")]

    def usable(self) -> list[SocialDevice]:
        """Devices at which something can be done."""
        return [one for one in self.world.devices() if isinstance(one, SocialDevice) and one.usable and one.ready]

    def do_something(self, device: SocialDevice | None = None) -> None:
        """Do what chance wants, at a device or any."""
        usable = self.usable()
        if device is None and usable:
            device = self.random.choice(usable)
        if device is None or device not in usable:
            return
        weights = [method.deed[1] for method in self._deeds]
        for method in self.random.choices(self._deeds, weights, k=12):
            if self.do(device, method):
                return

    def do(self, device: SocialDevice, method: Callable[..., Doing | None]) -> bool:
        """Do something at a device; returns whether there was something to do."""
        doing = method(self, device)
        if doing is None or device.process is None:
            return False
        device.process.enter(self._begin, device, device.process, method.deed, doing)  # type: ignore[attr-defined]
        return True

    def _begin(self, device: SocialDevice, process: SimulatedProcess, marks: tuple, doing: Doing) -> None:
        self._number += 1
        number, name, since = self._number, marks[0], self.world.timeline.now
        self.under_way[number] = f"{device.name}: {name} since {since - 1.7e9:.1f}"
        self.world.trace.note(device.name, "deed %d: %s", number, name)
        watched = process.ended

        def ended(silently: bool) -> None:
            self.under_way.pop(number, None)
            watched(silently)

        process.ended = ended
        done = Deferred.fromCoroutine(doing)
        done.addCallbacks(
            lambda _: self._done(device, number, name), self._failed, None, None, (device, number, marks, since)
        )
        done.addErrback(lambda failure: self.world.fault(process, failure))

    def _done(self, device: SocialDevice, number: int, name: str) -> None:
        self.under_way.pop(number, None)
        self.world.trace.note(device.name, "deed %d is done", number)
        self.world.trace.hit(name)

    def _failed(self, failure: Failure, device: SocialDevice, number: int, marks: tuple, since: float) -> None:
        self.under_way.pop(number, None)
        name, _, codes = marks
        self.world.trace.note(device.name, "deed %d: %s", number, failure.getErrorMessage())
        if failure.check(Stopped, CancelledError, GeneratorExit):
            self.world.trace.hit(f"{name}: interrupted")
        elif failure.check(IMError) and failure.value.code in codes:
            code = failure.value.code
            self.world.trace.hit(f"{name}: {code}")
            facts = getattr(failure.value, "facts", {})
            if not self.excuses.speaks_for(name, code, device.person.user_id, since, facts):
                self.world.failures.append(
                    f"refused: {device.name}: {name}: {code}, and nothing speaks for it: {facts}"
                )
        else:
            kind = "wrong" if failure.check(Wrong) else "refused"
            what = getattr(failure.value, "code", failure.type.__name__)
            self.world.failures.append(f"{kind}: {device.name}: {name}: {what}: {failure.getErrorMessage()}")
            self.world.trace.note(device.name, "%s", failure.getTraceback())

    # --- what deeds ask

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return self.random.random() < probability

    def other(self, device: SocialDevice) -> Person | None:
        """Somebody else: mostly one of those few who one has to do with."""
        people = [person for person in self.world.people if person.user_id and person is not device.person]
        near = [one for one in people if (one.number - device.person.number) % len(self.world.people) in (1, 2, 9, 8)]
        choice = near if near and self.chance(0.85) else people
        return self.random.choice(choice) if choice else None


async def about(doing: Any, **facts: object) -> Any:
    """Wait for something; a refusal of it is told with what it was about (:mod:`tests.simulation.social.excuses`)."""
    try:
        return await doing
    except IMError as error:
        error.facts = facts  # type: ignore[attr-defined]
        raise


def seen(device: SocialDevice) -> tuple[Client, MirrorState]:
    """The client of a device, and what it shows."""
    return device.mirror.client, device.mirror.state
