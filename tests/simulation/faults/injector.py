"""Chooses faults by chance and lets them strike while people talk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.database.faults import Injected
from tests.simulation.faults.kinds import Faults
from tests.simulation.faults.of_data import DataFaults
from tests.simulation.faults.of_devices import DeviceFaults
from tests.simulation.faults.of_network import NetworkFaults
from tests.simulation.faults.of_servers import ServerFaults

if TYPE_CHECKING:
    from tests.simulation.load import People
    from tests.simulation.world import World

GROUPS: tuple[type[Faults], ...] = (ServerFaults, DataFaults, NetworkFaults, DeviceFaults)

ALSO = ("device killed: what it was writing is kept", "device killed: what it was writing is lost")
"""Counted beside the kind of which they are a part."""

LOAD = (
    "registered by mail",
    "device off for a while",
    "device lost with its state",
    "new device",
    "session taken over",
    "session replaced",
    "session ended",
    "logged out",
    "password reset",
    "resent after the acknowledgement",
    "conflict",
)
"""What people do that every run wants to see."""

KINDS = [name for group in GROUPS for name, _, _ in group.kinds()]
"""The names of all kinds of faults."""

WANTED = (*KINDS, *ALSO, *LOAD)
"""A run of many seeds must have seen each of them."""


class Injector:
    """Lets faults strike.

    Args:
        world: Where.
        people: Who talks there.
    """

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._random = world.randoms("fault kinds")
        self._groups = [group(world, people) for group in GROUPS]
        self._choice = [
            (weight, getattr(group, method)) for group in self._groups for _, weight, method in group.kinds()
        ]
        self._servers, self._data = self._groups[:2]
        world.database.plan = self._at_database

    def _at_database(self, point: str, process: str, transaction: str) -> Injected | None:
        if self._servers.at_database(point, process, transaction):
            return None
        return self._data.at_database(point, process, transaction)

    def plan(self, seconds: float) -> None:
        """Let faults strike from now on for so long."""
        for _ in range(self._world.conditions.faults):
            self._world.timeline.after(self._random.random() * seconds, self._strike)

    def _strike(self) -> None:
        weights = [weight for weight, _ in self._choice]
        for _, method in self._random.choices(self._choice, weights, k=10):
            if method():
                return

    def heal(self) -> None:
        """From now on all is well."""
        for group in self._groups:
            group.heal()
