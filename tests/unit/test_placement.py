from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.models import NodeAddress, NodeReport
from imchat.domain.placement import MAX_ROUTE, Placement

INTERVAL = 3_000
A, B, C = (NodeAddress(f"{name}.example", 8090) for name in "abc")


def node(node_id: str, address: NodeAddress, connections: int = 0, draining: bool = False) -> NodeReport:
    return NodeReport(node_id, address, connections, draining)


def table(*reports: NodeReport, now: int = 0) -> Placement:
    placement = Placement(INTERVAL)
    for report in reports:
        placement.report(report, now)
    return placement


def send(placement: Placement, key: int, now: int = 0) -> NodeAddress:
    best = placement.choose(key, now)[0]
    placement.assign(best, now)
    return best


class ChooseTests(SynchronousTestCase):
    def test_fewest_connections_first_and_the_rest_in_order(self):
        placement = table(node("1", A, 30), node("2", B, 10), node("3", C, 20))
        self.assertEqual(placement.choose(1, 0), (B, C, A))

    def test_without_nodes_there_is_no_answer(self):
        self.assertEqual(Placement(INTERVAL).choose(1, 0), ())

    def test_draining_nodes_are_left_out(self):
        placement = table(node("1", A, 0, draining=True), node("2", B, 50))
        self.assertEqual(placement.choose(1, 0), (B,))
        placement.report(node("2", B, 50, draining=True), 0)
        self.assertEqual(placement.choose(1, 0), ())

    def test_a_wave_between_two_reports_spreads(self):
        placement = table(node("1", A, 10), node("2", B, 12), node("3", C, 14))
        counts = Counter(send(placement, key) for key in range(306))
        self.assertEqual(counts, {A: 104, B: 102, C: 100})

    def test_a_report_takes_the_place_of_what_was_assigned(self):
        placement = table(node("1", A), node("2", B, 10))
        for key in range(8):
            self.assertEqual(send(placement, key), A)
        placement.report(node("1", A, 3), 1_000)
        self.assertEqual([send(placement, key, 1_000) for key in range(7)], [A] * 7)

    def test_equals_are_ordered_by_the_key_alike_everywhere_and_evenly(self):
        one, other = table(node("1", A), node("2", B)), table(node("2", B), node("1", A))
        firsts = Counter(one.choose(key, 0)[0] for key in range(400))
        self.assertEqual([one.choose(key, 0) for key in range(50)], [other.choose(key, 0) for key in range(50)])
        self.assertGreater(min(firsts[A], firsts[B]), 100)

    def test_a_client_gets_a_bounded_list(self):
        placement = table(*(node(str(n), NodeAddress("chat.example", 9_000 + n)) for n in range(50)))
        self.assertEqual(len(placement.choose(1, 0)), MAX_ROUTE)


class SharedAddressTests(SynchronousTestCase):
    def test_workers_of_one_address_are_one_candidate_with_their_sum(self):
        placement = table(node("1", A, 30), node("2", A, 30), node("3", B, 50))
        self.assertEqual(placement.choose(1, 0), (B, A))

    def test_a_dead_or_draining_worker_does_not_take_the_address_along(self):
        placement = table(node("1", A, 30), node("2", A, 40, draining=True), node("3", B, 50))
        self.assertEqual(placement.choose(1, 0), (A, B))
        placement.report(node("2", A, 5), 9_000)
        self.assertEqual(placement.choose(1, 9_001), (A,))

    def test_what_is_assigned_counts_until_the_workers_that_it_was_counted_for_report(self):
        placement = table(node("1", A), node("2", A), node("3", B, 4))
        self.assertEqual([send(placement, key) for key in range(4)], [A] * 4)
        placement.report(node("1", A, 0), 0)
        self.assertEqual([send(placement, key) for key in range(2)], [A] * 2)

    def test_what_is_assigned_counts_for_the_worker_with_the_fewest(self):
        placement = table(node("1", A, 10), node("2", A), node("3", B, 12))
        self.assertEqual([send(placement, key) for key in range(2)], [A] * 2)
        placement.report(node("1", A, 10), 0)
        placement.report(node("3", B, 11), 0)
        self.assertEqual(placement.choose(1, 0), (B, A))


class LivenessTests(SynchronousTestCase):
    def test_dead_after_three_missed_reports_by_the_receivers_clock(self):
        placement = table(node("1", A), now=100)
        self.assertEqual(placement.choose(1, 100 + 3 * INTERVAL), (A,))
        self.assertEqual(placement.expire(100 + 3 * INTERVAL), [])
        self.assertEqual(placement.choose(1, 101 + 3 * INTERVAL), ())
        self.assertEqual([report.node_id for report in placement.expire(101 + 3 * INTERVAL)], ["1"])

    def test_each_death_and_each_arrival_is_told_once(self):
        placement = Placement(INTERVAL)
        self.assertTrue(placement.report(node("1", A), 0))
        self.assertFalse(placement.report(node("1", A, 5), 3_000))
        self.assertEqual(len(placement.expire(100_000)), 1)
        self.assertEqual(placement.expire(100_001), [])
        self.assertTrue(placement.report(node("1", A), 100_002))

    def test_a_clock_set_back_keeps_no_dead_node(self):
        placement = table(node("1", A), now=10_000_000)
        self.assertEqual(placement.expire(0), [])
        self.assertEqual(len(placement.expire(3 * INTERVAL + 1)), 1)

    def test_a_node_that_moved_is_known_by_its_new_address_only(self):
        placement = table(node("1", A))
        placement.report(node("1", B), 10)
        self.assertEqual(placement.choose(1, 10), (B,))
