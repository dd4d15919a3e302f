"""Streams of events and the conversations that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imchat.domain.content import Note
from imchat.domain.models import (
    Draft,
    EventRange,
    Head,
    HostedStream,
    Member,
    Membership,
    Opened,
    Refused,
    Stored,
    StreamState,
)

Announce = Callable[[Sequence[tuple[int, Note]]], list[Draft]]
"""Makes the drafts of what the server writes, for (stream_id, note); called within a transaction, once in each try."""


Permit = Callable[[Draft, Membership], str | None]
"""Checks permission again under the lock: the code of the refusal, or None."""


MayWrite = Callable[[Sequence[Member]], str | None]
"""Whether two users may write to each other (None) or with which code they are refused; called under the lock."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """Outcome of one flush.

    Attributes:
        outcomes: One per draft, in order.
        reloaded: The memberships that had to be read anew.
        kept: Streams that others kept locked. A draft for one of them is refused with ``unavailable`` unless it is
            stored already: the same call may be made again.
    """

    outcomes: Sequence[Stored | Refused]
    reloaded: Mapping[int, Membership]
    kept: frozenset[int] = frozenset()


class StreamStore(Protocol):
    """Streams of events (DESIGN: streams, the path of a message)."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        """Append drafts to their streams in one durable transaction, in the order given.

        Heads are locked in id order; where a draft of a person carries a ``member_version`` that differs from
        the head's, the membership is read under the lock and ``permit`` decides. A draft whose (stream, sender,
        client id) is stored already is answered with the stored event (``resent``) if the digest is the same, else
        refused with ``conflict``; so is the second of two equal ids within ``drafts``. A draft with ``refusal`` is
        only looked up. One with a ``target`` is judged by :mod:`imchat.domain.acts` in its turn, and changes its
        target in the same transaction; its event comes with the target as it stands then. A person's message moves
        that person's position of reading, and marks those whom it mentions. An unknown stream is refused with
        ``not_found``. Streams that others keep locked hold up no other: see :class:`FlushResult`.

        Raises:
            Unavailable: nothing is known to be stored; the transaction may or may not have been committed.
        """

    async def heads(self, stream_ids: Sequence[int]) -> dict[int, Head]:
        """The heads of those streams that exist."""

    async def read(
        self,
        stream_id: int,
        reader_id: int,
        *,
        after: int | None,
        before: int | None,
        limit: int,
        max_bytes: int,
        for_others: bool = False,
    ) -> EventRange | None:
        """Read a stretch of a stream as a user may see it: their own private stream, or a conversation in which
        they have a period. Events come with reactions, and with the messages that they are about where the user
        sees these too; what they deleted for themselves is left out.

        Args:
            after: Read upwards from this seq (exclusive); with ``before`` given too, up to that (exclusive).
            before: With ``after`` None: read the newest ones below this seq (exclusive; above ``last_seq`` means
                the newest of all).
            limit: At most so many events.
            max_bytes: Stop before the contents together exceed this, but return at least one event.
            for_others: Also what they deleted for themselves, to be handed on to other members.

        Returns:
            None where the stream does not exist or the reader may see none of it.
        """

    async def seq_at(self, stream_id: int, at_ms: int) -> int:
        """The seq of the first event at or after a time; one above the last where there is none, 1 without a stream."""

    async def changed(
        self, user_id: int, positions: Mapping[int, int], cursor: tuple[int, int] | None, limit: int
    ) -> tuple[list[StreamState], tuple[int, int] | None]:
        """Those streams of a user whose ``last_seq`` differs from the position given (0 where none is given).

        The private stream first (on the first page), then conversations, newest activity first. Streams without
        an event are left out.

        Returns:
            One page, and the cursor (last_ms, stream_id) of the next, None at the end.
        """

    async def hosted(self, user_id: int) -> list[HostedStream]:
        """All streams of which a user hears: their private one and the conversations in which they are now.

        Those without an event are told too. Costs one query, as much as the user has conversations.
        """


class ConversationStore(Protocol):
    """Conversations and their members."""

    async def open_direct(
        self,
        user_id: int,
        peer_id: int,
        conversation_id: int,
        announcements: Sequence[Draft],
        now_ms: int,
        may_write: MayWrite | None = None,
    ) -> Opened | None:
        """The direct conversation of two users, created with ``conversation_id`` where there is none.

        ``announcements`` (drafts for private streams) are appended in the transaction that creates it. Where
        ``may_write`` refuses the two, one that exists is found all the same, and none is created.

        Returns:
            None if the peer does not exist.

        Raises:
            IMError: of the code with which ``may_write`` refused.
        """

    async def membership(self, conversation_id: int) -> Membership | None:
        """Who is in a conversation now; None if it does not exist."""
