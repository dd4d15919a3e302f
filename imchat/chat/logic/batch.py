"""Group commit: what gathers while one flush is under way is the next. No timer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Hold, Live
from imchat.chat.logic.figures import Figures
from imchat.chat.logic.storing import Flushed, Storing
from imchat.chat.logic.submission import Key, Submission
from imchat.chat.logic.waiting import Work
from imchat.chat.settings import ChatSettings
from imchat.ports import Spawn


class Batcher:
    """Brings submissions into the store, one flush at a time, and hands on what became of them in order.

    Args:
        storing: Does a flush.
        settings: Bounds.
        clock: For the end of the turn in which the first message came.
        spawn: Starts flushes.
        settle: Gets each finished flush, after the next one was started.

    Attributes:
        work: Messages that are not settled.
        figures: What was done.
    """

    def __init__(
        self,
        storing: Storing,
        settings: ChatSettings,
        clock: IReactorTime,
        spawn: Spawn,
        settle: Callable[[Flushed], None],
    ) -> None:
        self._storing = storing
        self._settings = settings
        self._clock = clock
        self._spawn = spawn
        self._settle = settle
        self._pending: deque[Submission] = deque()
        self._pending_bytes = 0
        self._known: dict[Key, Submission] = {}
        self._held: dict[Live, None] = {}
        self._flushing = self._scheduled = self._settling = False
        self._finished: deque[Flushed] = deque()
        self.work = Work()
        self.figures = Figures()

    def find(self, key: Key) -> Submission | None:
        """The submission of a message that is on its way."""
        return self._known.get(key)

    def add(self, submission: Submission) -> None:
        """Take a submission whose key is not on its way; its connection is held where too much is waiting."""
        self._known[submission.key] = submission
        self._pending.append(submission)
        self._pending_bytes += submission.size
        self.work.begin()
        if self._full():
            self._held[submission.live] = None
            submission.live.connection.hold(Hold.PENDING)
        if not self._flushing and not self._scheduled:
            # At the end of the turn, so that all that arrived in it goes together.
            self._scheduled = True
            self._clock.callLater(0, self._start)

    def _full(self) -> bool:
        settings = self._settings
        return len(self._pending) >= settings.max_pending or self._pending_bytes >= settings.max_pending_bytes

    def _release_held(self) -> None:
        settings = self._settings
        low = len(self._pending) <= settings.max_pending // 2
        if self._held and low and self._pending_bytes <= settings.max_pending_bytes // 2:
            held, self._held = self._held, {}
            for live in held:
                live.connection.release(Hold.PENDING)

    def _start(self) -> None:
        self._scheduled = False
        if self._pending and not self._flushing:
            self._flushing = True
            self._spawn("flush", self._flush(self._take()))

    def _take(self) -> list[Submission]:
        settings, pending = self._settings, self._pending
        taken: list[Submission] = []
        streams: set[int] = set()
        size = 0
        while pending and len(taken) < settings.flush_drafts:
            following = pending[0]
            size += following.size
            streams.add(following.draft.stream_id)
            if taken and (size > settings.flush_bytes or len(streams) > settings.flush_streams):
                break
            taken.append(pending.popleft())
            self._pending_bytes -= following.size
        self._release_held()
        return taken

    async def _flush(self, submissions: list[Submission]) -> None:
        begun, count = self._clock.seconds(), len(submissions)
        flushed = await self._storing.run(submissions)
        if flushed.rule is not None:
            self._fail_followers(flushed)
        self.figures.flushed(self._clock.seconds() - begun, count, flushed.outcomes)
        self._finished.append(flushed)
        self._flushing = False
        # A store may answer at once: then the next flush ends within this call, and must not be settled first.
        self._start()
        self._settle_finished()

    def _fail_followers(self, flushed: Flushed) -> None:
        """Fail what waits behind messages that failed for a passing reason, before the next flush can take it."""
        waiting, self._pending = self._pending, deque()
        for submission in waiting:
            error = flushed.rule.follows(submission) if flushed.rule is not None else None
            if error is None:
                self._pending.append(submission)
            else:
                self._pending_bytes -= submission.size
                flushed.append_failed(submission, error)
        self._release_held()

    def _settle_finished(self) -> None:
        if self._settling:
            return
        self._settling = True
        try:
            while self._finished:
                flushed = self._finished.popleft()
                for submission in flushed.submissions:
                    del self._known[submission.key]
                self._settle(flushed)
                self.work.end(len(flushed.submissions))
        finally:
            self._settling = False
