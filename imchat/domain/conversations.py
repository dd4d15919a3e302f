"""Conversations as one user sees them, and the rules for what a user decides about them. Times are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from imchat.domain.errors import InvalidRequest, TooLarge
from imchat.domain.models import MAX_ID, ConversationKind, Event, Head
from imchat.domain.notes import ConversationState

MAX_DELETED = 100
"""Most messages that one request deletes one by one."""

RECEIPTS_UP_TO = 50
"""Members of a conversation up to which each is told how far the others have read."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which conversations of a user are listed.

    Attributes:
        ids: These only; empty: all.
        pinned: Only those that are pinned.
        hidden: Also those that are hidden until the next message.
    """

    ids: tuple[int, ...] = ()
    pinned: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation in a user's list.

    Attributes:
        member_ids: The other members, at most 8.
        newest: The newest message that this user sees; None where the newest of all is hidden from them.
        unread: How many messages of others they have not read.
        mentioned: One of these mentions them.
        read_seq: Up to where they have read.
        mention_seq: The newest message that mentions them, 0 where none does.
    """

    head: Head
    kind: ConversationKind
    member_ids: tuple[int, ...]
    title: str
    avatar: str
    newest: Event | None
    unread: int
    mentioned: bool
    state: ConversationState
    read_seq: int
    mention_seq: int = 0


@dataclass(frozen=True, slots=True)
class StateChange:
    """What a user wants to be otherwise with a conversation; None leaves it."""

    pinned: bool | None = None
    muted: bool | None = None
    hidden: bool | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A user has received, or read, a conversation up to ``seq``."""

    user_id: int
    conversation_id: int
    seq: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a member has received and read."""

    conversation_id: int
    user_id: int
    delivered_seq: int
    read_seq: int


def unread(counted: int, read_ordinal: int) -> int:
    """How many events count as unread for a user who has read up to ``read_ordinal`` of ``counted``."""
    return max(0, counted - read_ordinal)


def is_hidden(hidden_seq: int, last_message_seq: int) -> bool:
    """Whether a conversation is hidden: until there is a message above ``hidden_seq``."""
    return hidden_seq > 0 and last_message_seq <= hidden_seq


def changed_state(state: ConversationState, change: StateChange, head: Head, now_ms: int) -> ConversationState:
    """A user's state of a conversation after a change; equal to ``state`` where nothing changes.

    What has no event yet cannot be hidden: it is in no list.
    """
    pinned_ms, muted, hidden_seq = state.pinned_ms, state.muted, state.hidden_seq
    if change.pinned is not None:
        pinned_ms = (pinned_ms or now_ms) if change.pinned else 0
    if change.muted is not None:
        muted = change.muted
    if change.hidden is False:
        hidden_seq = 0
    elif change.hidden and not is_hidden(hidden_seq, head.last_message_seq):
        hidden_seq = head.last_seq
    return replace(state, pinned_ms=pinned_ms, muted=muted, hidden_seq=hidden_seq)


def position_refusal(seq: int, last_seq: int) -> str | None:
    """Whether a user may have received or read up to ``seq`` of a conversation that ends at ``last_seq``."""
    return None if 0 < seq <= last_seq else InvalidRequest.code


def check_deletion(seqs: Sequence[int], through_seq: int) -> None:
    """Check which messages a user wants to delete for themselves.

    Raises:
        TooLarge: too many at once.
        InvalidRequest: none, some in both ways, or numbers that no message can have.
    """
    if len(seqs) > MAX_DELETED:
        raise TooLarge(f"at most {MAX_DELETED} messages at once")
    if bool(seqs) == bool(through_seq):
        raise InvalidRequest("either seqs or through_seq says what to delete")
    if not all(0 < seq <= MAX_ID for seq in (*seqs, through_seq or 1)):
        raise InvalidRequest("there is no message of such a number")


def direct_title(remark: str, nickname: str, name: str) -> str:
    """How a direct conversation is called: as its user calls the other, else as the other calls themselves."""
    return remark or nickname or name


def told_of_receipts(user_id: int, takers: frozenset[int]) -> tuple[int, ...]:
    """Who is told how far a user has read: those who take receipts, if the user does; ascending."""
    return tuple(sorted(takers - {user_id})) if user_id in takers else ()
