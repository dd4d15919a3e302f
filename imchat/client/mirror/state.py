"""What a device shows, as values. Everything here is frozen: a change makes a new state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from imchat.client.inbox import Received
from imchat.domain.models import UserCard
from imchat.domain.people import Contact, ContactRequest, Presence, Profile

WINDOW = 500
"""Messages of one conversation that are kept by themselves; older ones are read from the history."""

RequestKey: TypeAlias = tuple[int, bool]
"""The other, and whether they asked."""

Key: TypeAlias = tuple[str, int]
"""What a note of the private stream is about."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation.

    Attributes:
        kind: A :class:`~imchat.domain.models.ConversationKind` number; 0 while nothing is known of it but its events.
        counted: How many events up to ``last_seq`` count as unread for others.
        read_seq: So far the user has read.
        read_ordinal: How many events up to there count as unread for others.
        mention_seq: The newest message that mentions the user.
        hidden_seq: Hidden while there is no message above this seq; 0: not hidden.
        cleared_seq: Everything up to this seq was deleted for oneself.
        deleted: Messages above it that were.
        lines: Messages and system lines as they were last read, by seq.
        acts: Acts that may be newer than those, by the seq of their message and their own.
        known_from: All from this seq on has come, or will; 0: nothing has.
        floor: What is below was dropped to keep the window.
        room: How many lines are kept.
    """

    conversation_id: int
    kind: int = 0
    member_ids: tuple[int, ...] = ()
    title: str = ""
    avatar: str = ""
    last_seq: int = 0
    last_message_seq: int = 0
    last_ms: int = 0
    counted: int = 0
    read_seq: int = 0
    read_ordinal: int = 0
    mention_seq: int = 0
    pinned_ms: int = 0
    muted: bool = False
    hidden_seq: int = 0
    cleared_seq: int = 0
    deleted: frozenset[int] = frozenset()
    lines: Mapping[int, Received] = field(default_factory=dict)
    acts: Mapping[int, Mapping[int, Received]] = field(default_factory=dict)
    known_from: int = 0
    floor: int = 0
    room: int = WINDOW

    @property
    def unread(self) -> int:
        """Messages of others that the user has not read."""
        return max(0, self.counted - self.read_ordinal)

    @property
    def mentioned(self) -> bool:
        """Whether one of them mentions the user."""
        return self.mention_seq > self.read_seq

    @property
    def pinned(self) -> bool:
        """Whether it is pinned."""
        return self.pinned_ms > 0

    @property
    def hidden(self) -> bool:
        """Whether it is hidden until the next message."""
        return self.hidden_seq > 0 and self.last_message_seq <= self.hidden_seq


@dataclass(frozen=True, slots=True)
class MirrorState:
    """All that a device shows.

    Attributes:
        profile: The user's own; None until it is known.
        contacts: What the user has noted about others who are contacts or blocked.
        requests: Contact requests that are pending.
        talks: Conversations by id.
        cards: What people show of themselves, as far as it is known.
        presences: Whether they are there; only of people who are watched.
        base: Lists were taken that tell all up to this seq of the private stream; 0: none yet.
        private_seq: The newest event of the private stream that was applied.
        stamps: The newest note about each thing, where it is newer than the lists.
        stale: Conversations of which a list should be taken anew.
        doubtful: What pushes quote that was not read here, by conversation and seq: the user may have deleted it.
    """

    user_id: int
    window: int = WINDOW
    profile: Profile | None = None
    contacts: Mapping[int, Contact] = field(default_factory=dict)
    requests: Mapping[RequestKey, ContactRequest] = field(default_factory=dict)
    talks: Mapping[int, Talk] = field(default_factory=dict)
    cards: Mapping[int, UserCard] = field(default_factory=dict)
    presences: Mapping[int, Presence] = field(default_factory=dict)
    base: int = 0
    private_seq: int = 0
    stamps: Mapping[Key, int] = field(default_factory=dict)
    stale: frozenset[int] = frozenset()
    doubtful: frozenset[tuple[int, int]] = frozenset()

    def talk(self, conversation_id: int) -> Talk:
        """A conversation, as far as it is known."""
        return self.talks.get(conversation_id) or Talk(conversation_id, room=self.window)

    def stamp(self, key: Key) -> int:
        """Notes about this thing up to this seq change nothing any more."""
        return max(self.base, self.stamps.get(key, 0))
