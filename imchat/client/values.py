"""What the client's requests give, beyond the values of the domain. Times are milliseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass

from imchat.client.inbox import Received
from imchat.domain.models import UserCard
from imchat.domain.notes import ConversationState
from imchat.domain.people import Contact, ContactRequest, Presence, SessionInfo


@dataclass(frozen=True, slots=True)
class ListedContact:
    """A contact, or somebody who is blocked, and what they show of themselves."""

    contact: Contact
    card: UserCard


@dataclass(frozen=True, slots=True)
class ListedRequest:
    """A contact request, and what the other shows of themselves."""

    request: ContactRequest
    card: UserCard


@dataclass(frozen=True, slots=True)
class ContactChange:
    """How things stand between the user and another after a change; ``requests`` are those that exist."""

    contact: Contact
    requests: tuple[ContactRequest, ...]


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is new of a person: card or presence, or both."""

    user_id: int
    card: UserCard | None = None
    presence: Presence | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far another member has received and read a conversation."""

    conversation_id: int
    user_id: int
    delivered_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class TypingSeen:
    """Somebody types in a conversation right now."""

    conversation_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class OwnSession:
    """One of the user's devices; ``current`` is the one that asked."""

    info: SessionInfo
    current: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A line of the list of conversations.

    Attributes:
        kind: A :class:`~imchat.domain.models.ConversationKind` number.
        member_ids: The other members, at most 8.
        newest: The newest message that this user sees.
        mentioned: A message above ``read_seq`` mentions the user.
        counted: How many events up to ``last_seq`` count as unread for others.
        mention_seq: The newest message that mentions the user, 0 where none does.
    """

    conversation_id: int
    kind: int
    member_ids: tuple[int, ...]
    title: str
    avatar: str
    newest: Received | None
    last_seq: int
    last_message_seq: int
    last_ms: int
    unread: int
    mentioned: bool
    state: ConversationState
    read_seq: int
    counted: int
    mention_seq: int
