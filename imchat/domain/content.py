"""What an event can carry, and the rules for it.

The numbers of :class:`ContentKind` are stored and sent: they never change. Below 64 stand the kinds that people
send into conversations, from 64 those that only the server makes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, TypeAlias

from imchat.domain.errors import InvalidRequest

MAX_TEXT = 8_000
"""Longest text of a message, in Unicode code points."""

# Category Cc of Unicode without line feed and tab.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ContentKind(IntEnum):
    """The stored number of each kind of content."""

    TEXT = 1
    CONVERSATION_ADDED = 64
    SESSIONS_ENDED = 65


@dataclass(frozen=True, slots=True)
class Text:
    """Text of 1 to 8,000 code points."""

    text: str
    kind = ContentKind.TEXT


@dataclass(frozen=True, slots=True)
class ConversationAdded:
    """Private stream: this user is now a member of a conversation.

    Attributes:
        conversation_id: Id of the conversation and of its stream.
        conversation_kind: A :class:`~imchat.domain.models.ConversationKind` number.
        member_ids: The other members, for a direct conversation the one peer.
    """

    conversation_id: int
    conversation_kind: int
    member_ids: tuple[int, ...]
    kind = ContentKind.CONVERSATION_ADDED


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """Private stream: sessions of this user were ended.

    Attributes:
        device_ids: The devices whose sessions were ended; empty where it was all of them.
        reason: ``logout``, ``password_reset`` or ``operator``.
    """

    device_ids: tuple[str, ...]
    reason: str
    kind = ContentKind.SESSIONS_ENDED


Content: TypeAlias = Text | ConversationAdded | SessionsEnded


class ContentCodec(Protocol):
    """Turns content into the bytes that are stored and sent, and back."""

    def encode(self, content: Content) -> bytes:
        """Return the stored form of a content."""

    def decode(self, kind: int, data: bytes) -> Content | None:
        """Return the content of a stored form, None where the kind is unknown to this program."""


def is_message(kind: int) -> bool:
    """Whether events of this kind are messages, and so count as unread for others (DESIGN: streams)."""
    return kind < ContentKind.CONVERSATION_ADDED


def check_sendable(content: Content) -> None:
    """Check a content that a person wants to send.

    Raises:
        InvalidRequest: a kind that only the server makes, a text of a wrong length or with control characters
            other than line feed and tab.
    """
    if not isinstance(content, Text):
        raise InvalidRequest("this kind of content is made by the server only")
    if not 1 <= len(content.text) <= MAX_TEXT:
        raise InvalidRequest(f"a text has 1 to {MAX_TEXT} characters")
    if _CONTROLS.search(content.text):
        raise InvalidRequest("a text must not contain control characters")
    if content.text.isspace():
        raise InvalidRequest("a text must not be blank")


def digest(kind: int, data: bytes) -> bytes:
    """Digest (SHA-256) of a content as first accepted; decides whether a resend is the same message."""
    return hashlib.sha256(kind.to_bytes(4, "big") + data).digest()
