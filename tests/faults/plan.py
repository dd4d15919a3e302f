"""Which faults, in which order: decided by a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Card:
    """One fault that can be done.

    Attributes:
        action: What is done, such as ``kill``.
        target: To what, such as ``chat-a``.
        hold: The shortest and the longest time for which it stays, in seconds.
        core: Dealt before the others, so that a short run has it.
        touches: Processes that must be left alone meanwhile, the target's by default.
    """

    action: str
    target: str
    hold: tuple[float, float] = (0.0, 0.0)
    core: bool = False
    touches: frozenset[str] = field(default=frozenset())

    @property
    def busy(self) -> frozenset[str]:
        """What no second fault may touch at the same time."""
        return self.touches or frozenset((self.target,))

    def __str__(self) -> str:
        return f"{self.action} {self.target}"


@dataclass(frozen=True, slots=True)
class Step:
    """One fault of a plan.

    Attributes:
        pause: Seconds of quiet before it.
        hold: Seconds for which it stays.
        beside: Whether the next one begins while this one stays.
    """

    card: Card
    pause: float
    hold: float
    beside: bool


BESIDE = 0.25
"""How often two faults overlap."""

PAUSE = (0.8, 3.0)


def deal(random_: random.Random, cards: Sequence[Card]) -> Iterator[Card]:
    """Cards without end: all of them before any comes again, each time in another order."""
    while True:
        for core in (True, False):
            part = [card for card in cards if card.core is core]
            random_.shuffle(part)
            yield from part


def plan(seed: int, cards: Sequence[Card]) -> Iterator[Step]:
    """Faults without end; the same for the same seed and cards."""
    # Not for secrets.
    random_ = random.Random(seed)
    cards_dealt = deal(random_, cards)
    card = next(cards_dealt)
    busy: frozenset[str] = frozenset()
    while True:
        following = next(cards_dealt)
        busy |= card.busy
        beside = random_.random() < BESIDE and not busy & following.busy
        if not beside:
            busy = frozenset()
        yield Step(card, random_.uniform(*PAUSE), random_.uniform(*card.hold), beside)
        card = following


def finale(seed: int, cards: Sequence[Card]) -> Step:
    """The last fault of a run, in the middle of which everybody falls silent."""
    random_ = random.Random(f"finale of {seed}")
    card = random_.choice(cards)
    return Step(card, random_.uniform(*PAUSE), random_.uniform(*card.hold), beside=False)
