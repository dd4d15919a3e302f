"""A message on its way into the store, and who waits for what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from imchat.chat.logic.connection import Block, Live
from imchat.domain.errors import IMError, Passing
from imchat.domain.models import Draft, Stored

Outcome: TypeAlias = Stored | IMError
"""What became of a message."""

Key: TypeAlias = tuple[int, int, bytes]
"""stream_id, sender_id, client_id: what makes two messages the same."""


class Submission:
    """A draft with those who wait for it.

    Args:
        draft: What is to be stored, or with ``draft.refusal`` only looked up.
        live: The connection that sent it first.
        tag: Under which that connection waits.
        refusal: The error that ``draft.refusal`` stands for.
        alike: It is refused only because another message blocks its conversation.
    """

    __slots__ = ("alike", "draft", "joined", "key", "live", "refusal", "size", "tag")

    def __init__(self, draft: Draft, live: Live, tag: int, refusal: IMError | None = None, alike: bool = False) -> None:
        self.draft = draft
        self.key: Key = (draft.stream_id, draft.sender_id, draft.client_id)
        self.live = live
        self.tag = tag
        self.refusal = refusal
        self.alike = alike
        self.joined: list[tuple[Live, int]] | None = None
        self.size = len(draft.content)

    def join(self, live: Live, tag: int) -> None:
        """The same message came again: one outcome for both."""
        if self.joined is None:
            self.joined = []
        self.joined.append((live, tag))

    def waiters(self) -> Iterator[tuple[Live, int]]:
        """All who wait, in the order in which they came."""
        yield self.live, self.tag
        if self.joined is not None:
            yield from self.joined

    def lives(self) -> tuple[Live, ...]:
        """The connections that wait."""
        if self.joined is None:
            return (self.live,)
        return (self.live, *(live for live, _ in self.joined))


MAX_BLOCKS = 1_000
"""Conversations of one connection in which something failed; one more ends the connection, and with it the order."""


def block(live: Live, submission: Submission, error: IMError) -> None:
    """A message failed for a passing reason: what this connection sends there from now on is refused alike."""
    live.blocks[submission.draft.stream_id] = Block(submission.draft.client_id, error)
    if len(live.blocks) > MAX_BLOCKS:
        live.connection.goodbye(error)


def unblock(live: Live, submission: Submission) -> None:
    """A message is on its way again, or stored: what it blocked is free."""
    found = live.blocks.get(submission.draft.stream_id)
    if found is not None and found.client_id == submission.draft.client_id:
        del live.blocks[submission.draft.stream_id]


class OrderRule:
    """What must not be stored any more after some messages failed for a passing reason.

    One object serves one failed flush: first :meth:`fail` each of its messages in order, then ask :meth:`follows` for
    each that still waits, in order, and fail those too.
    """

    def __init__(self) -> None:
        self._failed: dict[tuple[Live, int], IMError] = {}

    def fail(self, submission: Submission, error: IMError) -> None:
        """Block the conversation for every connection that waits for this message, at the first that failed."""
        if isinstance(submission.refusal, Passing):
            # It was never to be stored, and blocks since it came, or something before it does.
            return
        for live, _ in submission.waiters():
            lane = (live, submission.draft.stream_id)
            if lane not in self._failed:
                self._failed[lane] = error
                block(live, submission, error)

    def follows(self, submission: Submission) -> IMError | None:
        """The error with which a waiting message fails, for one before it did; one that is only looked up does not."""
        if submission.refusal is not None:
            return None
        return self._failed.get((submission.live, submission.draft.stream_id))
