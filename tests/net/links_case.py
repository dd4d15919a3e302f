"""What the tests of links have in common: servers and callers of a made-up service, in a network in memory."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, globalLogPublisher
from twisted.spread import pb
from twisted.trial.unittest import SynchronousTestCase

from imchat.net.background import as_deferred
from imchat.net.links.link import LinkSettings
from imchat.net.links.messages import Method, Service
from imchat.net.links.plain import Fields, Plain
from imchat.net.links.pool import Links
from imchat.net.links.secret import SharedSecret
from imchat.net.links.server import LinkServer, ServerSettings
from tests.fakes.ids import SeededIds
from tests.fakes.links import Network, Server, Way

SECRET = SharedSecret("4f1c0a9be27d5836")
ECHO = Method("echo", repeatable=True)
ONCE = Method("once", repeatable=False)
TOYS = Service("toys", (ECHO, ONCE))


class Toy:
    """The handlers of the made-up service.

    Attributes:
        calls: What was asked, in order.
        answer: What the next calls give: a value, an exception, or a Deferred of either.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.answer: object = None
        self.handlers = {ECHO: self.echo, ONCE: self.once}

    async def echo(self, fields: Fields) -> Plain:
        return await self._do(f"echo {fields.text('text')}")

    async def once(self, fields: Fields) -> Plain:
        return await self._do(f"once {fields.text('text')}")

    async def _do(self, call: str) -> Plain:
        self.calls.append(call)
        if isinstance(self.answer, Deferred):
            return await self.answer
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Case(SynchronousTestCase):
    """A network with servers ``a`` and ``b``, and links to them."""

    def setUp(self) -> None:
        self.network = Network()
        self.clock = self.network.clock
        self.ids = SeededIds()
        self.run_network = self.network.run
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self._note)
        self.addCleanup(globalLogPublisher.removeObserver, self._note)

    def _note(self, event) -> None:
        if event.get("log_namespace", "").startswith("imchat.net.links") and event["log_level"] >= LogLevel.warn:
            self.lines.append(event["log_format"].format(**event))

    def serve(self, settings: ServerSettings | None = None, secret: SharedSecret = SECRET) -> tuple[Server, Toy]:
        """A running server."""
        server, toy = Server(), Toy()
        self.network.start(
            server, LinkServer(TOYS, toy.handlers, secret, self.ids, self.clock, *filter(None, [settings]))
        )
        return server, toy

    def link(
        self,
        *servers: Server,
        settings: LinkSettings | None = None,
        secret: SharedSecret = SECRET,
        service: Service = TOYS,
    ) -> Links:
        """Links to servers, up if they can be."""
        ways = [(f"server {number}", Way(self.network, server)) for number, server in enumerate(servers)]
        links = Links(service, ways, secret, self.ids, self.clock, *filter(None, [settings]))
        links.startService()
        self.addCleanup(links.stopService)
        self.run_network(0.1)
        return links

    def ask(self, links: Links, method: Method = ECHO, text: str = "x", seconds: float = 0) -> Deferred:
        """Make a call and let time pass."""
        return self.go(links.call(method, {"text": text}), seconds)

    def go(self, awaitable: Awaitable, seconds: float = 0) -> Deferred:
        """Start something and let time pass."""
        deferred = as_deferred(awaitable)
        self.run_network(seconds)
        return deferred

    def stranger(self, server: Server) -> Stranger:
        """A connection of Twisted's own Perspective Broker client, which knows the protocol and no secret."""
        return Stranger(self, server)


class Stranger:
    """Calls a server's root object by Twisted's own client."""

    def __init__(self, case: Case, server: Server) -> None:
        self._case = case
        factory = pb.PBClientFactory()
        self.broker = case.successResultOf(Way(case.network, server).connect(factory))
        self.end = self.broker.transport
        case.run_network()
        self.root = case.successResultOf(factory.getRootObject())

    def call(self, method: str, *args, **named) -> Deferred:
        """Call, deliver, return the answer."""
        deferred = self.root.callRemote(method, *args, **named)
        self._case.run_network()
        return deferred

    def answer(self, method: str, *args) -> object:
        """The answer that came."""
        return self._case.successResultOf(self.call(method, *args))

    def log_in(self) -> None:
        """Log in as a server that knows the secret."""
        ok, hello = self.answer("hello", {"version": 1, "service": "toys"})
        nonce = b"n" * 32
        proof = SECRET.proof("caller", "toys", hello["nonce"], nonce)
        self._case.assertEqual([ok, self.answer("login", {"nonce": nonce, "proof": proof})[0]], ["ok", "ok"])

    @property
    def closed(self) -> bool:
        """Whether the server ended the connection."""
        return self.end.gone is not None
