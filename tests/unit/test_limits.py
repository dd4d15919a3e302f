from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.limits import FRESH, Limit, give_back, is_fresh, take

NOW = 1_800_000_000_000


class Key:
    """One key's state, driven by a clock of its own."""

    def __init__(self, limit: Limit) -> None:
        self.limit, self.state, self.now = limit, FRESH, NOW

    def take(self) -> int:
        self.state, wait = take(self.state, self.limit, self.now)
        return wait


class TakeTests(SynchronousTestCase):
    def test_a_burst_up_to_the_count_passes_and_one_more_does_not(self):
        key = Key(Limit(5, 60_000))
        self.assertEqual([key.take() for _ in range(5)], [0] * 5)
        self.assertGreater(key.take(), 0)

    def test_the_wait_that_is_told_is_enough_and_no_ms_too_long(self):
        for count, window in ((1, 60_000), (3, 1_000), (7, 60_000), (600, 60_000), (99_991, 1_000)):
            key = Key(Limit(count, window))
            self.assertEqual(sum(key.take() for _ in range(count)), 0, (count, window))
            wait = key.take()
            key.now += wait - 1
            self.assertGreater(key.take(), 0, (count, window))
            key.now += 1
            self.assertEqual(key.take(), 0, (count, window))

    def test_one_a_minute_is_one_a_minute(self):
        key = Key(Limit(1, 60_000))
        self.assertEqual(key.take(), 0)
        self.assertEqual(key.take(), 60_000)
        key.now += 59_999
        self.assertEqual(key.take(), 1)
        key.now += 1
        self.assertEqual(key.take(), 0)

    def test_refused_events_cost_nothing(self):
        key = Key(Limit(2, 10_000))
        waits = [key.take() for _ in range(50)]
        self.assertEqual(waits[2:], [5_000] * 48)

    def test_in_the_long_run_the_count_per_window_passes(self):
        key = Key(Limit(20, 86_400_000))
        passed = 0
        for _ in range(10 * 24 * 60):
            passed += key.take() == 0
            key.now += 60_000
        self.assertEqual(passed, 20 + 10 * 20 - 1)

    def test_a_clock_set_back_by_a_day_locks_for_one_window_at_most(self):
        key = Key(Limit(3, 60_000))
        for _ in range(3):
            key.take()
        key.now -= 86_400_000
        self.assertLessEqual(key.take(), 60_000)


class GiveBackTests(SynchronousTestCase):
    def test_what_is_given_back_can_be_taken_again(self):
        key = Key(Limit(1, 60_000))
        key.take()
        key.state = give_back(key.state, key.limit)
        self.assertEqual(key.take(), 0)

    def test_nothing_can_be_saved_up_by_giving_back(self):
        key = Key(Limit(2, 60_000))
        for _ in range(10):
            key.state = give_back(key.state, key.limit)
        self.assertEqual([key.take() == 0 for _ in range(3)], [True, True, False])

    def test_a_key_is_forgotten_only_when_it_allows_everything_again(self):
        key = Key(Limit(2, 60_000))
        key.take()
        self.assertFalse(is_fresh(key.state, key.now + 29_999))
        self.assertTrue(is_fresh(key.state, key.now + 30_000))
