"""What the server writes: into private streams, and its own lines in conversations.

What stands in a private stream tells how things are after a change: whoever applies it in order, from wherever, ends
with the present state.
"""

from __future__ import annotations

from dataclasses import dataclass

from imchat.domain.kinds import ContentKind


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
        reason: ``logout``, ``ended``, ``password_reset``, ``password_change`` or ``operator`` (with
            ``account_deleted`` there is nobody left to read it).
    """

    device_ids: tuple[str, ...]
    reason: str
    kind = ContentKind.SESSIONS_ENDED


@dataclass(frozen=True, slots=True)
class ConversationState:
    """Private stream: what this user decided about a conversation.

    Attributes:
        pinned_ms: Since when it is pinned, 0 if it is not.
        hidden_seq: Hidden while there is no message above this seq; 0: not hidden.
        cleared_seq: Everything up to this seq was deleted for oneself.
    """

    conversation_id: int
    pinned_ms: int = 0
    muted: bool = False
    hidden_seq: int = 0
    cleared_seq: int = 0
    kind = ContentKind.CONVERSATION_STATE


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """Private stream: up to where this user has read; it only moves forwards.

    Attributes:
        ordinal: How many events up to there count as unread for others.
    """

    conversation_id: int
    seq: int
    ordinal: int
    kind = ContentKind.READ_POSITION


@dataclass(frozen=True, slots=True)
class MessagesDeleted:
    """Private stream: this user deleted messages for themselves: these, or all up to ``through_seq``."""

    conversation_id: int
    seqs: tuple[int, ...] = ()
    through_seq: int = 0
    kind = ContentKind.MESSAGES_DELETED


@dataclass(frozen=True, slots=True)
class SystemLine:
    """Conversation: something happened, told by a code that clients translate.

    Attributes:
        code: ``contacts_made`` and, in groups, more.
        user_ids: Whom it concerns, who did it first.
        parameters: Names and texts that it speaks of, ascending by name.
    """

    code: str
    user_ids: tuple[int, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    kind = ContentKind.SYSTEM_LINE
