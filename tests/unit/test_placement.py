from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.models import NodeAddress, NodeReport
from imchat.domain.placement import MAX_ROUTE, News, Placement

INTERVAL = 3_000
A, B, C = (NodeAddress(f"{name}.example", 8090) for name in "abc")


def node(node_id: str, address: NodeAddress, connections: int = 0, draining: bool = False, life: int = 1) -> NodeReport:
    return NodeReport(node_id, address, connections, draining, life)


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
        self.assertIs(placement.report(node("1", A), 0), News.UP)
        self.assertIsNone(placement.report(node("1", A, 5), 3_000))
        self.assertEqual(len(placement.expire(100_000)), 1)
        self.assertEqual(placement.expire(100_001), [])
        self.assertIs(placement.report(node("1", A), 100_002), News.UP)

    def test_a_clock_set_back_keeps_no_dead_node(self):
        placement = table(node("1", A), now=10_000_000)
        self.assertEqual(placement.expire(0), [])
        self.assertEqual(len(placement.expire(3 * INTERVAL + 1)), 1)

    def test_a_node_that_moved_is_known_by_its_new_address_only(self):
        placement = table(node("1", A))
        placement.report(node("1", B), 10)
        self.assertEqual(placement.choose(1, 10), (B,))


class OneNameTests(SynchronousTestCase):
    """Nodes that have one name: a node that was started again, or two that somebody called alike."""

    def test_a_node_that_was_started_again_takes_the_place_of_its_former_life_at_once(self):
        placement = table(node("1", A, 500), node("2", B, 10))
        self.assertIs(placement.report(node("1", A, 0, life=2), 1_000), News.UP)
        self.assertEqual(placement.choose(1, 1_000), (A, B))
        placement.report(node("1", C, 0, life=3), 2_000)
        self.assertEqual(placement.choose(1, 2_000), (C, B))

    def test_nobody_misses_a_former_life(self):
        placement = table(node("1", A))
        placement.report(node("1", A, life=2), 6_000)
        self.assertEqual(placement.expire(9_001), [])
        self.assertEqual([dead.incarnation for dead in placement.expire(15_001)], [2])

    def test_one_report_that_was_under_way_when_a_node_died_is_no_namesake(self):
        placement = table(node("1", A))
        placement.report(node("1", A, life=2), 1_000)
        news = [placement.report(node("1", A), 1_001)]
        news += [placement.report(node("1", A, draining=True), 1_002) for _ in range(5)]
        self.assertEqual(news, [None] * 6)

    def alternate(self, placement: Placement, times: int, now: int = 0) -> list[News | None]:
        lives = (node("1", A, 5, life=1), node("1", B, 6, life=2))
        return [placement.report(life, now) for _ in range(times) for life in lives]

    def test_two_nodes_of_one_name_are_both_used_and_told_once(self):
        placement = table(node("2", C, 100))
        news = self.alternate(placement, 10)
        self.assertEqual(news.count(News.NAMESAKE), 1)
        self.assertEqual(placement.choose(1, 0), (A, B, C))
        self.assertEqual([other.address for other in placement.namesakes(node("1", A))], [B])

    def test_the_death_of_one_of_them_is_seen_though_the_other_reports(self):
        placement = Placement(INTERVAL)
        self.alternate(placement, 3)
        placement.report(node("1", B, life=2), 9_000)
        self.assertEqual([dead.address for dead in placement.expire(9_001)], [A])
        self.assertEqual(placement.choose(1, 9_001), (B,))

    def test_when_it_happens_again_it_is_told_again(self):
        placement = Placement(INTERVAL)
        self.alternate(placement, 5)
        for now in (9_000, 9_001):
            placement.report(node("1", A, life=1), now)
            placement.expire(now)
        self.assertIn(News.NAMESAKE, self.alternate(placement, 5, 10_000))

    def test_nodes_of_a_release_without_incarnations_count_as_before(self):
        placement = table(node("1", A, life=0))
        self.assertIsNone(placement.report(node("1", B, life=0), 10))
        self.assertEqual(placement.choose(1, 10), (B,))

    def test_what_another_table_had_is_taken_only_for_names_that_are_not_known(self):
        placement = table(node("1", A, life=2))
        taken = placement.adopt([node("1", B, life=1), node("2", C)], 0)
        self.assertEqual([report.node_id for report in taken], ["2"])
        self.assertEqual(set(placement.choose(1, 0)), {A, C})
