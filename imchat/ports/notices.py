"""What chat nodes tell each other over the bus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from imchat.domain.models import Event


@dataclass(frozen=True, slots=True)
class EventsAppended:
    """Events were committed to a stream by another part: push them to the members that are here."""

    stream_id: int
    member_version: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class SessionsClosed:
    """Connections of these devices (all where None) must end with the error ``code``.

    ``below_generation`` spares connections of that generation and above.
    """

    user_id: int
    device_ids: tuple[str, ...] | None
    code: str
    below_generation: int | None = None


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """On ``person:ID``: the profile of a person, or their presence, is another now. Whoever watches them asks anew."""

    user_id: int
    profile: bool
    presence: bool


@dataclass(frozen=True, slots=True)
class ReceiptMoved:
    """A member has received and read up to these; to be told to ``for_ids`` alone. Lost without harm."""

    conversation_id: int
    user_id: int
    delivered_seq: int
    read_seq: int
    for_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TypingSeen:
    """A member is typing; to be told to ``for_ids`` alone. Lost without harm."""

    conversation_id: int
    user_id: int
    for_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RelationsChanged:
    """On ``user:ID``: whom this user may watch is to be looked at anew, and what is remembered of the direct
    conversation of the two whose relation changed (0: they have none, or it does not bear on it) is out of date."""

    user_id: int
    conversation_id: int = 0


Notice = EventsAppended | SessionsClosed | PersonChanged | ReceiptMoved | TypingSeen | RelationsChanged


class Publisher(Protocol):
    """The sending half of the bus, for those who host no connections."""

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Send notices to channels (``user:ID``, ``conversation:ID``, ``person:ID``); one's own are not echoed."""


class Bus(Publisher, Protocol):
    """Rings the bell on other nodes. Losing a notice costs a delay, never a message."""

    @property
    def suspect(self) -> bool:
        """Whether notices may be missed at the moment, so that one has to look for oneself every few seconds."""

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Return when the subscriptions are known to hold.

        Where the bus is away it returns nevertheless, with :attr:`suspect` set; they are made when it is back.
        """

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Stop hearing these channels."""

    def listen(self, receive: Callable[[str, Notice], None]) -> None:
        """Set the one function that gets this node's notices as (channel, notice)."""

    def watch(self, suspected: Callable[[str], None]) -> None:
        """Set the one function that is told at once, with the reason, whenever notices may have been missed."""
