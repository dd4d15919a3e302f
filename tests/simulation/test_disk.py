"""A device's disk keeps what its client's state store promises, and no more than that is sure."""

from random import Random

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.client.state import Change
from tests.simulation.disk import Disk, DiskState
from tests.simulation.network import Network
from tests.simulation.process import SimulatedProcess
from tests.simulation.timeline import Timeline


class DiskTests(SynchronousTestCase):
    def setUp(self):
        self.timeline = Timeline(0.0)
        network = Network(self.timeline, Random(1), lambda *_: 0.01, lambda *_: None)
        self.process = SimulatedProcess(network, "device", "10.1.0.1")
        self.disk, self.written = Disk(), []
        self.state = self.start(Random(1))

    def start(self, chance):
        return DiskState(self.disk, self.process, chance, lambda change: None, self.written.append)

    def commit(self, seq):
        return self.state.commit(Change(positions={1: seq}))

    def test_changes_are_saved_in_their_order_and_told_when_they_are(self):
        done = [self.commit(seq) for seq in range(1, 30)]
        for one in done:
            self.assertNoResult(one)
        self.timeline.run(1.0)
        for one in done:
            self.successResultOf(one)
        self.assertEqual([change.positions[1] for change in self.written], list(range(1, 30)))
        self.assertEqual(self.disk.saved.positions, {1: 29})

    def test_a_crash_keeps_some_of_what_was_being_written_and_all_that_was_told(self):
        kept = set()
        for seed in range(30):
            self.disk.saved.positions.clear()
            self.state = self.start(Random(seed))
            self.commit(1)
            self.timeline.run(self.timeline.now + 1)
            self.commit(2), self.commit(3)
            self.state.crashed()
            kept.add(self.disk.saved.positions[1])
        self.assertEqual(kept, {1, 2, 3})

    def test_closing_waits_for_what_is_being_written(self):
        self.commit(1)
        closed = Deferred.fromCoroutine(self.state.close())
        self.assertNoResult(closed)
        self.timeline.run(1.0)
        self.successResultOf(closed)

    def test_a_dead_process_writes_nothing(self):
        self.process.crash()
        self.assertNoResult(self.commit(1))
        self.timeline.run(1.0)
        self.assertEqual((self.written, self.disk.saved.positions), ([], {}))
