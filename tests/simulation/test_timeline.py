"""Simulated time."""

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.timeline import AT_ONCE, BusyLoop, Timeline


class TimelineTests(SynchronousTestCase):
    def setUp(self):
        self.timeline = Timeline(100.0)
        self.happened = []

    def test_things_happen_in_the_order_of_time_then_of_asking(self):
        self.timeline.after(2, self.happened.append, "third")
        self.timeline.after(1, self.happened.append, "first")
        self.timeline.after(1, self.happened.append, "second")
        self.timeline.after(3, self.happened.append, "never")
        self.timeline.run(102.5)
        self.assertEqual((self.happened, self.timeline.now), (["first", "second", "third"], 102.5))

    def test_what_was_called_off_does_not_happen(self):
        self.timeline.after(1, self.happened.append, "it").cancel()
        self.timeline.run(110)
        self.assertEqual(self.happened, [])

    def test_a_loop_in_which_no_time_passes_is_told(self):
        def again():
            self.timeline.after(0, again)

        again()
        self.assertRaises(BusyLoop, self.timeline.run, 101)

    def test_much_that_happens_in_many_moments_is_none(self):
        def again(left):
            if left:
                self.timeline.after(0 if left % 1000 else 0.001, again, left - 1)

        again(AT_ONCE + 10)
        self.timeline.run(200)
