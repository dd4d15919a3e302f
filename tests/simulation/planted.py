"""Faults planted on purpose, each at one place of imchat's own code, and how they must come to light.

A simulation that does not find them would find no fault of ours either.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation import planted_clients as clients
from tests.simulation import planted_nodes as nodes
from tests.simulation import planted_stores as stores
from tests.simulation.world import World


@dataclass(frozen=True)
class Planted:
    """A planted fault.

    Attributes:
        world: Where it is planted; says what it is.
        codes: The checker's codes of which one at least must come up: what the fault breaks for users.
    """

    world: type[World]
    codes: tuple[str, ...]


PLANTED = (
    Planted(stores.AcknowledgesBeforeCommit, ("lost",)),
    Planted(stores.SkipsTheResendCheck, ("forged", "answered_unalike")),
    Planted(stores.PublishesBeforeCommit, ("shown_differently", "shown_twice")),
    Planted(stores.NumbersWithoutTheLock, ("hole", "skipped")),
    Planted(stores.CommitsWhatIsLeft, ("hole",)),
    Planted(stores.TakesUnknownForDone, ("lost",)),
    Planted(stores.RefusesResends, ("answered_unalike",)),
    Planted(stores.CountsFromMemory, ("miscounted",)),
    Planted(nodes.NeverSweeps, ("not_shown",)),
    Planted(nodes.ConfirmsTheWrongChannel, ("not_shown",)),
    Planted(nodes.DropsOnAFullBuffer, ("not_shown",)),
    Planted(nodes.RemembersTheDead, ("ghost",)),
    Planted(nodes.IgnoresNewConversations, ("not_shown",)),
    Planted(nodes.ForgetsTheOrderRule, ("reordered",)),
    Planted(nodes.LetsReplacedDevicesStay, ("ghost",)),
    Planted(nodes.TellsEverybody, ("intruded",)),
    Planted(clients.ShowsWhatComes, ("skipped",)),
    Planted(clients.SendsTheNewestFirst, ("reordered",)),
    Planted(clients.SendsAgainUnderAnotherId, ("forged",)),
    Planted(clients.SavesThePositionFirst, ("skipped",)),
)
