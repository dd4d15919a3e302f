"""Faults planted on purpose, each at one place of imchat's own code, and how they must come to light.

A simulation that does not find them would find no fault of ours either. ``python -m tests.simulation.planted`` tells in
which seed it finds each, and by what; names of faults limit it to these.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tests.simulation import planted_answers as answers
from tests.simulation import planted_clients as clients
from tests.simulation import planted_nodes as nodes
from tests.simulation import planted_stores as stores
from tests.simulation.run import run_seed
from tests.simulation.world import World

SEEDS = 100
"""Within so many seeds each fault must come to light."""


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
    Planted(answers.SkipsTheResendCheck, ("forged", "answered_unalike")),
    Planted(stores.PublishesBeforeCommit, ("shown_differently", "shown_twice")),
    Planted(stores.NumbersWithoutTheLock, ("hole", "skipped")),
    Planted(stores.CommitsWhatIsLeft, ("hole",)),
    Planted(stores.TakesUnknownForDone, ("lost",)),
    Planted(answers.RefusesResends, ("answered_unalike",)),
    Planted(answers.TrustsStaleMembers, ("forged",)),
    Planted(answers.ShowsHistoryToStrangers, ("intruded",)),
    Planted(stores.CountsFromMemory, ("miscounted",)),
    Planted(nodes.NeverSweeps, ("not_shown",)),
    Planted(nodes.ConfirmsTheWrongChannel, ("not_shown",)),
    Planted(nodes.DropsOnAFullBuffer, ("not_shown",)),
    Planted(nodes.RemembersTheDead, ("ghost",)),
    Planted(nodes.IgnoresNewConversations, ("not_shown",)),
    Planted(nodes.ForgetsTheOrderRule, ("reordered",)),
    Planted(nodes.LetsReplacedDevicesStay, ("ghost",)),
    Planted(nodes.ServesEndedSessions, ("revoked",)),
    Planted(nodes.TellsEverybody, ("intruded",)),
    Planted(clients.ShowsWhatComes, ("skipped",)),
    Planted(clients.SendsTheNewestFirst, ("reordered",)),
    Planted(clients.SendsAgainUnderAnotherId, ("forged",)),
    Planted(clients.TakesWhatWasSentForStored, ("dropped",)),
    Planted(clients.SavesThePositionFirst, ("skipped",)),
)

WHOLE = (nodes.BellAlone, nodes.FarRedis)
"""Worlds in which faults are planted that would not come to light in any other. Without them nothing is wrong there."""


@dataclass(frozen=True)
class Found:
    """How a planted fault came to light.

    Attributes:
        line: The violation.
    """

    seed: int
    line: str


def find(planted: Planted) -> Found | None:
    """Run one seed after another until a planted fault comes to light."""
    for seed in range(1, SEEDS + 1):
        for line in run_seed(seed, planted.world).violations:
            if line.startswith(tuple(f"{code}: " for code in planted.codes)):
                return Found(seed, line)
    return None


def main(names: list[str]) -> None:
    """Print how each planted fault comes to light."""
    for planted in PLANTED:
        if not names or planted.world.__name__ in names:
            found = find(planted)
            print(f"{planted.world.__name__}: {planted.world.__doc__}", flush=True)
            print(f"    seed {found.seed}: {found.line}" if found else f"    not found in {SEEDS} seeds", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
