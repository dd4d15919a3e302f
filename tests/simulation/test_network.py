"""Simulated processes and their connections are as real ones: what is lost, what is kept, and who hears of it."""

from random import Random

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError, TimeoutError
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.halves import BUFFER, KERNEL
from tests.simulation.network import Network
from tests.simulation.process import SimulatedProcess
from tests.simulation.timeline import Timeline

HERE, THERE = "10.1.0.1", "10.0.0.1"


class Side(Protocol):
    """Notes what it hears."""

    def __init__(self):
        self.heard = b""
        self.end = None
        self.paused = 0

    def dataReceived(self, data):
        self.heard += data

    def connectionLost(self, reason):
        self.end = reason.type

    def pauseProducing(self):
        self.paused += 1

    def resumeProducing(self):
        self.paused -= 1

    def stopProducing(self):
        pass


class Sides(Factory):
    noisy = False

    def __init__(self):
        self.made = []

    def buildProtocol(self, addr):
        self.made.append(Side())
        return self.made[-1]


class NetworkCase(SynchronousTestCase):
    def setUp(self):
        self.timeline = Timeline(1000.0)
        self.faults = []
        self.network = Network(self.timeline, Random(1), lambda *_: 0.01, lambda *fault: self.faults.append(fault))
        self.client = SimulatedProcess(self.network, "client", HERE)
        self.server = SimulatedProcess(self.network, "server", THERE)
        self.sides = Sides()
        self.server.listenTCP(80, self.sides)

    def tearDown(self):
        self.assertEqual(self.faults, [])

    def run_for(self, seconds):
        self.timeline.run(self.timeline.now + seconds)

    def connecting(self, timeout=5):
        return HostnameEndpoint(self.client, THERE, 80, timeout=timeout).connect(Sides())

    def connected(self):
        connecting = self.connecting()
        self.run_for(0.2)
        return self.successResultOf(connecting), self.sides.made[-1]


class ConnectionTests(NetworkCase):
    def test_bytes_arrive_in_order_after_the_latency(self):
        mine, theirs = self.connected()
        mine.transport.write(b"one ")
        self.run_for(0.009)
        self.assertEqual(theirs.heard, b"")
        mine.transport.write(b"two")
        self.run_for(0.1)
        self.assertEqual(theirs.heard, b"one two")

    def test_an_orderly_end_comes_behind_the_last_bytes(self):
        mine, theirs = self.connected()
        mine.transport.write(b"last")
        mine.transport.loseConnection()
        self.run_for(0.1)
        self.assertEqual((theirs.heard, theirs.end, mine.end), (b"last", ConnectionDone, ConnectionDone))

    def test_an_abort_is_told_as_a_loss(self):
        mine, theirs = self.connected()
        mine.transport.abortConnection()
        self.run_for(0.1)
        self.assertEqual(theirs.end, ConnectionLost)

    def test_nobody_listening_is_a_refusal_and_nobody_there_a_time_out(self):
        self.server.crash()
        refused = self.connecting()
        self.run_for(1)
        self.failureResultOf(refused, ConnectionRefusedError)
        self.network.lose(THERE)
        silence = self.connecting()
        self.run_for(4)
        self.assertNoResult(silence)
        self.run_for(2)
        self.failureResultOf(silence, TimeoutError)

    def test_one_who_does_not_read_stops_the_other_ones_producer(self):
        mine, theirs = self.connected()
        mine.transport.registerProducer(mine, True)
        theirs.transport.pauseProducing()
        for _ in range(4):
            mine.transport.write(b"x" * 32 * 1024)
            self.run_for(0.1)
        self.assertEqual((mine.paused, len(theirs.heard)), (0, 0))
        mine.transport.write(b"x" * (BUFFER + 1))
        self.run_for(5)
        self.assertEqual(mine.paused, 1)
        theirs.transport.resumeProducing()
        self.run_for(0.2)
        self.assertEqual((mine.paused, len(theirs.heard)), (0, 4 * 32 * 1024 + BUFFER + 1))
        self.assertLess(KERNEL, len(theirs.heard))

    def test_a_muted_connection_looks_alive_to_both(self):
        mine, theirs = self.connected()
        mine.transport.go_mute()
        mine.transport.write(b"lost")
        mine.transport.abortConnection()
        self.run_for(10)
        self.assertEqual((theirs.heard, theirs.end), (b"", None))

    def test_what_is_blocked_arrives_once_it_gets_through(self):
        mine, theirs = self.connected()
        self.network.block(HERE, THERE)
        mine.transport.write(b"one ")
        self.run_for(5)
        mine.transport.write(b"two")
        self.assertEqual(theirs.heard, b"")
        self.network.unblock(HERE, THERE)
        self.run_for(0.1)
        self.assertEqual(theirs.heard, b"one two")

    def test_a_cut_is_told_to_both_and_what_travels_is_lost(self):
        mine, theirs = self.connected()
        theirs.transport.write(b"too late")
        mine.transport.cut()
        self.run_for(0.1)
        self.assertEqual((mine.end, theirs.end), (ConnectionLost, ConnectionLost))


class ProcessTests(NetworkCase):
    def test_what_a_killed_process_had_not_handed_to_the_kernel_is_lost(self):
        mine, theirs = self.connected()
        mine.transport.write(b"sent")
        self.run_for(0.0)
        mine.transport.write(b" and not sent")
        self.client.crash()
        self.run_for(0.1)
        self.assertEqual((theirs.heard, theirs.end, mine.end), (b"sent", ConnectionDone, None))

    def test_nothing_of_a_killed_process_runs(self):
        ran = []
        self.client.callLater(1, ran.append, "timer")
        self.client.enter(ran.append, "before")
        self.client.crash()
        self.client.enter(ran.append, "after")
        self.client.callLater(0, ran.append, "later").cancel()
        self.run_for(5)
        self.assertEqual(ran, ["before"])

    def test_a_lost_machine_is_found_out_when_it_is_up_again(self):
        mine, _ = self.connected()
        self.network.lose(THERE)
        self.server.crash(silently=True)
        mine.transport.write(b"?")
        self.run_for(60)
        self.assertIsNone(mine.end)
        self.network.find(THERE)
        mine.transport.write(b"?")
        self.run_for(0.1)
        self.assertEqual(mine.end, ConnectionLost)

    def test_a_frozen_process_does_later_what_was_due_and_hears_what_came(self):
        mine, theirs = self.connected()
        ran = []
        self.server.callLater(1, ran.append, "timer")
        self.server.freeze()
        mine.transport.write(b"hello")
        accepted = self.connecting()
        self.run_for(3)
        self.successResultOf(accepted)  # The kernel takes connections.
        self.assertEqual((ran, theirs.heard, len(self.sides.made)), ([], b"", 1))
        self.server.thaw()
        self.run_for(0.1)
        self.assertEqual((ran, theirs.heard, len(self.sides.made)), (["timer"], b"hello", 2))

    def test_a_frozen_process_sends_nothing_that_its_kernel_does_not_have(self):
        mine, theirs = self.connected()
        mine.transport.write(b"hello")
        self.client.freeze()
        self.run_for(3)
        self.assertEqual(theirs.heard, b"")
        self.client.thaw()
        self.run_for(0.1)
        self.assertEqual(theirs.heard, b"hello")

    def test_timers_follow_the_clock_of_their_process(self):
        ran = []
        self.client.callLater(10, ran.append, "mine")
        self.server.callLater(10, ran.append, "theirs")
        self.client.set_clock(3600.0)
        self.server.set_clock(-5.0)
        self.run_for(1)
        self.assertEqual(ran, ["mine"])
        self.run_for(10)
        self.assertEqual(ran, ["mine"])
        self.run_for(5)
        self.assertEqual(ran, ["mine", "theirs"])
        self.assertEqual(round(self.client.seconds() - self.server.seconds()), 3605)

    def test_what_a_process_lets_through_is_told(self):
        self.client.callLater(0, lambda: 1 / 0)
        self.run_for(1)
        [(process, failure)] = self.faults
        self.assertIs(process, self.client)
        self.assertTrue(failure.check(ZeroDivisionError))
        self.faults.clear()
