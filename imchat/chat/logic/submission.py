"""A message on its way into the store, and who waits for what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from imchat.chat.logic.connection import Live
from imchat.domain.errors import IMError
from imchat.domain.models import Draft, Stored

Outcome: TypeAlias = Stored | IMError
"""What became of a message."""

Key: TypeAlias = tuple[int, int, bytes]
"""stream_id, sender_id, client_id: what makes two messages the same."""


class Waiter(NamedTuple):
    """A request that waits for the outcome of a message: whose, under which tag, and its place among theirs."""

    live: Live
    tag: int
    arrival: int


class Submission:
    """A draft with those who wait for it.

    Args:
        draft: What is to be stored, or with ``draft.refusal`` only looked up.
        live: The connection that sent it first.
        tag: Under which that connection waits.
        refusal: The error that ``draft.refusal`` stands for.

    Attributes:
        arrival: Its place among all that came over ``live``.
        joined: Others who wait.
        failed: It failed for a passing reason, though its flush is not over.
    """

    __slots__ = ("arrival", "draft", "failed", "joined", "key", "live", "refusal", "size", "tag")

    def __init__(self, draft: Draft, live: Live, tag: int, refusal: IMError | None = None, alike: bool = False) -> None:
        self.draft = draft
        self.key: Key = (draft.stream_id, draft.sender_id, draft.client_id)
        self.live = live
        self.tag = tag
        live.arrivals += 1
        self.arrival = live.arrivals
        self.refusal = refusal
        self.failed: IMError | None = None
        self.joined: list[Waiter] | None = None
        self.size = len(draft.content) + len(draft.replacement)

    def join(self, live: Live, tag: int) -> Waiter:
        """The same message came again: one outcome for both."""
        if self.joined is None:
            self.joined = []
        live.arrivals += 1
        waiter = Waiter(live, tag, live.arrivals)
        self.joined.append(waiter)
        return waiter

    def waiters(self) -> Iterator[Waiter]:
        """All who wait, in the order in which they came."""
        yield Waiter(self.live, self.tag, self.arrival)
        if self.joined is not None:
            yield from self.joined

    def lives(self) -> tuple[Live, ...]:
        """The connections that wait."""
        if self.joined is None:
            return (self.live,)
        return (self.live, *(waiter.live for waiter in self.joined))
