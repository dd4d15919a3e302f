"""One flush: into the store all at once; where that fails, by halves, so that none fails for a neighbour's fault."""

from __future__ import annotations

from twisted.python.failure import Failure

from imchat.chat.logic.faults import Faults
from imchat.chat.logic.order import OrderRule
from imchat.chat.logic.submission import Outcome, Submission
from imchat.domain.errors import Contended, IMError, Internal, Unavailable, by_code
from imchat.domain.models import Membership, Refused, Stored
from imchat.ports import FlushResult, Permit, StreamStore

RETRY_MS = 1_000
"""When to try again, unless the store knows better."""

MAX_FAULTS = 32
"""Messages of one flush that may each fail by a fault; one more, and it is taken to be the store's, not theirs."""

MAX_CONTENDED = 12
"""Attempts of one flush that may fail by locks: enough to find one locked stream among a thousand messages."""

_ERRORS = by_code()

_UNKNOWN = Internal("nothing became of the message")


class Flushed:
    """What became of the messages of one flush.

    Args:
        submissions: In the order in which they came.

    Attributes:
        outcomes: One for each submission.
        reloaded: Memberships that the store had to read.
        rule: What must not be stored behind those that failed for a passing reason; None if none did.
    """

    __slots__ = ("outcomes", "reloaded", "rule", "submissions")

    def __init__(self, submissions: list[Submission]) -> None:
        self.submissions = submissions
        self.outcomes: list[Outcome] = [_UNKNOWN] * len(submissions)
        self.reloaded: dict[int, Membership] = {}
        self.rule: OrderRule | None = None

    def fail(self, index: int, error: IMError) -> None:
        """A message failed for a passing reason."""
        if self.rule is None:
            self.rule = OrderRule()
        self.outcomes[index] = self.submissions[index].failed = error
        self.rule.fail(self.submissions[index], error)

    def fail_rest(self, error: IMError) -> None:
        """So did all of which nothing is known yet."""
        for index, outcome in enumerate(self.outcomes):
            if outcome is _UNKNOWN:
                self.fail(index, error)

    def append_failed(self, submission: Submission, error: IMError) -> None:
        """A message that was not part of the flush fails with it."""
        self.submissions.append(submission)
        self.outcomes.append(error)
        self.fail(len(self.outcomes) - 1, error)

    def follows(self, index: int) -> IMError | None:
        """The error with which a message fails because of one before it."""
        return None if self.rule is None else self.rule.follows(self.submissions[index])

    def store(self, part: list[int], result: FlushResult) -> None:
        """Note what the store answered for some of the messages."""
        self.reloaded.update(result.reloaded)
        for index, outcome in zip(part, result.outcomes, strict=True):
            self.outcomes[index] = _outcome(self.submissions[index], outcome)
        if result.kept:
            self._fail_kept(part, result.kept)

    def _fail_kept(self, part: list[int], kept: frozenset[int]) -> None:
        for index in part:
            outcome, stream_id = self.outcomes[index], self.submissions[index].draft.stream_id
            if stream_id in kept and not isinstance(outcome, Stored):
                self.fail(index, Unavailable("the conversation is locked at the moment", RETRY_MS))


class Storing:
    """Brings messages into the store.

    Args:
        store: The streams.
        faults: Names unexpected failures.
        permit: Checks permission under the lock.
    """

    def __init__(self, store: StreamStore, faults: Faults, permit: Permit) -> None:
        self._store = store
        self._faults = faults
        self._permit = permit

    async def run(self, submissions: list[Submission]) -> Flushed:
        """Try until something is known of each message. Raises nothing."""
        flushed = Flushed(submissions)
        parts = [list(range(len(submissions)))]
        faults = contended = 0
        while parts:
            part = self._without_followers(flushed, parts.pop())
            error = await self._attempt(flushed, part)
            if error is None:
                continue
            passing = isinstance(error, Unavailable)
            faults, contended = faults + (not passing and len(part) == 1), contended + passing
            if passing and not isinstance(error, Contended):
                flushed.fail_rest(_passing(error))
                break
            if faults > MAX_FAULTS or contended >= MAX_CONTENDED:
                flushed.fail_rest(_passing(Unavailable("the server cannot store messages")))
                break
            if len(part) > 1:
                middle = len(part) // 2
                parts += (part[middle:], part[:middle])
            elif passing:
                flushed.fail(part[0], _passing(error))
            else:
                flushed.outcomes[part[0]] = self._faults.public(Failure(error), "storing a message")
        return flushed

    def _without_followers(self, flushed: Flushed, part: list[int]) -> list[int]:
        if flushed.rule is None:
            return part
        left = []
        for index in part:
            error = flushed.follows(index)
            if error is None:
                left.append(index)
            else:
                flushed.fail(index, error)
        return left

    async def _attempt(self, flushed: Flushed, part: list[int]) -> Exception | None:
        if not part:
            return None
        try:
            result = await self._store.flush([flushed.submissions[index].draft for index in part], self._permit)
        except Exception as error:
            return error
        flushed.store(part, result)
        return None


def _outcome(submission: Submission, outcome: Stored | Refused) -> Outcome:
    if isinstance(outcome, Stored):
        return outcome
    if submission.refusal is not None and outcome.code == submission.refusal.code:
        return submission.refusal
    return _ERRORS.get(outcome.code, IMError)()


def _passing(error: Exception) -> Unavailable:
    # A new one: that which was raised holds on to its stack.
    delay = error.retry_after_ms if isinstance(error, IMError) else None
    return Unavailable(str(error), RETRY_MS if delay is None else delay)
