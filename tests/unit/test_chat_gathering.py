"""Marks that gather, and retention's passes."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.assemble.settings import chat_settings
from imchat.chat.logic import gathering
from imchat.chat.logic.gathering import INTERVAL, TRIES, Gathering
from imchat.chat.logic.retention import EVERY_MS, JOB, PAUSE, Retention
from imchat.config import load
from imchat.domain.content import ContentKind
from imchat.domain.conversations import Mark
from imchat.domain.errors import InvalidRequest, NotFound, Unavailable
from imchat.domain.sessions import DAY_MS
from imchat.net.background import spawn


class GatheringTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.written: list[list[int]] = []
        self.refusals: dict[int, list[str | None]] = {}
        self.failure: Exception | None = None
        self.held: Deferred[None] | None = None
        self.gathering = Gathering("marking", self.write, self.clock, spawn)

    async def write(self, marks: Sequence[Mark]) -> list[str | None]:
        self.written.append([mark.seq for mark in marks])
        if self.held is not None:
            await self.held
        if self.failure is not None:
            raise self.failure
        return [self.refusals[mark.seq].pop(0) if self.refusals.get(mark.seq) else None for mark in marks]

    def add(self, *seqs: int) -> list[Deferred[None]]:
        return [self.gathering.add(Mark(1, 5, seq)) for seq in seqs]

    def test_what_comes_within_a_second_is_written_together(self) -> None:
        first = self.add(1, 2)
        self.clock.advance(INTERVAL / 2)
        first += self.add(3)
        self.assertNoResult(first[0])
        self.clock.advance(INTERVAL / 2)
        self.assertEqual([[1, 2, 3]], self.written)
        for done in first:
            self.assertIsNone(self.successResultOf(done))
        self.clock.advance(INTERVAL * 3)
        self.assertEqual([[1, 2, 3]], self.written)
        self.add(4)
        self.clock.advance(INTERVAL)
        self.assertEqual([[1, 2, 3], [4]], self.written)

    def test_one_write_at_a_time(self) -> None:
        self.held = held = Deferred()
        self.add(1)
        self.clock.advance(INTERVAL)
        (later,) = self.add(2)
        self.clock.advance(INTERVAL * 5)
        self.assertEqual([[1]], self.written)
        self.held = None
        held.callback(None)
        self.clock.advance(INTERVAL)
        self.assertEqual([[1], [2]], self.written)
        self.successResultOf(later)

    def test_each_is_answered_for_itself(self) -> None:
        self.refusals = {1: ["not_found"], 2: ["invalid_request"]}
        first, second, third = self.add(1, 2, 3)
        self.clock.advance(INTERVAL)
        self.failureResultOf(first, NotFound)
        self.failureResultOf(second, InvalidRequest)
        self.successResultOf(third)

    def test_where_nothing_is_known_all_are_told_so(self) -> None:
        self.failure = Unavailable("the database is away", 700)
        for done in (*self.add(1, 2),):
            self.clock.advance(INTERVAL)
            failed = self.failureResultOf(done, Unavailable)
            self.assertEqual(700, failed.value.retry_after_ms)
        self.failure = ValueError("a fault")
        (done,) = self.add(3)
        self.clock.advance(INTERVAL)
        self.failureResultOf(done, ValueError)
        self.failure = None
        (done,) = self.add(4)
        self.clock.advance(INTERVAL)
        self.successResultOf(done)

    def test_what_others_keep_locked_comes_again_a_few_times(self) -> None:
        self.refusals = {1: ["unavailable"] * (TRIES - 1), 2: ["unavailable"] * TRIES}
        first, second = self.add(1, 2)
        for _ in range(TRIES):
            self.assertNoResult(first)
            self.clock.advance(INTERVAL)
        self.successResultOf(first)
        self.failureResultOf(second, Unavailable)
        self.assertEqual([[1, 2]] * TRIES, self.written)

    def test_very_many_are_cut(self) -> None:
        self.patch(gathering, "AT_ONCE", 2)
        waiting = self.add(1, 2, 3, 4, 5)
        self.clock.advance(INTERVAL)
        self.assertEqual([[1, 2], [3, 4], [5]], self.written)
        for done in waiting:
            self.successResultOf(done)


class RecordingRetention:
    """A RetentionStore with so many steps to do for each kind."""

    def __init__(self) -> None:
        self.steps: dict[int, int] = {}
        self.expired: list[tuple[int, int, int]] = []
        self.due_ms = 0
        self.away = False

    async def take(self, job: str, now_ms: int, next_ms: int) -> bool:
        assert job == JOB
        if self.away:
            raise Unavailable("the database is away")
        if now_ms < self.due_ms:
            return False
        self.due_ms = next_ms
        return True

    async def expire(self, kind: int, before_ms: int, from_id: int) -> int | None:
        self.expired.append((kind, before_ms, from_id))
        self.steps[kind] = self.steps.get(kind, 0) - 1
        return from_id + 10 if self.steps[kind] >= 0 else None


class RetentionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.now_ms = 1_000_000_000
        self.store = RecordingRetention()
        self.first, self.second = (Retention(self.store, ((1, 30), (3, 7)), self.clock, spawn) for _ in range(2))

    def test_all_kinds_one_step_after_another(self) -> None:
        self.store.steps = {1: 2}
        self.first.start()
        text, picture = self.now_ms - 30 * DAY_MS, self.now_ms - 7 * DAY_MS
        self.assertEqual([(1, text, 1)], self.store.expired)
        self.clock.advance(PAUSE)
        self.clock.advance(PAUSE)
        self.assertEqual([(1, text, 1), (1, text, 11), (1, text, 21), (3, picture, 1)], self.store.expired)

    def test_one_of_several_nodes_does_it_and_again_after_an_hour(self) -> None:
        self.first.start()
        self.second.start()
        self.assertEqual(2, len(self.store.expired))
        self.clock.advance(EVERY_MS / 1000)
        self.assertEqual(4, len(self.store.expired))

    def test_nothing_more_is_begun_at_the_end(self) -> None:
        self.store.steps = {1: 5}
        self.first.start()
        self.first.stop()
        self.clock.advance(PAUSE * 10)
        self.assertEqual(1, len(self.store.expired))

    def test_a_database_that_is_away_is_asked_again_the_next_time(self) -> None:
        self.store.away = True
        self.first.start()
        self.store.away = False
        self.clock.advance(EVERY_MS / 1000)
        self.assertEqual(2, len(self.store.expired))

    def test_where_all_is_kept_for_ever_nothing_runs(self) -> None:
        self.assertEqual((), chat_settings(load(environment={})).retention)
        Retention(self.store, (), self.clock, spawn).start()
        self.assertEqual(([], []), (self.store.expired, self.clock.getDelayedCalls()))

    def test_days_of_each_kind_from_the_configuration(self) -> None:
        config = load(None, ["retention.text=30", "retention.custom=1"], {})
        self.assertEqual(((ContentKind.TEXT, 30), (ContentKind.CUSTOM, 1)), chat_settings(config).retention)
