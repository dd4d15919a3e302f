"""One stream as it comes in: in order, each event once, whatever order it arrives in."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.client.inbox import MAX_READY, InStream, Received
from imchat.domain.content import Text


def event(seq):
    return Received(7, seq, 1, bytes(16), Text(str(seq)), 0)


def taken(stream):
    return [step.event.seq for step in stream.ready if step.event is not None]


class InStreams(SynchronousTestCase):
    def test_events_ahead_of_a_hole_wait_until_it_is_filled(self):
        stream = InStream(7, 0)
        for seq in (1, 3, 4):
            stream.offer(event(seq))
        self.assertEqual(taken(stream), [1])
        self.assertTrue(stream.behind)
        self.assertEqual(stream.missing(), (1, 3))
        stream.offer(event(2))
        self.assertEqual(taken(stream), [1, 2, 3, 4])
        self.assertFalse(stream.behind)

    def test_what_is_at_or_below_the_position_is_dropped(self):
        stream = InStream(7, 5)
        stream.offer(event(5))
        stream.offer(event(4))
        self.assertEqual(stream.missing(), (5, 0))
        stream.cover(1, 5, [event(seq) for seq in range(1, 6)])
        self.assertEqual(list(stream.ready), [])

    def test_a_covered_range_closes_holes_of_invisible_events(self):
        stream = InStream(7, 0)
        stream.offer(event(5))
        stream.cover(1, 4, [event(2)])
        self.assertEqual(taken(stream), [2, 5])
        self.assertEqual(stream.frontier, 5)

    def test_a_range_without_anything_visible_still_moves_the_position(self):
        stream = InStream(7, 3)
        stream.cover(4, 9, [])
        self.assertEqual([(step.seq, step.event) for step in stream.ready], [(9, None)])

    def test_a_range_that_begins_above_a_hole_leaves_the_hole(self):
        stream = InStream(7, 0)
        stream.cover(4, 6, [event(4), event(6)])
        self.assertEqual(taken(stream), [])
        self.assertTrue(stream.behind)

    def test_a_slow_application_bounds_what_is_kept(self):
        stream = InStream(7, 0)
        for seq in range(1, MAX_READY + 500):
            stream.offer(event(seq))
        self.assertEqual(len(stream.ready), MAX_READY)
        self.assertTrue(stream.full)
        self.assertTrue(stream.behind)

    @given(st.lists(st.integers(1, 12), max_size=60), st.lists(st.tuples(st.integers(1, 12), st.integers(0, 6))))
    def test_any_arrival_gives_a_dense_prefix(self, pushes, reads):
        visible = {1, 2, 4, 5, 6, 9, 10, 12}
        stream = InStream(7, 0)
        for index, seq in enumerate(pushes):
            if seq in visible:
                stream.offer(event(seq))
            if index < len(reads):
                start, length = reads[index]
                end = min(start + length, 12)
                stream.cover(start, end, [event(s) for s in range(start, end + 1) if s in visible])
        self.assertEqual(taken(stream), [seq for seq in sorted(visible) if seq <= stream.frontier])
        stream.cover(stream.frontier + 1, 12, [event(s) for s in range(stream.frontier + 1, 13) if s in visible])
        self.assertEqual(taken(stream), sorted(visible))
