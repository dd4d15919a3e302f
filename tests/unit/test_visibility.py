"""The arithmetic of what a member may see."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.models import Period
from imchat.domain.visibility import highest, lowest, visible


def numbers(spans):
    return [seq for first, last in spans for seq in range(first, last + 1)]


PERIODS = st.lists(
    st.builds(lambda a, n: Period(a, None if n is None else a + n), st.integers(1, 30), st.none() | st.integers(-2, 8)),
    max_size=5,
)


class VisibilityTests(SynchronousTestCase):
    def test_open_period_reaches_the_end(self):
        self.assertEqual(visible([Period(5, None)], 1, 9), [(5, 9)])

    def test_left_and_joined_again_leaves_a_gap(self):
        self.assertEqual(visible([Period(7, None), Period(1, 3)], 1, 9), [(1, 3), (7, 9)])

    def test_clips_to_what_is_asked_for(self):
        self.assertEqual(visible([Period(1, 3), Period(7, None)], 3, 7), [(3, 3), (7, 7)])

    def test_nothing_asked_for(self):
        self.assertEqual(visible([Period(1, None)], 4, 3), [])

    def test_overlapping_and_adjacent_periods_are_one_span(self):
        self.assertEqual(visible([Period(1, 4), Period(3, 6), Period(7, 8)], 1, 20), [(1, 8)])

    def test_lowest_and_highest_cut_within_a_span(self):
        spans = [(1, 3), (7, 9)]
        self.assertEqual(lowest(spans, 4), [(1, 3), (7, 7)])
        self.assertEqual(highest(spans, 4), [(3, 3), (7, 9)])
        self.assertEqual(lowest(spans, 0), [])

    @given(PERIODS, st.integers(0, 40), st.integers(0, 40), st.integers(0, 20))
    def test_agrees_with_counting_one_by_one(self, periods, low, high, count):
        seen = [
            seq
            for seq in range(low, high + 1)
            if any(p.from_seq <= seq and (p.to_seq is None or seq <= p.to_seq) for p in periods)
        ]
        spans = visible(periods, low, high)
        self.assertEqual(numbers(spans), seen)
        self.assertEqual(numbers(lowest(spans, count)), seen[:count])
        self.assertEqual(numbers(highest(spans, count)), seen[len(seen) - count :] if count < len(seen) else seen)
