"""The relay that the harness on real processes puts between servers and clients."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from imchat.testing import free_port
from tests.faults.proxy import CLIENT, SERVER, Proxy
from tests.redis import pause, until

MUCH = bytes(3_000_000)


class End(Protocol):
    """One end of a connection."""

    def __init__(self):
        self.got = b""
        self.ended = False

    def dataReceived(self, data):
        self.got += data

    def connectionLost(self, reason):
        self.ended = True


@implementer(IPushProducer)
class Source:
    """Writes much at once, and knows whether there is room for more."""

    def __init__(self, transport):
        self.full = False
        self.written = 10 * len(MUCH)
        transport.registerProducer(self, True)
        transport.write(10 * MUCH)

    def pauseProducing(self):
        self.full = True

    def resumeProducing(self):
        self.full = False

    def stopProducing(self):
        pass


class Server(Factory):
    noisy = False

    def __init__(self):
        self.ends = []

    def buildProtocol(self, addr):
        self.ends.append(End())
        return self.ends[-1]


class ProxyTests(TestCase):
    async def setUp(self):
        self.server = Server()
        port = reactor.listenTCP(0, self.server, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.proxy = Proxy(reactor, free_port(), port.getHost().port)
        self.proxy.open()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.gone()))

    async def gone(self):
        await self.proxy.close()
        await until(lambda: self.proxy.connections == 0 and all(end.ended for end in self.server.ends), "all ended")

    async def client(self):
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.proxy.port)
        end = await endpoint.connect(Factory.forProtocol(End))
        self.addCleanup(end.transport.abortConnection)
        return end

    async def pair(self):
        count = len(self.server.ends)
        client = await self.client()
        await until(lambda: len(self.server.ends) > count, "connected")
        return client, self.server.ends[count]

    async def test_it_relays_both_ways_whatever_the_amount_and_the_end(self):
        client, server = await self.pair()
        client.transport.write(b"there" + MUCH)
        server.transport.write(b"back" + MUCH)
        await until(lambda: len(client.got) == 4 + len(MUCH) and len(server.got) == 5 + len(MUCH), "all is there")
        client.transport.write(b"last")
        client.transport.loseConnection()
        await until(lambda: server.ended, "the end")
        self.assertTrue(server.got.endswith(b"last"))

    async def test_a_cut_ends_both_and_new_ones_are_taken(self):
        client, server = await self.pair()
        self.proxy.cut()
        await until(lambda: client.ended and server.ended, "cut")
        await self.pair()

    async def test_closed_it_refuses_and_opens_again(self):
        client, server = await self.pair()
        await self.proxy.close()
        await until(lambda: client.ended and server.ended, "cut")
        with self.assertRaises(ConnectionRefusedError):
            await self.client()
        self.proxy.open()
        await self.pair()

    async def test_stalled_it_lets_nothing_through_until_it_is_released(self):
        client, server = await self.pair()
        gone, left = await self.pair()
        self.proxy.stall()
        client.transport.write(b"there" + MUCH)
        server.transport.write(b"back")
        gone.transport.loseConnection()
        newcomer = await self.client()
        newcomer.transport.write(b"new")
        await pause(100)
        self.assertEqual((client.got, server.got, left.ended, len(self.server.ends)), (b"", b"", False, 2))
        self.proxy.resume()
        await until(lambda: len(server.got) == 5 + len(MUCH) and client.got == b"back" and left.ended, "resumed")
        await until(lambda: len(self.server.ends) == 3 and self.server.ends[2].got == b"new", "the newcomer")

    async def test_an_end_that_is_noticed_while_it_is_stalled_is_told_later(self):
        client, server = await self.pair()
        client.transport.pauseProducing()
        server.transport.write(10 * MUCH)
        await pause(50)
        self.proxy.stall()
        client.transport.abortConnection()
        await until(lambda: client.ended, "it is gone")
        await pause(50)
        self.assertFalse(server.ended)
        self.proxy.resume()
        await until(lambda: server.ended, "told")

    async def test_who_does_not_read_holds_up_who_writes(self):
        client, server = await self.pair()
        server.transport.pauseProducing()
        source = Source(client.transport)
        await until(lambda: source.full, "full")
        await pause(200)
        self.assertTrue(source.full)
        server.transport.resumeProducing()
        await until(lambda: len(server.got) == source.written, "all is there")

    async def test_half_open_one_side_does_not_learn_of_the_end(self):
        for lost, remaining in ((CLIENT, 1), (SERVER, 0)):
            with self.subTest(lost):
                ends = await self.pair()
                self.proxy.half_open(lost)
                await until(lambda ends=ends, gone=1 - remaining: ends[gone].ended, "lost")
                ends[remaining].transport.write(MUCH)
                await pause(50)
                self.assertFalse(ends[remaining].ended)
                ends[remaining].transport.loseConnection()
                await until(lambda end=ends[remaining]: end.ended, "it gave up")
