"""What the quick way of writing to plain TCP does, on real sockets, and what it leaves to the ordinary way."""

import socket

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imchat.net.direct import writer_of
from imchat.net.framing import FrameProtocol
from imchat.wire import imchat_pb2 as pb


class Owner(Protocol):
    """Notes what becomes of its connection."""

    def __init__(self) -> None:
        self.ended: Failure | None = None

    def connectionLost(self, reason: Failure) -> None:
        self.ended = reason


class Producer:
    """Notes when it is to write."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pauseProducing(self) -> None:
        self.calls.append("pause")

    def resumeProducing(self) -> None:
        self.calls.append("resume")

    def stopProducing(self) -> None:
        self.calls.append("stop")


class PlainTests(SynchronousTestCase):
    """One end is Twisted's transport, whose reactor runs when the test says; the other a socket of the test."""

    def setUp(self):
        self.reactor = MemoryReactor()
        ours, self.peer = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        self.peer.setblocking(False)
        self.addCleanup(self.peer.close)
        self.addCleanup(ours.close)
        self.owner = Owner()
        self.transport = Connection(ours, self.owner, self.reactor)
        self.transport.connected = 1
        self.transport.getPeer = self.transport.getHost = lambda: None
        self.write = writer_of(self.transport)

    def turn(self) -> None:
        """What the reactor does when the socket takes more."""
        reason = self.transport.doWrite()
        if reason is not None:
            self.transport.connectionLost(Failure(reason))

    def read_all(self) -> bytes:
        """Let the reactor write, and read, until all is sent."""
        data = b""
        while self.transport in self.reactor.getWriters():
            self.turn()
            data += self.read()
        return data + self.read()

    def read(self) -> bytes:
        """Read what has arrived."""
        data = b""
        try:
            while more := self.peer.recv(1 << 20):
                data += more
        except BlockingIOError:
            pass
        return data

    def test_what_the_socket_takes_is_sent_at_once_without_the_reactor(self):
        self.write(b"now")
        self.assertEqual(self.read(), b"now")
        self.assertEqual(self.reactor.getWriters(), [])

    def test_what_the_socket_does_not_take_follows_in_order_and_later_writes_behind_it(self):
        large = bytes(range(256)) * 4096
        self.write(large)
        self.assertEqual(self.reactor.getWriters(), [self.transport])
        self.write(b"behind")
        self.assertEqual(self.read_all(), large + b"behind")

    def test_once_all_has_left_writes_go_out_at_once_again(self):
        self.write(bytes(1 << 20))
        self.read_all()
        self.write(b"again")
        self.assertEqual(self.read(), b"again")

    def test_what_waits_in_the_transport_goes_first(self):
        self.transport.write(b"first,")
        self.write(b"second")
        self.assertEqual(self.read_all(), b"first,second")

    def test_a_producer_is_paused_and_resumed_as_by_the_transport_itself(self):
        producer = Producer()
        self.transport.registerProducer(producer, True)
        self.write(b"small")
        self.assertEqual(producer.calls, [])
        self.write(bytes(1 << 20))
        self.assertEqual(producer.calls, ["pause"])
        self.read_all()
        self.assertEqual(producer.calls, ["pause", "resume"])

    def test_a_lost_connection_ends_when_the_reactor_finds_it_not_within_the_write(self):
        self.peer.close()
        self.write(b"nobody reads this")
        self.assertIsNone(self.owner.ended)
        self.turn()
        self.assertIsNotNone(self.owner.ended)
        self.write(b"nor this")

    def test_a_connection_that_is_being_closed_is_left_to_the_transport(self):
        self.transport.loseConnection()
        self.write(b"as write does")
        self.assertEqual(self.read(), b"")
        self.assertEqual(self.read_all(), b"as write does")
        self.assertIsNotNone(self.owner.ended)


class OthersTests(SynchronousTestCase):
    def test_a_transport_that_is_not_plain_tcp_is_written_to_in_its_own_way(self):
        transport = StringTransport()
        self.assertEqual(writer_of(transport), transport.write)

    def test_so_is_tcp_that_speaks_tls(self):
        ours, peer = socket.socketpair()
        self.addCleanup(peer.close)
        self.addCleanup(ours.close)
        transport = Connection(ours, Owner(), MemoryReactor())
        transport.TLS = True
        self.assertEqual(writer_of(transport), transport.write)


class Slow(FrameProtocol):
    """Counts the frames that arrive, and reads nothing until it is told to."""

    def __init__(self, wanted: int) -> None:
        super().__init__(reactor)
        self.wanted, self.numbers = wanted, []
        self.done: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.pause_reading()
        reactor.callLater(0.05, self.resume_reading)

    def frame_received(self, message: pb.Frame) -> None:
        self.numbers.append(message.request_id)
        if len(self.numbers) == self.wanted:
            self.done.callback(None)


class EndToEndTests(TestCase):
    async def test_many_frames_to_a_slow_reader_over_real_tcp_arrive_once_and_in_order(self):
        count = 60_000
        sender, reader = FrameProtocol(reactor), Slow(count)
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(lambda: reader))
        self.addCleanup(port.stopListening)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        await endpoint.connect(Factory.forProtocol(lambda: sender))
        ended: Deferred[None] = Deferred()
        lost = reader.connectionLost
        reader.connectionLost = lambda reason: (lost(reason), ended.callback(None))
        for first in range(1, count + 1, 100):
            reactor.callLater(0, self.send, sender, range(first, first + 100))
        await reader.done.addTimeout(30, reactor)
        self.assertEqual(reader.numbers, list(range(1, count + 1)))
        sender.abort()
        await ended

    def send(self, sender, numbers):
        for number in numbers:
            sender.send(pb.Frame(request_id=number, ping=pb.Ping()))
        sender.flush()
