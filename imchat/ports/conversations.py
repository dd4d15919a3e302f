"""Conversations as each user sees them, positions of reading, and how long content is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imchat.domain.conversations import Conversation, Mark, Receipt, Selection, StateChange
from imchat.domain.models import Event
from imchat.ports.streams import Announce


class OwnStateStore(Protocol):
    """What a user sees and decides of the conversations in which they are now."""

    async def conversations(
        self, user_id: int, selection: Selection, cursor: tuple[int, int] | None, limit: int
    ) -> tuple[list[Conversation], tuple[int, int] | None]:
        """One page of a user's conversations, newest first, and the cursor (last_ms, id) of the next, None at the end.

        Those without an event are left out unless they are pinned or asked for by id. Costs the same few statements
        whatever their number and the length of their histories.
        """

    async def set_state(
        self, user_id: int, conversation_id: int, change: StateChange, announce: Announce, now_ms: int
    ) -> tuple[Event, ...] | None:
        """Change a user's state of a conversation and tell it in the private stream, in one transaction.

        Returns:
            The events: none where nothing changes. None if the user is not in the conversation.
        """

    async def delete(
        self, user_id: int, conversation_id: int, seqs: Sequence[int], through_seq: int, announce: Announce
    ) -> tuple[Event, ...] | None:
        """Delete messages for a user alone, these or (if not 0) all up to ``through_seq``, and tell it once.

        Returns:
            As of :meth:`set_state`.

        Raises:
            InvalidRequest: one of them is above the end of the conversation.
        """


@dataclass(frozen=True, slots=True)
class Marked:
    """What became of marks.

    Attributes:
        refusals: One for each mark, in order: the code of the error, or None.
        moved: Where the members are now who moved on.
        events: What was appended to private streams.
    """

    refusals: Sequence[str | None]
    moved: Sequence[Receipt]
    events: Sequence[Event] = ()


class PositionStore(Protocol):
    """How far members have received and read. Positions only move forwards."""

    async def mark_read(self, marks: Sequence[Mark], announce: Announce) -> Marked:
        """Raise read positions and tell each that moved in its user's private stream, all in one transaction.

        A mark is refused with ``not_found`` where the user is not in the conversation, with ``invalid_request`` where
        it is above its end, with ``unavailable`` where another keeps the private stream locked.
        """

    async def mark_delivered(self, marks: Sequence[Mark]) -> Marked:
        """Raise delivered positions in one transaction; refused as in :meth:`mark_read`."""

    async def receipts(self, user_id: int, conversation_id: int) -> list[Receipt] | None:
        """Where the other members of a conversation are, as far as the user may know; None if they are not in it."""

    async def takers(self, conversation_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """The members who send receipts, and so are told of others'; of too large conversations none."""


class RetentionStore(Protocol):
    """Content that is kept for a limited time."""

    async def take(self, job: str, now_ms: int, next_ms: int) -> bool:
        """Whether the caller is the one who does a job that is due; it is due again at ``next_ms``."""

    async def expire(self, kind: int, before_ms: int, from_id: int) -> int | None:
        """Empty the content of some messages of one kind that are older than ``before_ms``; their rows stay.

        Args:
            kind: Which.
            before_ms: All that came before this time.
            from_id: The first conversation to look at.

        Returns:
            Where to go on; None when nothing is left to be done.
        """
