"""Workers: a place is never empty for long, whether its process dies, falls silent, or never gets ready."""

import os
import signal
import socket

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from imchat.net.workers import BEAT, HEARTBEAT_FD, READY, Lifeline, Patience, Supervisor, shared_socket
from tests.fakes.processes import ProcessReactor

TIMES = Patience(start=60, silence=10, stop=30, settled=10, longest_delay=4)


class SupervisorTests(SynchronousTestCase):
    def setUp(self):
        self.reactor = ProcessReactor()
        self.told = []
        self.supervisor = Supervisor(self.reactor, [["a"], ["b"]], lambda: self.told.append("ready"), TIMES)
        self.supervisor.startService()

    def pass_time(self, seconds, *beating):
        """Let time pass while these processes beat."""
        for _ in range(seconds):
            self.reactor.advance(1)
            for process in beating:
                process.say(HEARTBEAT_FD, BEAT)

    def both_ready(self):
        for process in self.reactor.processes:
            process.say(HEARTBEAT_FD, READY)
        return self.reactor.processes

    def test_it_is_ready_when_all_workers_are_and_says_so_once(self):
        first, second = self.reactor.processes
        first.say(HEARTBEAT_FD, BEAT)
        first.say(HEARTBEAT_FD, READY)
        self.assertEqual(self.told, [])
        second.say(HEARTBEAT_FD, BEAT + READY)
        self.assertEqual(self.told, ["ready"])
        second.die(code=1)
        self.pass_time(5, first)
        self.reactor.processes[-1].say(HEARTBEAT_FD, READY)
        self.assertEqual(self.told, ["ready"])

    def test_one_that_dies_after_a_while_is_replaced_at_once(self):
        first, second = self.both_ready()
        self.pass_time(20, first, second)
        second.die(signal_number=signal.SIGSEGV)
        self.pass_time(1, first)
        self.assertEqual([p.command for p in self.reactor.living], [["a"], ["b"]])

    def test_one_that_dies_again_and_again_is_started_less_and_less_often(self):
        starts = []
        for _ in range(6):
            self.reactor.processes[-1].die(code=1)
            began, count = self.reactor.seconds(), len(self.reactor.processes)
            while len(self.reactor.processes) == count:
                self.reactor.advance(0.25)
            starts.append(self.reactor.seconds() - began)
        self.assertEqual(starts, [0.5, 1, 2, 4, 4, 4])

    def test_one_that_the_machine_has_no_room_for_is_tried_again_and_the_others_run(self):
        first, second = self.both_ready()
        self.reactor.full = True
        first.die(code=1)
        self.pass_time(3, second)
        self.assertEqual(self.reactor.living, [second])
        self.reactor.full = False
        self.pass_time(4, second)
        self.assertEqual([p.command for p in self.reactor.living], [["b"], ["a"]])

    def test_one_that_falls_silent_is_killed_and_replaced(self):
        first, second = self.both_ready()
        second.obeys = False
        self.pass_time(9, first)
        self.assertTrue(second.alive)
        self.pass_time(2, first)
        self.assertEqual(second.signals, [signal.SIGKILL])
        self.assertEqual(len(self.reactor.living), 2)
        self.assertTrue(first.alive)

    def test_one_that_never_gets_ready_is_killed(self):
        first, second = self.reactor.processes
        first.say(HEARTBEAT_FD, READY)
        self.pass_time(61, first, second)
        self.assertFalse(second.alive)
        self.assertTrue(first.alive)

    def test_the_end_is_in_order_and_nothing_starts_again(self):
        first, second = self.both_ready()
        ended = self.supervisor.stopService()
        self.successResultOf(ended)
        self.assertEqual((first.signals, second.signals), ([signal.SIGTERM], [signal.SIGTERM]))
        self.reactor.advance(100)
        self.assertEqual(self.reactor.living, [])
        self.assertEqual(len(self.reactor.processes), 2)

    def test_one_that_does_not_end_is_killed(self):
        _, second = self.both_ready()
        second.obeys = False
        ended = self.supervisor.stopService()
        self.reactor.advance(29)
        self.assertNoResult(ended)
        self.reactor.advance(2)
        self.successResultOf(ended)
        self.assertEqual(second.signals, [signal.SIGTERM, signal.SIGKILL])

    def test_an_end_between_two_processes(self):
        _, second = self.both_ready()
        second.die(code=1)
        self.successResultOf(self.supervisor.stopService())
        self.reactor.advance(100)
        self.assertEqual(self.reactor.living, [])


class LifelineTests(SynchronousTestCase):
    def setUp(self):
        self.reactor = MemoryReactorClock()
        self.heard, heartbeat = os.pipe()
        lifeline, self.held = os.pipe()
        os.set_blocking(self.heard, False)
        self.line = Lifeline(self.reactor, heartbeat, lifeline)
        self.line.start()
        for descriptor in (self.heard, heartbeat, lifeline):
            self.addCleanup(os.close, descriptor)

    def test_it_beats_while_the_reactor_turns(self):
        self.assertEqual(os.read(self.heard, 100), BEAT)
        self.reactor.pump([1, 1, 1])
        self.line.ready()
        self.assertEqual(os.read(self.heard, 100), BEAT * 3 + READY)
        os.close(self.held)

    def test_a_parent_that_is_gone_ends_the_worker(self):
        stopped = []
        self.reactor.stop = lambda: stopped.append(True)
        self.line.doRead()
        self.assertEqual(stopped, [])
        os.close(self.held)
        self.line.doRead()
        self.assertEqual(stopped, [True])

    def test_a_parent_that_does_not_read_blocks_nothing(self):
        for _ in range(100_000):
            self.line.ready()
        os.close(self.held)


class SharedSocket(SynchronousTestCase):
    def test_two_may_listen_on_one_port_and_a_stranger_may_not(self):
        first = shared_socket("127.0.0.1", 0)
        self.addCleanup(first.close)
        port = first.getsockname()[1]
        shared_socket("127.0.0.1", port).close()
        with socket.socket() as stranger:
            self.assertRaises(OSError, stranger.bind, ("127.0.0.1", port))
