"""What every ``imchat.ports.RateLimiter`` keeps to."""

from imchat.ports import Limit, RateLimiter


class RateLimiterContract:
    """Mixed into a ``TestCase`` that gives the backend."""

    def make_limiter(self) -> RateLimiter:
        """A limiter that has counted nothing."""
        raise NotImplementedError

    async def elapse(self, ms: int) -> None:
        """Let so much time pass on the limiter's clock."""
        raise NotImplementedError

    def setUp(self):
        self.limiter = self.make_limiter()

    async def test_as_many_as_the_limit_says_and_no_more(self):
        limit = Limit(3, 600_000)
        self.assertEqual([await self.limiter.take("k", limit) for _ in range(3)], [0, 0, 0])
        wait = await self.limiter.take("k", limit)
        self.assertTrue(0 < wait <= 200_000, wait)

    async def test_after_the_wait_one_more_passes(self):
        limit = Limit(2, 600)
        for _ in range(2):
            await self.limiter.take("k", limit)
        wait = await self.limiter.take("k", limit)
        self.assertTrue(0 < wait <= 300, wait)
        await self.elapse(wait)
        self.assertEqual(await self.limiter.take("k", limit), 0)

    async def test_refused_events_do_not_count(self):
        limit = Limit(1, 60_000)
        await self.limiter.take("k", limit)
        waits = [await self.limiter.take("k", limit) for _ in range(20)]
        self.assertTrue(all(0 < wait <= 60_000 for wait in waits), waits)

    async def test_keys_do_not_share(self):
        limit = Limit(1, 60_000)
        for key in ("k", "K", "k:1", "张伟", "k *"):
            self.assertEqual(await self.limiter.take(key, limit), 0, key)

    async def test_what_is_given_back_passes_again(self):
        limit = Limit(1, 60_000)
        await self.limiter.take("k", limit)
        await self.limiter.give_back("k", limit)
        self.assertEqual(await self.limiter.take("k", limit), 0)
        self.assertGreater(await self.limiter.take("k", limit), 0)

    async def test_giving_back_what_was_never_taken_saves_nothing_up(self):
        limit = Limit(1, 60_000)
        await self.limiter.give_back("k", limit)
        self.assertEqual(await self.limiter.take("k", limit), 0)
        self.assertGreater(await self.limiter.take("k", limit), 0)

    async def test_after_a_quiet_window_the_whole_burst_is_back(self):
        limit = Limit(2, 300)
        for _ in range(3):
            await self.limiter.take("k", limit)
        await self.elapse(300)
        self.assertEqual([await self.limiter.take("k", limit) for _ in range(2)], [0, 0])
