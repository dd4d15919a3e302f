"""What people send into conversations: messages of every kind, and acts on messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from imchat.domain.kinds import ContentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What any message can have besides its body.

    Attributes:
        reply_to: Seq of the message of the same conversation to which this one replies; 0: to none.
        mentions: Members who are mentioned.
        forwarded: The sender passes on what somebody else wrote.
    """

    reply_to: int = 0
    mentions: tuple[int, ...] = ()
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Text(Message):
    """Text of 1 to 8,000 code points."""

    text: str
    kind = ContentKind.TEXT


@dataclass(frozen=True, slots=True)
class Sticker(Message):
    """An emoji by itself, or a picture of a set (``reference``) for which ``emoji`` stands where it cannot be shown."""

    emoji: str
    reference: str = ""
    kind = ContentKind.STICKER


@dataclass(frozen=True, slots=True)
class Picture(Message):
    """A picture by reference. ``size`` in bytes, ``width`` and ``height`` in pixels; 0 where not known."""

    reference: str
    media_type: str
    size: int = 0
    width: int = 0
    height: int = 0
    name: str = ""
    kind = ContentKind.PICTURE


@dataclass(frozen=True, slots=True)
class File(Message):
    """A file by reference. ``size`` in bytes."""

    reference: str
    media_type: str
    size: int
    name: str
    kind = ContentKind.FILE


@dataclass(frozen=True, slots=True)
class Card(Message):
    """A person is recommended."""

    user_id: int
    kind = ContentKind.CARD


@dataclass(frozen=True, slots=True)
class Location(Message):
    """A place: degrees in WGS 84, and what it is called."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""
    kind = ContentKind.LOCATION


@dataclass(frozen=True, slots=True)
class Custom(Message):
    """Bytes that an application understands, with their media type."""

    media_type: str
    data: bytes
    kind = ContentKind.CUSTOM


@dataclass(frozen=True, slots=True)
class Recalled:
    """The sender of message ``seq`` took it back."""

    seq: int
    kind = ContentKind.RECALLED


@dataclass(frozen=True, slots=True)
class Edited:
    """The sender of message ``seq`` changed its text. The text stands in the message alone, so that it can go."""

    seq: int
    kind = ContentKind.EDITED


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction was set on message ``seq``, or taken away."""

    seq: int
    emoji: str
    removed: bool = False
    kind = ContentKind.REACTED


AnyMessage: TypeAlias = Text | Sticker | Picture | File | Card | Location | Custom
Act: TypeAlias = Recalled | Edited | Reacted


def passed_on(message: AnyMessage) -> AnyMessage:
    """What forwards a message: the same again, without what belongs to the conversation in which it stands."""
    return replace(message, reply_to=0, mentions=(), forwarded=True)
