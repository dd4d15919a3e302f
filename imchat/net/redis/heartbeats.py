"""Who is on the bus, and whether one's own voice comes back: rules without sockets and without a clock.

Time is counted in ticks, one a second. A clock that is set back would hide a dead node for as long.
"""

from __future__ import annotations

from dataclasses import dataclass

INTERVAL = 1.0
"""Seconds from one tick, and from one heartbeat, to the next."""

MISSING_AFTER = 3
"""Ticks without a heartbeat after which it is missing."""

FORGOTTEN_AFTER = 60
"""Ticks after which a node that is missing is taken for gone. Until then it may be alive, cut off from Redis alone,
and store messages of which nobody hears; after that the sweep that needs no suspicion is enough."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who publishes: a node, from one start to its end. ``incarnation`` is random: names are not relied on."""

    node_id: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a node says of itself every second.

    Attributes:
        failed_publishes: How many failed since it was started.
        leaving: It ends in order; this is the last one.
    """

    origin: Origin
    failed_publishes: int
    leaving: bool = False


@dataclass(slots=True)
class _Node:
    failed_publishes: int
    silent: int = 0


class Heartbeats:
    """Judges heartbeats. A reason for suspicion is a short English text; it means: notices may have been missed.

    Args:
        origin: This node.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._failed_publishes = 0
        self._own = _Node(0)
        self._unheard = 0
        self._others: dict[Origin, _Node] = {}

    @property
    def suspect(self) -> bool:
        """Whether a heartbeat is missing: one's own, or that of a node that is not known to be gone."""
        return _missing(self._own) or any(_missing(node) for node in self._others.values())

    def publish_failed(self) -> None:
        """Count a publish that failed or was not answered in time."""
        self._failed_publishes += 1

    def next(self, leaving: bool = False) -> Heartbeat:
        """The heartbeat to send now."""
        return Heartbeat(self.origin, self._failed_publishes, leaving)

    def sent(self) -> None:
        """Redis took our heartbeat."""
        self._unheard += 1

    def deaf(self) -> bool:
        """Whether heartbeats that Redis took do not come back, so that the subscription is to be made anew.

        After True it begins to count anew.
        """
        if self._unheard < MISSING_AFTER:
            return False
        self._unheard = 0
        return True

    def tick(self) -> list[str]:
        """A second has passed; return the reasons for suspicion that it brought."""
        reasons = []
        if _falls_silent(self._own):
            reasons.append("the own heartbeat is missing")
        for origin, node in list(self._others.items()):
            if _falls_silent(node):
                reasons.append(f"the heartbeat of {origin.node_id} is missing")
            elif node.silent >= FORGOTTEN_AFTER:
                del self._others[origin]
        return reasons

    def heard(self, beat: Heartbeat) -> str | None:
        """Take a heartbeat from the channel; return a reason for suspicion if it is one."""
        if beat.origin == self.origin:
            self._unheard = 0
            return _comes_back(self._own, "the own heartbeat")
        name = beat.origin.node_id
        node = self._others.get(beat.origin)
        if beat.leaving:
            self._others.pop(beat.origin, None)
            return f"{name} left"
        if node is None:
            self._others[beat.origin] = _Node(beat.failed_publishes)
            return f"{name} came"
        reason = _comes_back(node, f"the heartbeat of {name}")
        if beat.failed_publishes != node.failed_publishes:
            node.failed_publishes = beat.failed_publishes
            reason = f"{name} failed to publish"
        return reason


def _missing(node: _Node) -> bool:
    return node.silent >= MISSING_AFTER


def _falls_silent(node: _Node) -> bool:
    node.silent += 1
    return node.silent == MISSING_AFTER


def _comes_back(node: _Node, what: str) -> str | None:
    was_missing = _missing(node)
    node.silent = 0
    return f"{what} is back" if was_missing else None
