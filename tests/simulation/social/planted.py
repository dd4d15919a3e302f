"""Faults planted on purpose among scripted people, and how they must come to light.

``python -m tests.simulation.social.planted`` tells in which seed it finds each, and by what; names limit it to these.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace

from tests.simulation.social.faulty import (
    AsksNobodyUnderTheLock,
    CountsOwnMessages,
    EditsDoNotReach,
    ForgetsMentions,
    ForgetsWhoUnblocks,
    KeepsWhatWasRecalled,
    LeavesReactions,
    MissesPins,
    MissesRecalls,
    RefusesRecalls,
    RemembersWhoMayTalk,
    ShowsPresenceToAnybody,
    TellsNobodyWhoTypes,
    TellsNoDeletion,
    TellsNoReadPosition,
    TellsNoReceipts,
    TellsOneSideAlone,
)
from tests.simulation.social.run import run_social
from tests.simulation.social.world import SocialWorld, social_conditions
from tests.simulation.worker import quiet

SEEDS = 6
"""Within so many seeds each fault must come to light."""

SETTLE = 12.0
"""For so long they wait for the world to come to rest, in simulated seconds."""


@dataclass(frozen=True)
class Planted:
    """A planted fault.

    Attributes:
        world: Where it is planted; says what it is.
        says: What a violation must say that brings it to light, as a pattern from its beginning on.
        first: A seed from which on it is looked for: one that finds it soon.
    """

    world: type[SocialWorld]
    says: str
    first: int = 2


PLANTED = (
    Planted(CountsOwnMessages, r"unread: .* own message"),
    Planted(LeavesReactions, r"acts: .* has the reactions .* should have \[\]"),
    Planted(ForgetsMentions, r"mentions: .* mention_seq 0, and \d+ mentions them"),
    Planted(KeepsWhatWasRecalled, r"acts: .* was recalled, and has "),
    Planted(AsksNobodyUnderTheLock, r"not_permitted: .* may not talk"),
    Planted(EditsDoNotReach, r"disagrees: .*/content is .*edited'"),
    Planted(RefusesRecalls, r"refused: .* recalled: too_late, and nothing speaks for it"),
    Planted(TellsNoReadPosition, r"notes: .* is read up to \d+, told was ReadPosition"),
    Planted(TellsNoDeletion, r"notes: .*(cleared up to|other messages are deleted)"),
    Planted(TellsOneSideAlone, r"notes: .*(contacts|pending) are"),
    Planted(ForgetsWhoUnblocks, r"unsettled: (card|presence): "),
    Planted(ShowsPresenceToAnybody, r"unsettled: presence: .*ONLINE.* should be .*OFFLINE"),
    Planted(TellsNoReceipts, r"receipts: .* was told .* is Receipt"),
    Planted(TellsNobodyWhoTypes, r"typing: .* does not see"),
    Planted(RemembersWhoMayTalk, r"typing: .* who may not talk to them|receipts: .* should be told nothing", 12),
    Planted(MissesPins, r"disagrees: .*/(pinned_ms|muted|hidden) is"),
    Planted(MissesRecalls, r"disagrees: .*/state is 'NORMAL', should be 'RECALLED'"),
)


def find(planted: Planted) -> tuple[int, str] | None:
    """The first seed in which a planted fault comes to light, and by what."""
    for seed in range(planted.first, planted.first + SEEDS):
        # What is not shown now will not be shown later either.
        given = replace(social_conditions(seed), plain_database=True, nodes=2, messages=300, settle=SETTLE)
        for line in run_social(seed, planted.world, given).violations:
            if re.match(planted.says, line):
                return seed, line
    return None


def main(names: list[str]) -> None:
    """Print how each planted fault comes to light."""
    quiet()
    for planted in PLANTED:
        if not names or planted.world.__name__ in names:
            found = find(planted)
            print(f"{planted.world.__name__}: {planted.world.__doc__}", flush=True)
            print(f"    seed {found[0]}: {found[1][:300]}" if found else f"    not found in {SEEDS} seeds", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
