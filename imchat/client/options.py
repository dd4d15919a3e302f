"""What a client is given: its surroundings, and how it is to behave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from imchat.client.backoff import Timing
from imchat.client.gate import Gate
from imchat.client.network import Connect
from imchat.client.state import StateStore

DEFAULT_TIMING = Timing()


class Randomness(Protocol):
    """What a client needs of :class:`imchat.net.ids.SecureIds`."""

    def client_id(self) -> bytes:
        """16 random bytes."""

    def fraction(self) -> float:
        """A random number from 0 up to 1."""


class Status(StrEnum):
    """What a client's connection is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Outside:
    """What a client gets from outside: servers, time, randomness, storage."""

    gate: Gate
    connect: Connect
    clock: IReactorTime
    ids: Randomness
    store: StateStore


@dataclass(frozen=True, slots=True)
class Options:
    """How a client behaves.

    Attributes:
        newest: Where a client without saved positions begins: None at the beginning of each stream, else with so
            many of its newest events.
        device_name: What the user's list of devices shows.
        platform: What the program runs on.
        delivered: Whether the server is told what a handler has received, for the others' receipts.
        private_lag: When the user's private stream is ahead by more than this many events at a login, they are
            skipped: whoever sets this takes the present state from lists instead. None replays them all.
        on_status: Told what the connection does: a :class:`Status` and a sentence for people.
    """

    newest: int | None = None
    device_name: str = "imchat"
    platform: str = "python"
    timing: Timing = DEFAULT_TIMING
    on_status: Callable[[Status, str], None] | None = None
    delivered: bool = True
    private_lag: int | None = None
