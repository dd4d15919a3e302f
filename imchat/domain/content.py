"""What an event can carry: messages, acts on them, and what the server writes."""

from __future__ import annotations

import hashlib
from typing import Protocol, TypeAlias

from imchat.domain.kinds import ContentKind as ContentKind
from imchat.domain.kinds import is_act as is_act
from imchat.domain.kinds import is_message as is_message
from imchat.domain.messages import Act as Act
from imchat.domain.messages import AnyMessage as AnyMessage
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
from imchat.domain.messages import passed_on as passed_on
from imchat.domain.notes import ConversationAdded as ConversationAdded
from imchat.domain.notes import ConversationState as ConversationState
from imchat.domain.notes import MessagesDeleted as MessagesDeleted
from imchat.domain.notes import ReadPosition as ReadPosition
from imchat.domain.notes import SessionsEnded as SessionsEnded
from imchat.domain.notes import SystemLine as SystemLine
from imchat.domain.people import Contact, ContactRequest, Profile
from imchat.domain.sendable import MAX_TEXT as MAX_TEXT
from imchat.domain.sendable import check_sendable as check_sendable

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


def digest(kind: int, data: bytes) -> bytes:
    """Digest (SHA-256) of a content as first accepted; decides whether a resend is the same message."""
    return hashlib.sha256(kind.to_bytes(4, "big") + data).digest()
