"""A client that sends bytes to the gate's listener, for tests of what is no proper HTTP."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.trial.unittest import SynchronousTestCase

from imchat.gate.build import build_gate_site
from imchat.gate.settings import HttpSettings
from tests.fakes.gate import GateWorld
from tests.fakes.transport import ScriptedTransport
from tests.net.gate_case import PASSWORD

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: gate.example.org\r\n\r\n"


class Client:
    """A client that sends bytes and sees bytes."""

    def __init__(self, site, address: IAddress, room: int | None = None) -> None:
        self.channel = site.buildProtocol(address)
        self.transport = ScriptedTransport(self.channel, room=room)
        self.transport.peerAddr = address
        self.channel.makeConnection(self.transport)

    def send(self, data: bytes) -> bytes:
        if not self.transport.lost:
            self.channel.dataReceived(data)
        return self.seen

    @property
    def seen(self) -> bytes:
        return self.transport.value()

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.seen.split(b"HTTP/1.1 ")[1:]]

    @property
    def closed(self) -> bool:
        return self.transport.lost


def request(body: bytes, *headers: str, path: str = "/v1/logins", length: int | None = None) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: gate.example.org", "Content-Type: application/json", *headers]
    if not any("chunked" in line for line in headers):
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class SiteCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = GateWorld()
        self.clock = self.world.clock
        self.serve()

    def serve(self, **bounds: object) -> None:
        self.settings = replace(HttpSettings(max_body=4_096, request_timeout=30.0), **bounds)
        self.site = build_gate_site(
            self.world.gate,
            {},
            ids=self.world.ids,
            limiter=self.world.limiter,
            settings=self.settings,
            clock=self.clock,
        )
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)

    def client(self, host: str = "192.0.2.1", room: int | None = None) -> Client:
        return Client(self.site, IPv4Address("TCP", host, 40_000), room)

    def register(self) -> None:
        made = self.world.operators.create_user("Alice", "alice@example.org", PASSWORD)
        self.successResultOf(Deferred.fromCoroutine(made))

    def nothing_left(self) -> None:
        self.assertEqual(self.site.connections, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
