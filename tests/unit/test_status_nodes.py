"""The status server's table of nodes, and the copy from which a fresh server starts."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.domain.models import NodeAddress, NodeReport
from imchat.net.background import spawn
from imchat.status.logic import Nodes
from imchat.store.memory import MemoryNodeCopy

A, B, C = (NodeAddress(f"{name}.example", 8090) for name in "abc")


class Copy(MemoryNodeCopy):
    """A copy that counts its writes, and that is away or hangs as it is told.

    Attributes:
        writes: The names of the nodes of each write.
        away: Whether it is away.
        hanging: Where it is a list, reads and writes wait in it.
    """

    def __init__(self, now_ms):
        super().__init__(now_ms)
        self.writes = []
        self.away = False
        self.hanging = None

    async def write(self, reports, lifetime_ms):
        self.writes.append([report.node_id for report in reports])
        await self._pass()
        await super().write(reports, lifetime_ms)

    async def read(self):
        await self._pass()
        return await super().read()

    async def _pass(self):
        if self.away:
            raise Unavailable("it is away")
        if self.hanging is not None:
            self.hanging.append(Deferred())
            await self.hanging[-1]


class NodesCase(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.copy = Copy(lambda: int(self.clock.seconds() * 1000))

    def server(self):
        """A status server that starts now; its start has returned."""
        nodes = self.new()
        self.successResultOf(Deferred.fromCoroutine(nodes.start()))
        return nodes

    def new(self):
        nodes = Nodes(self.copy, self.clock, 3_000, spawn)
        self.addCleanup(nodes.stop)
        return nodes

    def report(self, nodes, name="a", address=A, connections=0, draining=False, life=1):
        nodes.report(NodeReport(name, address, connections, draining, life))

    def routes(self, nodes):
        try:
            return nodes.route(1).nodes
        except Unavailable:
            return ()


class FreshServerTests(NodesCase):
    def test_it_places_before_the_first_report(self):
        older = self.server()
        self.report(older, "a", A, 50)
        self.report(older, "b", B, 10)
        self.report(older, "c", C, draining=True)
        self.clock.advance(1)
        self.assertEqual(self.routes(self.server()), (B, A))

    def test_what_it_read_ages_from_the_reading_on(self):
        older = self.server()
        self.report(older)
        self.clock.advance(8.9)
        fresh = self.server()
        self.clock.advance(9)
        self.assertEqual(self.routes(fresh), (A,))
        with capturedLogs() as events:
            self.clock.advance(0.001)
            self.assertEqual(self.routes(fresh), ())
        self.assertEqual([event["node"] for event in events], ["a"])

    def test_a_report_takes_the_place_of_what_was_read(self):
        older = self.server()
        self.report(older, "a", A, 50)
        self.report(older, "b", B, 10)
        self.clock.advance(1)
        fresh = self.server()
        self.report(fresh, "b", C, 60)
        self.assertEqual(self.routes(fresh), (A, C))
        self.clock.advance(8.9)
        self.report(fresh, "b", C, 60)
        self.clock.advance(1)
        self.assertEqual(self.routes(fresh), (C,))

    def test_a_dead_node_does_not_live_on_by_being_copied_from_server_to_server(self):
        self.report(self.server(), "dead", A)
        for _ in range(2):
            self.clock.pump([1, 4])
            self.report(self.server(), "b", B)
        self.clock.pump([1, 1])
        self.assertEqual(self.routes(self.server()), (B,))

    def test_what_was_reported_meanwhile_is_newer_than_the_copy(self):
        self.report(self.server(), "a", A, 5)
        self.clock.advance(1)
        self.copy.hanging = []
        fresh = self.new()
        starting = Deferred.fromCoroutine(fresh.start())
        self.report(fresh, "a", B)
        self.copy.hanging[0].callback(None)
        self.successResultOf(starting)
        self.assertEqual(self.routes(fresh), (B,))

    def test_it_says_once_whom_it_knows_from_the_copy(self):
        older = self.server()
        for name, address in (("b", B), ("a", A)):
            self.report(older, name, address)
        self.clock.advance(1)
        with capturedLogs() as events:
            fresh = self.server()
            self.report(fresh)
        self.assertEqual([event["nodes"] for event in events], ["a, b"])


class AwayTests(NodesCase):
    def test_a_copy_that_is_away_stops_neither_the_start_nor_placement(self):
        self.copy.away = True
        with capturedLogs() as events:
            nodes = self.server()
            for _ in range(4):
                self.report(nodes)
                self.clock.advance(3)
        self.assertEqual(self.routes(nodes), (A,))
        self.assertEqual([event["log_format"][:16] for event in events], ["chat node {node}"])

    def test_a_copy_that_does_not_answer_holds_a_start_for_a_second_and_is_taken_when_it_comes(self):
        self.report(self.server())
        self.clock.advance(1)
        self.copy.hanging = []
        fresh = self.new()
        starting = Deferred.fromCoroutine(fresh.start())
        self.clock.advance(0.9)
        self.assertNoResult(starting)
        self.clock.advance(0.1)
        self.successResultOf(starting)
        self.assertEqual(self.routes(fresh), ())
        self.copy.hanging[0].callback(None)
        self.assertEqual(self.routes(fresh), (A,))

    def test_after_an_outage_it_is_written_again(self):
        self.copy.away = True
        nodes = self.server()
        self.report(nodes)
        self.clock.advance(3)
        self.copy.away = False
        self.report(nodes)
        self.clock.advance(1)
        self.assertEqual(self.routes(self.server()), (A,))


class WriteTests(NodesCase):
    def test_the_reports_of_a_second_are_one_write(self):
        nodes = self.server()
        for _ in range(3):
            for number in range(100):
                self.report(nodes, f"n{number:02}")
            self.clock.advance(1)
        self.assertEqual([len(names) for names in self.copy.writes], [100, 100, 100])

    def test_without_reports_nothing_is_written(self):
        nodes = self.server()
        self.report(nodes)
        for _ in range(30):
            self.clock.advance(1)
        self.assertEqual(self.copy.writes, [["a"]])

    def test_one_write_at_a_time(self):
        nodes = self.server()
        self.copy.hanging = []
        for _ in range(5):
            self.report(nodes)
            self.clock.advance(1)
        self.assertEqual(len(self.copy.writes), 1)
        self.copy.hanging[0].callback(None)
        self.clock.advance(1)
        self.assertEqual(len(self.copy.writes), 2)

    def test_a_server_that_stopped_writes_nothing_more(self):
        nodes = self.server()
        self.report(nodes)
        nodes.stop()
        self.report(nodes)
        self.clock.advance(5)
        self.assertEqual((self.copy.writes, self.clock.getDelayedCalls()), ([], []))


class NamesakeTests(NodesCase):
    def test_two_nodes_of_one_name_are_one_line_that_says_what_to_change(self):
        nodes = self.server()
        with capturedLogs() as events:
            for _ in range(10):
                self.report(nodes, "a", A, life=1)
                self.report(nodes, "a", B, life=2)
                self.clock.advance(3)
        warnings = [formatEvent(event) for event in events if event["log_level"].name == "warn"]
        self.assertEqual(
            warnings,
            [
                "two chat nodes have the name a, those at a.example:8090 and b.example:8090: "
                "give one of them another with --node or server.node"
            ],
        )
        self.assertEqual(len(self.routes(nodes)), 2)

    def test_a_node_that_crashes_again_and_again_is_no_warning(self):
        nodes = self.server()
        with capturedLogs() as events:
            for life in range(1, 6):
                for _ in range(3):
                    self.report(nodes, life=life)
                    self.clock.advance(3)
        self.assertEqual({event["log_level"].name for event in events}, {"info"})
