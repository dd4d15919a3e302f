"""Presence: what several devices come to, what others are told of it, and when.

Pure: times are arguments, in ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imchat.domain.people import Presence, PresenceState

OFFLINE_AFTER_MS = 5_000
"""A device that is back before so long was never away."""

PACE_MS = 3_000
"""At least so long between two changes of one user that are told: a flapping connection makes no storm."""


@dataclass(frozen=True, slots=True)
class PresenceEntry:
    """One device of a user, as the node says that has its connection.

    Attributes:
        node: Incarnation of the node.
        state: ONLINE or AWAY.
    """

    user_id: int
    node: int
    device_id: str
    state: PresenceState
    platform: str


@dataclass(frozen=True, slots=True)
class Seen:
    """When a user was last there, and whether they let nobody know of their presence."""

    last_seen_ms: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class DevicePresence:
    """What a device says of itself."""

    state: PresenceState
    platform: str


def combined(devices: Iterable[DevicePresence | PresenceEntry]) -> Presence:
    """What the devices of a user come to: the highest state, and the platforms of all that are there."""
    there = [device for device in devices if device.state is not PresenceState.OFFLINE]
    state = max((device.state for device in there), default=PresenceState.OFFLINE)
    return Presence(state, tuple(sorted({device.platform for device in there if device.platform})))


def told(entries: Iterable[PresenceEntry], seen: Seen) -> Presence:
    """What those are told who may watch a user; of one who hides it no more than of one who never was there."""
    if seen.hidden:
        return Presence()
    presence = combined(entries)
    if presence.state is PresenceState.OFFLINE:
        return Presence(last_seen_ms=seen.last_seen_ms)
    return presence


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now.

    Attributes:
        put: Devices that are new or have changed.
        drop: Devices that are gone.
        announce: It makes a difference to those who watch, and they are to be told.
    """

    put: dict[str, DevicePresence]
    drop: tuple[str, ...]
    announce: bool


class Here:
    """The devices of one user at one node: how they are, what of it is known to all nodes, and what was announced.

    A new device is made known at once: the user may be on the way from another node, which lets go of them soon.
    """

    __slots__ = ("_announced", "_devices", "_known", "_left", "_moved", "_next_ms")

    def __init__(self) -> None:
        self._devices: dict[str, DevicePresence] = {}
        self._left: dict[str, int] = {}
        self._known: dict[str, DevicePresence] = {}
        self._announced = Presence()
        # What is known was another meanwhile: who looked then has to look again, though it is as it was announced.
        self._moved = False
        self._next_ms = 0

    @property
    def known(self) -> dict[str, DevicePresence]:
        """The devices that are known to all nodes; some may be gone, for now."""
        return self._known

    @property
    def empty(self) -> bool:
        """Whether no device is here, though one may be back soon."""
        return not self._devices

    def set(self, device_id: str, device: DevicePresence) -> None:
        """A device is here, in this state."""
        self._left.pop(device_id, None)
        self._devices[device_id] = device

    def has(self, device_id: str) -> bool:
        """Whether a device is here."""
        return device_id in self._devices

    def leave(self, device_id: str, now_ms: int) -> None:
        """A device is gone, for now."""
        if self._devices.pop(device_id, None) is not None:
            self._left[device_id] = now_ms

    def due_ms(self) -> int | None:
        """When to :meth:`step` next; None: not before something happens."""
        due = [left_ms + OFFLINE_AFTER_MS for left_ms in self._left.values()]
        if not self._known.keys() >= self._devices.keys():
            due.append(0)
        elif (
            any(self._known[one] != device for one, device in self._devices.items())
            or self._unannounced()
            or not (self._devices or self._left)
        ):
            due.append(self._next_ms)
        return min(due, default=None)

    def _unannounced(self) -> bool:
        return self._moved or combined(self._known.values()) != self._announced

    def over(self, now_ms: int) -> bool:
        """Whether nothing has to be remembered of the user any more."""
        return not (self._devices or self._left or self._unannounced()) and now_ms >= self._next_ms

    def step(self, now_ms: int) -> Step:
        """What is to be done now."""
        paced = now_ms >= self._next_ms
        self._left = {one: left_ms for one, left_ms in self._left.items() if now_ms < left_ms + OFFLINE_AFTER_MS}
        put = {one: device for one, device in self._devices.items() if self._changes(one, device, paced)}
        drop = tuple(one for one in self._known if one not in self._devices and one not in self._left)
        self._known = {one: device for one, device in self._known.items() if one not in drop} | put
        self._moved = self._unannounced()
        announce = paced and self._moved
        if announce:
            self._moved = False
            self._announced, self._next_ms = combined(self._known.values()), now_ms + PACE_MS
        return Step(put, drop, announce)

    def _changes(self, device_id: str, device: DevicePresence, paced: bool) -> bool:
        known = self._known.get(device_id)
        return known is None or (paced and known != device)
