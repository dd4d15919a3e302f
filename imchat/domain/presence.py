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
    """What is to be told now.

    Attributes:
        put: Devices that are new or have changed.
        drop: Devices that are gone.
        changed: It makes a difference to those who watch.
        left_ms: When the last device left; None while one is here.
    """

    put: dict[str, DevicePresence]
    drop: tuple[str, ...]
    changed: bool
    left_ms: int | None


class Here:
    """The devices of one user at one node: how they are, and what of it was told."""

    __slots__ = ("_devices", "_left", "_left_ms", "_next_ms", "_told")

    def __init__(self) -> None:
        self._devices: dict[str, DevicePresence] = {}
        self._left: dict[str, int] = {}
        self._told: dict[str, DevicePresence] = {}
        self._left_ms = 0
        self._next_ms = 0

    @property
    def told(self) -> dict[str, DevicePresence]:
        """The devices that others were told of, and not yet that they are gone."""
        return self._told

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
            self._left[device_id] = self._left_ms = now_ms

    def due_ms(self) -> int | None:
        """When to :meth:`step` next; None: not before something happens."""
        if any(self._told.get(device_id) != device for device_id, device in self._devices.items()):
            return self._next_ms
        if self._left:
            return max(min(self._left.values()) + OFFLINE_AFTER_MS, self._next_ms)
        return None if self._devices else self._next_ms

    def over(self, now_ms: int) -> bool:
        """Whether nothing has to be remembered of the user any more."""
        return not (self._devices or self._left or self._told) and now_ms >= self._next_ms

    def step(self, now_ms: int) -> Step | None:
        """What is to be told now; None if nothing is, or it is too early."""
        if now_ms < self._next_ms:
            return None
        self._left = {one: left for one, left in self._left.items() if now_ms < left + OFFLINE_AFTER_MS}
        waiting = {one: self._told[one] for one in self._left if one in self._told}
        now = {**waiting, **self._devices}
        put = {one: device for one, device in now.items() if self._told.get(one) != device}
        drop = tuple(one for one in self._told if one not in now)
        if not (put or drop):
            return None
        changed = combined(self._told.values()) != combined(now.values())
        self._told, self._next_ms = now, now_ms + PACE_MS
        return Step(put, drop, changed, None if now else self._left_ms)
