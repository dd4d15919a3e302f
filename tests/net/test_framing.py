"""The framing protocol: against the stock receiver, slow and broken peers, and peers that do not read."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.basic import Int32StringReceiver
from twisted.trial.unittest import SynchronousTestCase

from imchat.net.framing import LINGER, FrameProtocol
from imchat.net.output import CHUNK, SOFT_BOUND
from imchat.net.turn import Turn
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import MAX_FRAME_BEFORE_HELLO, encode
from imchat.wire.frames import frame
from tests.fakes.transport import ScriptedTransport


class Recorder(FrameProtocol):
    """Keeps what it gets; answers a ping with a pong; ends a broken connection after saying so."""

    def __init__(self, clock: Clock, turn: Turn | None = None) -> None:
        super().__init__(clock, turn)
        self.got: list[pb.Frame] = []
        self.faults: list[str] = []
        self.drains = 0
        self.pause_at: int | None = None

    def frame_received(self, message: pb.Frame) -> None:
        self.got.append(message)
        if message.WhichOneof("body") == "ping":
            self.send(pb.Frame(request_id=message.request_id, pong=pb.Pong()))
        if message.request_id == self.pause_at:
            self.pause_reading()

    def broken(self, code: str, message: str) -> None:
        self.faults.append(code)
        self.send(pb.Frame(error=pb.Error(code=code, message=message)))
        self.close()

    def drained(self) -> None:
        self.drains += 1


class Stock(Int32StringReceiver):
    def __init__(self) -> None:
        self.got: list[bytes] = []

    def stringReceived(self, string: bytes) -> None:
        self.got.append(string)


def ping(request_id: int) -> bytes:
    return frame(encode(pb.Frame(request_id=request_id, ping=pb.Ping())))


def answers(transport: StringTransport) -> list[pb.Frame]:
    stock = Stock()
    stock.makeConnection(StringTransport())
    stock.MAX_LENGTH = 2**24
    stock.dataReceived(transport.value())
    return [pb.Frame.FromString(payload) for payload in stock.got]


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def connect(self, room: int | None = None) -> tuple[Recorder, ScriptedTransport]:
        protocol = Recorder(self.clock)
        transport = ScriptedTransport(protocol, room=room)
        protocol.makeConnection(transport)
        return protocol, transport


class ReadingTests(Case):
    def test_a_stock_receiver_is_understood_and_understands(self) -> None:
        ours, transport = self.connect()
        stock, wire = Stock(), StringTransport()
        stock.makeConnection(wire)
        for number in (1, 2, 3):
            stock.sendString(encode(pb.Frame(request_id=number, ping=pb.Ping())))
        ours.dataReceived(wire.value())
        self.clock.advance(0)
        stock.dataReceived(transport.value())
        self.assertEqual([1, 2, 3], [pb.Frame.FromString(payload).request_id for payload in stock.got])

    @given(st.lists(st.integers(1, 2**40), max_size=10), st.data())
    def test_any_chunking_yields_the_same_frames(self, numbers: list[int], data) -> None:
        ours, _ = self.connect()
        stream = b"".join(ping(number) for number in numbers)
        while stream:
            size = data.draw(st.integers(1, len(stream)))
            ours.dataReceived(stream[:size])
            stream = stream[size:]
        self.assertEqual(numbers, [message.request_id for message in ours.got])

    def test_frames_before_an_oversized_one_are_answered_and_then_the_connection_ends(self) -> None:
        ours, transport = self.connect()
        ours.dataReceived(ping(1) + ping(2) + struct.pack("!I", MAX_FRAME_BEFORE_HELLO + 1) + b"x" * 100)
        self.assertEqual(["pong", "pong", "error"], [a.WhichOneof("body") for a in answers(transport)])
        self.assertEqual(["too_large"], ours.faults)
        self.assertTrue(transport.lost)

    def test_nothing_is_handled_after_a_broken_frame(self) -> None:
        ours, transport = self.connect()
        ours.dataReceived(ping(1) + frame(b"\xff\xff\xff") + ping(2))
        ours.dataReceived(ping(3))
        self.assertEqual([1], [message.request_id for message in ours.got])
        self.assertEqual(["invalid_request"], ours.faults)
        self.assertTrue(transport.lost)

    def test_a_frame_that_stays_incomplete_ends_the_connection(self) -> None:
        ours, transport = self.connect()
        ours.dataReceived(ping(1)[:3])
        self.clock.advance(29)
        # A byte now and then is no reprieve: the whole frame has to be there in time.
        ours.dataReceived(ping(1)[3:4])
        self.assertEqual([], ours.faults)
        self.clock.advance(1)
        self.assertEqual(["invalid_request"], ours.faults)
        self.assertTrue(transport.lost)

    def test_each_frame_has_its_own_time(self) -> None:
        ours, transport = self.connect()
        first, second = ping(1), ping(2)
        ours.dataReceived(first[:3])
        self.clock.advance(20)
        ours.dataReceived(first[3:] + second[:3])
        self.clock.advance(20)
        self.assertEqual([], ours.faults)
        ours.dataReceived(second[3:])
        self.clock.advance(100)
        self.assertEqual([1, 2], [message.request_id for message in ours.got])
        self.assertFalse(transport.lost)

    def test_a_frame_is_not_too_slow_while_we_do_not_read(self) -> None:
        ours, transport = self.connect()
        ours.dataReceived(ping(1)[:3])
        ours.pause_reading()
        self.clock.advance(100)
        self.assertFalse(transport.lost)
        ours.resume_reading()
        self.clock.advance(30)
        self.assertTrue(transport.lost)

    def test_paused_reading_keeps_frames_in_order_and_stops_the_transport(self) -> None:
        ours, transport = self.connect()
        ours.pause_at = 2
        ours.dataReceived(ping(1) + ping(2) + ping(3))
        ours.dataReceived(ping(4))
        self.assertEqual([1, 2], [message.request_id for message in ours.got])
        self.assertFalse(transport.reading)
        ours.resume_reading()
        self.assertEqual([1, 2, 3, 4], [message.request_id for message in ours.got])
        self.assertTrue(transport.reading)

    def test_an_oversized_frame_waits_its_turn_behind_paused_ones(self) -> None:
        ours, _ = self.connect()
        ours.pause_at = 1
        ours.dataReceived(ping(1) + ping(2) + b"\xff\xff\xff\xff")
        self.assertEqual([], ours.faults)
        ours.resume_reading()
        self.assertEqual([1, 2], [message.request_id for message in ours.got])
        self.assertEqual(["too_large"], ours.faults)

    def test_the_limit_can_be_raised(self) -> None:
        ours, _ = self.connect()
        ours.set_max_frame(200_000)
        large = pb.Frame(request_id=1, error=pb.Error(message="x" * 150_000))
        ours.dataReceived(frame(encode(large)))
        self.assertEqual([large], ours.got)


class WritingTests(Case):
    def test_what_is_sent_in_one_turn_is_one_write(self) -> None:
        ours, _ = self.connect()
        writes: list[bytes] = []
        ours._output._write = writes.append
        ours.send(pb.Frame(ping=pb.Ping()))
        ours.send(pb.Frame(pong=pb.Pong()))
        self.assertEqual([], writes)
        self.clock.advance(0)
        self.assertEqual(1, len(writes))

    def test_connections_share_one_timer_for_the_end_of_the_turn(self) -> None:
        turn = Turn(self.clock)
        for _ in range(5):
            protocol = Recorder(self.clock, turn)
            protocol.makeConnection(ScriptedTransport(protocol))
            protocol.send(pb.Frame(ping=pb.Ping()))
        self.assertEqual(1, len(self.clock.getDelayedCalls()))

    def test_one_fault_at_the_end_of_the_turn_does_not_keep_the_others_back(self) -> None:
        turn, done = Turn(self.clock), []
        turn.at_end(lambda: 1 / 0)
        turn.at_end(lambda: done.append(1))
        self.clock.advance(0)
        self.assertEqual([1], done)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_a_full_transport_gets_no_more_until_it_is_empty(self) -> None:
        ours, transport = self.connect(room=100)
        ours.send_payload(b"x" * 200)
        self.clock.advance(0)
        self.assertTrue(ours.slow)
        ours.send_payload(b"y" * 50)
        self.clock.advance(0)
        self.assertNotIn(b"y", transport.value())
        self.assertEqual(0, ours.drains)
        transport.drain()
        self.assertIn(b"y" * 50, transport.value())
        self.assertFalse(ours.slow)
        self.assertEqual(1, ours.drains)

    def test_much_output_in_one_turn_makes_a_connection_slow_before_the_transport_says_so(self) -> None:
        ours, _ = self.connect()
        for _ in range(5):
            ours.send_payload(b"x" * (SOFT_BOUND // 4))
        self.assertTrue(ours.slow)
        # The transport takes it all: nothing else will ever say that there is room again.
        self.clock.advance(0)
        self.assertFalse(ours.slow)
        self.assertEqual(1, ours.drains)

    @given(st.lists(st.integers(0, 300_000), min_size=1, max_size=6), st.integers(1, 200_000))
    def test_whatever_the_sizes_all_is_written_once_and_in_order(self, sizes: list[int], room: int) -> None:
        ours, transport = self.connect(room=room)
        expected = b""
        for number, size in enumerate(sizes):
            payload = bytes([number]) * size
            expected += frame(payload)
            ours.send_payload(payload)
            if number % 2:
                self.clock.advance(0)
        self.clock.advance(0)
        while transport.value() != expected:
            before = len(transport.value())
            transport.drain()
            self.assertGreater(len(transport.value()), before)
        self.assertFalse(transport.lost)

    def test_a_large_frame_goes_in_pieces_so_that_progress_is_seen(self) -> None:
        ours, transport = self.connect(room=100)
        ours.send_payload(b"x" * (10 * CHUNK))
        self.clock.advance(0)
        for taken in range(1, 10):
            self.assertEqual(taken * CHUNK, len(transport.value()))
            self.clock.advance(20)
            transport.drain()
        self.assertFalse(transport.lost)

    def test_a_peer_that_reads_nothing_is_cut_off(self) -> None:
        ours, transport = self.connect(room=100)
        ours.send_payload(b"x" * 200)
        self.clock.advance(0)
        self.clock.advance(29)
        self.assertFalse(transport.lost)
        self.clock.advance(1)
        self.assertTrue(transport.aborted)

    def test_a_peer_that_reads_slowly_is_not_cut_off(self) -> None:
        ours, transport = self.connect(room=100)
        for _ in range(5):
            ours.send_payload(b"x" * 200)
            self.clock.advance(20)
            transport.drain()
        self.clock.advance(100)
        self.assertFalse(transport.lost)


class EndingTests(Case):
    def test_closing_writes_what_was_sent(self) -> None:
        ours, transport = self.connect()
        ours.send(pb.Frame(ping=pb.Ping()))
        ours.close()
        self.assertEqual(["ping"], [a.WhichOneof("body") for a in answers(transport)])
        self.assertTrue(transport.lost)

    def test_closing_writes_even_what_was_held_back(self) -> None:
        ours, transport = self.connect(room=10)
        ours.send(pb.Frame(error=pb.Error(message="x" * 50)))
        self.clock.advance(0)
        ours.send(pb.Frame(goodbye=pb.Goodbye(code="replaced")))
        ours.close()
        self.assertEqual(["error", "goodbye"], [a.WhichOneof("body") for a in answers(transport)])

    def test_a_peer_that_does_not_read_cannot_keep_a_closing_connection(self) -> None:
        ours, transport = self.connect(room=10)
        ours.send(pb.Frame(error=pb.Error(message="x" * 50)))
        ours.close()
        self.assertFalse(transport.lost)
        self.clock.advance(LINGER)
        self.assertTrue(transport.aborted)

    def test_nothing_is_handled_or_sent_after_closing(self) -> None:
        ours, transport = self.connect()
        ours.close()
        ours.dataReceived(ping(1))
        ours.send(pb.Frame(ping=pb.Ping()))
        self.clock.advance(0)
        self.assertEqual([], ours.got)
        self.assertEqual(b"", transport.value())

    def test_a_lost_connection_leaves_no_timer(self) -> None:
        ours, transport = self.connect(room=10)
        ours.send(pb.Frame(error=pb.Error(message="x" * 50)))
        self.clock.advance(0)
        ours.dataReceived(b"\0")
        self.assertEqual(2, len(self.clock.getDelayedCalls()))
        transport.abortConnection()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_aborting_in_the_middle_of_frames_handles_no_more_of_them(self) -> None:
        ours, transport = self.connect()
        ours.frame_received = lambda message: (ours.got.append(message), ours.abort())
        ours.dataReceived(ping(1) + ping(2))
        self.assertEqual(1, len(ours.got))
        self.assertTrue(transport.aborted)
