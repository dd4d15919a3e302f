"""Hashing: argon2id by parameters, at most so many at once, at most so many waiting."""

from __future__ import annotations

from collections import deque
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imchat.domain.errors import Unavailable
from imchat.gate import hashing
from imchat.gate.hashing import Argon2Hasher, HashingPool, HashParameters, in_pool

CHEAP = HashParameters(memory_kib=8, passes=1, lanes=1)


class SteppedThreads:
    """Threads that do their work when told to."""

    def __init__(self) -> None:
        self.begun: deque[tuple[object, Deferred]] = deque()

    def __call__(self, function) -> Deferred:
        result: Deferred = Deferred()
        self.begun.append((function, result))
        return result

    def step(self) -> None:
        function, result = self.begun.popleft()
        try:
            value = function()
        except Exception:
            value = Failure()
        result.callback(value) if not isinstance(value, Failure) else result.errback(value)


class PoolTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads = SteppedThreads()
        self.pool = HashingPool(self.threads, threads=2, queue=3)

    def test_no_more_at_once_than_there_are_threads(self) -> None:
        results = [self.pool.submit(lambda n=n: n) for n in range(5)]
        self.assertEqual(len(self.threads.begun), 2)
        for _ in range(5):
            self.threads.step()
        self.assertEqual([self.successResultOf(result) for result in results], [0, 1, 2, 3, 4])

    def test_beyond_the_queue_callers_are_told_when_to_come_back(self) -> None:
        for _ in range(5):
            self.pool.submit(int)
        self.assertGreater(self.assertRaises(Unavailable, self.pool.submit, int).retry_after_ms, 0)
        self.threads.step()
        self.pool.submit(int)
        self.assertRaises(Unavailable, self.pool.submit, int)

    def test_a_caller_that_goes_away_frees_its_place_in_the_queue_and_its_work_is_not_done(self) -> None:
        done = []
        results = [self.pool.submit(lambda n=n: done.append(n)) for n in range(5)]
        results[3].cancel()
        self.failureResultOf(results[3], CancelledError)
        results[3] = self.pool.submit(lambda: done.append("new"))
        while self.threads.begun:
            self.threads.step()
        self.assertEqual(done, [0, 1, 2, 4, "new"])

    def test_a_caller_that_goes_away_from_begun_work_frees_the_thread_when_the_work_ends(self) -> None:
        results = [self.pool.submit(int) for _ in range(3)]
        results[0].cancel()
        self.failureResultOf(results[0], CancelledError)
        self.assertEqual(len(self.threads.begun), 2)
        while self.threads.begun:
            self.threads.step()
        self.assertEqual([self.successResultOf(result) for result in results[1:]], [0, 0])
        for _ in range(5):
            self.pool.submit(int)
        self.assertEqual(len(self.threads.begun), 2)

    def test_failed_work_frees_its_thread(self) -> None:
        results = [self.pool.submit(lambda: 1 // 0) for _ in range(5)]
        while self.threads.begun:
            self.threads.step()
        for result in results:
            self.failureResultOf(result, ZeroDivisionError)
        self.assertEqual(len([self.pool.submit(int) for _ in range(5)]), 5)


class HasherTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads = SteppedThreads()
        self.hasher = Argon2Hasher(HashingPool(self.threads, threads=1, queue=1), CHEAP)

    def run_(self, coroutine):
        result = Deferred.fromCoroutine(coroutine)
        while self.threads.begun:
            self.threads.step()
        return self.successResultOf(result)

    def test_right_and_wrong_password(self) -> None:
        for password in ("kelp-forest-42", "пароль 密码 🔑", "nul\x00byte", "x" * 256):
            stored = self.run_(self.hasher.hash(password))
            self.assertRegex(stored, r"^\$argon2id\$v=19\$m=8,t=1,p=1\$")
            self.assertTrue(self.run_(self.hasher.verify(stored, password)))
            self.assertFalse(self.run_(self.hasher.verify(stored, password + "x")))

    def test_same_password_hashes_differently(self) -> None:
        self.assertNotEqual(self.run_(self.hasher.hash("kelp")), self.run_(self.hasher.hash("kelp")))

    def test_no_account_is_the_same_work_at_the_same_cost(self) -> None:
        stored = self.run_(self.hasher.hash("kelp"))
        calls = []
        real = hashing.Argon2.verify

        def verify(argon2, stored, password):
            calls.append(stored.rpartition("$")[0].rpartition("$")[0])
            return real(argon2, stored, password)

        with mock.patch.object(hashing.Argon2, "verify", verify):
            self.assertFalse(self.run_(self.hasher.verify(stored, "wrong")))
            self.assertFalse(self.run_(self.hasher.verify(None, "wrong")))
        self.assertEqual(len(calls), 2)
        self.assertEqual(calls[0], calls[1])

    def test_other_parameters_are_outdated_and_still_verify(self) -> None:
        old = self.run_(self.hasher.hash("kelp"))
        self.assertFalse(self.hasher.outdated(old))
        newer = Argon2Hasher(HashingPool(self.threads, threads=1, queue=1), HashParameters(16, 1, 1))
        self.assertTrue(newer.outdated(old))
        self.assertTrue(self.run_(newer.verify(old, "kelp")))

    def test_full_queue_reaches_the_caller(self) -> None:
        waiting = [Deferred.fromCoroutine(self.hasher.hash("kelp")) for _ in range(2)]
        self.failureResultOf(Deferred.fromCoroutine(self.hasher.verify(None, "kelp")), Unavailable)
        for result in waiting:
            self.threads.step()
            self.successResultOf(result)


class RealThreadsTests(TestCase):
    """The one place where the hasher meets threads."""

    async def test_in_a_pool_of_its_own(self) -> None:
        from twisted.internet import reactor

        pool = ThreadPool(1, 2, "hashing")
        pool.start()
        self.addCleanup(lambda: maybeDeferred(deferToThreadPool, reactor, reactor.getThreadPool(), pool.stop))
        hasher = Argon2Hasher(HashingPool(in_pool(reactor, pool), 2, 8), CHEAP)
        stored = await Deferred.fromCoroutine(hasher.hash("kelp"))
        results = [Deferred.fromCoroutine(hasher.verify(stored, word)) for word in ("kelp", "wrong") * 5]
        self.assertEqual([await result for result in results], [True, False] * 5)
