"""The order rule: when a message fails for a passing reason, those behind it fail too, until it comes again.

It holds for what one connection sends to one conversation. A message that fails for good (``not_found``, ``conflict``)
is no reason: its sender will not send it again.
"""

from __future__ import annotations

from imchat.chat.logic.connection import Block, Live
from imchat.chat.logic.submission import Outcome, Submission, Waiter
from imchat.domain.errors import IMError, Passing

MAX_BLOCKS = 1_000
"""Conversations of one connection in which something failed; one more ends the connection, and with it the order."""


def _block(waiter: Waiter, submission: Submission, error: IMError, settled: bool) -> None:
    live = waiter.live
    live.blocks[submission.draft.stream_id] = Block(submission.draft.client_id, waiter.arrival, error, settled)
    if len(live.blocks) > MAX_BLOCKS:
        live.connection.goodbye(error)


def refusal(live: Live, conversation_id: int, client_id: bytes) -> IMError | None:
    """The error with which a message is refused because of one before it, None if nothing is before it."""
    found = live.blocks.get(conversation_id) if live.blocks else None
    return None if found is None or found.client_id == client_id else found.error


def arrived(waiter: Waiter, submission: Submission) -> None:
    """A connection sent a message, which goes its way now, or joined one that is on its way.

    One that has failed, or is only looked up because of a passing refusal, keeps those behind it back from now on.
    """
    error = submission.failed or submission.refusal
    blocks, stream_id, client_id = waiter.live.blocks, submission.draft.stream_id, submission.draft.client_id
    found = blocks.get(stream_id)
    if not isinstance(error, Passing):
        if found is not None and found.client_id == client_id:
            del blocks[stream_id]
    elif found is None or found.client_id == client_id:
        _block(waiter, submission, error, settled=False)
    elif not found.settled:
        found.refused.append((client_id, waiter.arrival))


def settled(live: Live, submission: Submission, outcome: Outcome) -> None:
    """A connection is told what became of a message."""
    found = live.blocks.get(submission.draft.stream_id)
    if found is None:
        return
    client_id = submission.draft.client_id
    will_come_again = isinstance(outcome, Passing)
    if found.client_id != client_id:
        if not will_come_again and found.refused:
            found.refused = [other for other in found.refused if other[0] != client_id]
    elif will_come_again:
        found.settled = True
        found.refused.clear()
    elif found.refused:
        # It was stored all along. The first that was refused for it is the failed one now.
        found.client_id, found.arrival = found.refused.pop(0)
    else:
        del live.blocks[submission.draft.stream_id]


class OrderRule:
    """What must not be stored any more after some messages failed for a passing reason.

    One object serves one flush: :meth:`fail` each of its messages that failed, in order, then ask :meth:`follows` for
    each that still waits, in order, and fail those too.
    """

    def __init__(self) -> None:
        self._failed: dict[tuple[Live, int], tuple[int, IMError]] = {}

    def fail(self, submission: Submission, error: IMError) -> None:
        """Block the conversation for every connection that waits for this message, at the first that failed."""
        if isinstance(submission.refusal, Passing):
            # It was never to be stored, and blocks since it came, or something before it does.
            return
        stream_id = submission.draft.stream_id
        for waiter in submission.waiters():
            lane = (waiter.live, stream_id)
            if lane not in self._failed or waiter.arrival < self._failed[lane][0]:
                self._failed[lane] = (waiter.arrival, error)
            found = waiter.live.blocks.get(stream_id)
            if found is None or waiter.arrival < found.arrival:
                _block(waiter, submission, error, settled=True)

    def follows(self, submission: Submission) -> IMError | None:
        """The error with which a waiting message fails, for one before it did; one that is only looked up does not."""
        if submission.refusal is not None:
            return None
        arrival, error = self._failed.get((submission.live, submission.draft.stream_id), (submission.arrival, None))
        return error if arrival < submission.arrival else None
