"""Kinds of faults: methods with a name, collected by the injector."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from tests.simulation.clients import Device
from tests.simulation.servers import Server

if TYPE_CHECKING:
    from tests.simulation.load import People
    from tests.simulation.world import World

F = TypeVar("F", bound=Callable[..., bool])

Later = Callable[..., None]


def kind(name: str, weight: int = 2) -> Callable[[F], F]:
    """Mark a method as a kind of fault; it returns whether it could do it now.

    Args:
        name: What is counted when it has struck.
        weight: How often it is chosen, in comparison to others.
    """

    def mark(method: F) -> F:
        method.kind = name, weight  # type: ignore[attr-defined]
        return method

    return mark


class Faults:
    """What all groups of kinds have in common.

    Args:
        world: Where faults strike.
        people: Who talks there.
    """

    def __init__(self, world: World, people: People) -> None:
        self.world = world
        self.people = people
        self.random: Random = world.randoms("faults")

    @classmethod
    def kinds(cls) -> list[tuple[str, int, str]]:
        """Name, weight and method name of each kind."""
        found = [(getattr(cls, name), name) for name in vars(cls)]
        return [(*method.kind, name) for method, name in found if hasattr(method, "kind")]

    def hit(self, name: str, who: str = "") -> None:
        """A fault has struck."""
        self.world.trace.note(who or "world", "fault: %s", name)
        self.world.trace.hit(name)

    def after(self, seconds: float, function: Callable[..., Any], *args: Any) -> None:
        """Do something after a while."""
        self.world.timeline.after(seconds, function, *args)

    def between(self, low: float, high: float) -> float:
        """A number, by chance."""
        return self.random.uniform(low, high)

    def running(self, servers: list[Server]) -> list[Server]:
        """Those that run and are not frozen."""
        return [server for server in servers if server.up and not server.process.frozen]

    def a_server(self, servers: list[Server]) -> Server | None:
        """One that runs, by chance."""
        running = self.running(servers)
        return self.random.choice(running) if running else None

    def a_device(self, live: bool = True) -> Device | None:
        """A device that is used, by chance."""
        devices = [device for device in self.world.devices() if device.usable and (device.live or not live)]
        return self.random.choice(devices) if devices else None

    def kill(self, server: Server, why: str, silently: bool = False) -> None:
        """Kill a server, and start it again after a while."""
        if server.up:
            self.hit(why, server.name)
            server.crash(why, silently)
            server.boot_in(self.between(4, 15) if silently else self.random.choice((0.3, 1, 3, 8)))

    def kill_at_step(self, server: Server, steps: int, why: str) -> None:
        """Kill a server when it has taken so many more steps."""
        process = server.process

        def count() -> None:
            nonlocal steps
            steps -= 1
            if steps <= 0:
                self.kill(server, why)

        process.before_step = count

    def heal(self) -> None:
        """Undo what lasts."""
