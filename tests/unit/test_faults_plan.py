"""The plan and the figures of the harness on real processes."""

from itertools import islice

from twisted.trial.unittest import SynchronousTestCase

from tests.faults.measure import Fault, joined, measure, percentile
from tests.faults.plan import Card, finale, plan
from tests.faults.recording import Answered, Refused, Rested, Sent, Visited

CARDS = [
    Card("kill", "a", (1.0, 2.0), core=True),
    Card("kill", "b", (1.0, 2.0), core=True),
    Card("freeze", "a", (3.0, 4.0)),
    Card("cut", "c"),
    Card("roll", "all", touches=frozenset("abc")),
]


class PlanTests(SynchronousTestCase):
    def steps(self, seed, count=200):
        return list(islice(plan(seed, CARDS), count))

    def test_a_seed_repeats_its_plan_and_another_makes_another(self):
        self.assertEqual(self.steps(1), self.steps(1))
        self.assertNotEqual(self.steps(1), self.steps(2))

    def test_every_fault_comes_before_any_comes_again_and_the_core_comes_first(self):
        for seed in range(20):
            cards = [step.card for step in self.steps(seed, len(CARDS))]
            self.assertCountEqual(cards, CARDS)
            self.assertCountEqual(cards[:2], CARDS[:2])

    def test_two_faults_overlap_at_times_but_never_on_the_same_target(self):
        together, longest = [], 0
        for step in self.steps(3, 5_000):
            self.assertEqual([card for card in together if card.busy & step.card.busy], [])
            together.append(step.card)
            longest = max(longest, len(together))
            if not step.beside:
                together = []
        self.assertGreaterEqual(longest, 3)

    def test_the_last_fault_is_of_the_seed_too(self):
        self.assertEqual(finale(7, CARDS), finale(7, CARDS))
        self.assertGreater(len({finale(seed, CARDS).card for seed in range(50)}), 3)

    def test_a_fault_stays_for_a_time_within_its_bounds(self):
        for step in self.steps(4):
            low, high = step.card.hold
            self.assertTrue(low <= step.hold <= high)


def sent(at, message, device="d"):
    return Sent(at, 1, device, 7, message, "text")


def answered(at, message, device="d", tries=1):
    return Answered(at, 1, device, 7, message, 1, 1, tries)


class MeasureTests(SynchronousTestCase):
    def recoveries(self, *lines):
        found = measure(lines, [Fault("kill a", 10.0, 12.0)]).recoveries
        return [(r.fault.name, r.after_begin, r.after_end) for r in found]

    def test_what_was_resent_and_recovered(self):
        figures = measure(
            [sent(1, "a"), sent(1, "b"), sent(1, "c"), answered(2, "a"), answered(9, "b", tries=3), answered(10, "b")],
            [],
        )
        self.assertEqual((figures.sent, figures.acknowledged), (3, 2))
        self.assertEqual((figures.resent, figures.recovered), (1, 1))

    def test_a_pair_recovers_with_the_first_of_its_late_messages(self):
        lines = (sent(9.9, "a"), sent(11.0, "b"), answered(13.0, "a"), answered(13.5, "b"))
        self.assertEqual(self.recoveries(*lines), [("kill a", 3.0, 1.0)])

    def test_others_may_take_over_before_the_fault_ends(self):
        self.assertEqual(self.recoveries(sent(10.0, "a"), answered(11.5, "a")), [("kill a", 1.5, 0.0)])

    def test_who_did_not_have_to_wait_does_not_count(self):
        lines = (
            sent(10.5, "soon"),
            answered(11.4, "soon"),
            sent(5.0, "earlier"),
            answered(10.9, "earlier"),
            sent(12.1, "later"),
            answered(15.0, "later"),
        )
        self.assertEqual(self.recoveries(*lines), [])

    def test_nor_does_who_was_switched_off_meanwhile(self):
        lines = (sent(9.9, "a"), Rested(10.5, 1, "d"), answered(13.0, "a"))
        self.assertEqual(self.recoveries(*lines), [])
        other = (sent(9.9, "a"), Rested(10.5, 1, "other"), Rested(9.0, 1, "d"), answered(13.0, "a"))
        self.assertEqual(len(self.recoveries(*other)), 1)

    def test_faults_that_overlap_count_as_one_and_of_others_the_first_that_held_a_message_up(self):
        faults = [Fault("a", 1, 4), Fault("b", 2, 3), Fault("c", 3.5, 5), Fault("d", 5.5, 6)]
        self.assertEqual(joined(faults), [Fault("a + b + c", 1, 5), Fault("d", 5.5, 6)])
        figures = measure([sent(4.5, "x"), answered(9, "x"), sent(5.5, "y"), answered(9, "y")], faults)
        self.assertEqual([(r.fault.name, r.after_end) for r in figures.recoveries], [("a + b + c", 4), ("d", 3)])

    def test_refusals_and_visits(self):
        lines = [
            Refused(1, 1, "d", 7, "a", "unavailable"),
            Visited(1, "login", "", 0.5),
            Visited(2, "login", "x: y", 3),
        ]
        figures = measure(lines, [])
        self.assertEqual(figures.refused, {"unavailable": 1})
        self.assertEqual(figures.visits, {("login", "done"): 1, ("login", "x"): 1})
        self.assertEqual(figures.slowest_visit, 3)

    def test_percentiles(self):
        self.assertEqual(percentile([], 0.5), 0.0)
        self.assertEqual(percentile([3.0, 1.0, 2.0], 0.5), 2.0)
        self.assertEqual(percentile([1.0, 2.0], 0.99), 2.0)
