"""What an event can carry: messages, acts on them, and what the server writes; and the rules for what people send."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol, TypeAlias

from imchat.domain.errors import InvalidRequest
from imchat.domain.kinds import ContentKind as ContentKind
from imchat.domain.kinds import is_act as is_act
from imchat.domain.kinds import is_message as is_message
from imchat.domain.messages import Act, AnyMessage
from imchat.domain.messages import Card as Card
from imchat.domain.messages import Custom as Custom
from imchat.domain.messages import Edited as Edited
from imchat.domain.messages import File as File
from imchat.domain.messages import Location as Location
from imchat.domain.messages import Message as Message
from imchat.domain.messages import Picture as Picture
from imchat.domain.messages import Reacted as Reacted
from imchat.domain.messages import Recalled as Recalled
from imchat.domain.messages import Sticker as Sticker
from imchat.domain.messages import Text as Text
from imchat.domain.notes import ConversationAdded as ConversationAdded
from imchat.domain.notes import ConversationState as ConversationState
from imchat.domain.notes import MessagesDeleted as MessagesDeleted
from imchat.domain.notes import ReadPosition as ReadPosition
from imchat.domain.notes import SessionsEnded as SessionsEnded
from imchat.domain.notes import SystemLine as SystemLine
from imchat.domain.people import Contact, ContactRequest, Profile

MAX_TEXT = 8_000
"""Longest text of a message, in Unicode code points."""

# Category Cc of Unicode without line feed and tab.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


Note: TypeAlias = (
    ConversationAdded
    | SessionsEnded
    | Contact
    | ContactRequest
    | ConversationState
    | ReadPosition
    | MessagesDeleted
    | Profile
    | SystemLine
)
"""What the server writes."""

Content: TypeAlias = AnyMessage | Act | Note


class ContentCodec(Protocol):
    """Turns content into the bytes that are stored and sent, and back."""

    def encode(self, content: Content) -> bytes:
        """Return the stored form of a content."""

    def decode(self, kind: int, data: bytes) -> Content | None:
        """Return the content of a stored form, None where the kind is unknown to this program or the content gone."""


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
