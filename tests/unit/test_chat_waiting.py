"""Waiting for work to end, and repeating."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.waiting import Periodic, Work, within
from imchat.net.background import spawn


class WorkTests(SynchronousTestCase):
    def test_idle_fires_when_all_is_done(self) -> None:
        work = Work()
        self.assertTrue(work.idle().called)
        work.begin()
        work.begin()
        idle = work.idle()
        work.end()
        self.assertFalse(idle.called)
        work.end()
        self.assertTrue(idle.called)

    def test_waiting_is_bounded_and_what_ends_later_harms_nobody(self) -> None:
        clock, work, results = Clock(), Work(), []
        work.begin()
        Deferred.fromCoroutine(within(clock, 5, work.idle())).addBoth(results.append)
        clock.advance(4)
        self.assertEqual([], results)
        clock.advance(1)
        self.assertEqual([False], results)
        work.end()
        self.assertEqual([True], self.successResultOf(Deferred.fromCoroutine(self._all(clock, work))))

    async def _all(self, clock: Clock, work: Work) -> list[bool]:
        return [await within(clock, 5, work.idle())]


class PeriodicTests(SynchronousTestCase):
    def test_it_goes_on_after_a_failure_and_never_overlaps(self) -> None:
        clock, started, waiting = Clock(), [], []

        async def action() -> None:
            started.append(clock.seconds())
            if len(started) == 1:
                raise ZeroDivisionError
            waiting.append(Deferred())
            await waiting[-1]

        periodic = Periodic(clock, 3, "something", action, spawn)
        periodic.start()
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        clock.advance(3)
        clock.advance(30)
        self.assertEqual([0, 3], started)
        waiting[0].callback(None)
        clock.advance(3)
        self.assertEqual([0, 3, 36], started)
        periodic.stop()
        waiting[1].callback(None)
        clock.advance(30)
        self.assertEqual(3, len(started))
        self.assertEqual([], clock.getDelayedCalls())
