"""Links over real sockets: UNIX, TCP, TLS, and a server process that is stopped by a signal."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import TestCase

from imchat.domain.errors import Unavailable
from imchat.net.background import as_deferred
from imchat.net.ids import SecureIds
from imchat.net.links.endpoints import connector, listener
from imchat.net.links.link import LinkSettings
from imchat.net.links.messages import Method
from imchat.net.links.pool import Links
from imchat.net.links.server import LinkServer
from tests.fakes.certificates import Authority
from tests.net.links_case import ECHO, ONCE, SECRET, TOYS, Toy

ROOT = Path(__file__).resolve().parents[2]

FAST = LinkSettings(
    connect_timeout=2.0,
    login_timeout=2.0,
    call_timeout=2.0,
    total_timeout=4.0,
    ping_interval=0.3,
    ping_timeout=0.5,
    first_delay=0.02,
    longest_delay=0.1,
)

CHILD = """
import sys
from twisted.internet import reactor
from imchat.net.ids import SecureIds
from imchat.net.links.endpoints import listener
from imchat.net.links.server import LinkServer
from tests.net.links_case import SECRET, TOYS, Toy
toy = Toy()
toy.answer = "from the child"
server = LinkServer(TOYS, toy.handlers, SECRET, SecureIds(), reactor)
listening = listener(reactor, sys.argv[1]).listen(server)
listening.addCallbacks(lambda _: print("listening", flush=True), lambda failure: sys.exit(str(failure.value)))
reactor.run()
"""


class Child(ProcessProtocol):
    """A server in a process of its own."""

    def __init__(self) -> None:
        self.listening: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()
        self.errors = b""

    def outReceived(self, data: bytes) -> None:
        if b"listening" in data and not self.listening.called:
            self.listening.callback(None)

    def errReceived(self, data: bytes) -> None:
        self.errors += data

    def processEnded(self, reason) -> None:
        if not self.listening.called:
            self.listening.errback(RuntimeError(self.errors.decode()))
        self.ended.callback(None)


class Case(TestCase):
    timeout = 20

    def setUp(self) -> None:
        self.toy = Toy()
        self.toy.answer = "done"
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self._note)
        self.addCleanup(globalLogPublisher.removeObserver, self._note)

    def _note(self, event) -> None:
        if event.get("log_namespace", "").startswith("imchat.net.links") and event["log_level"] >= LogLevel.warn:
            self.lines.append(event["log_format"].format(**event))

    async def listen(self, text: str):
        """A server on an endpoint; returns it and its port."""
        server = LinkServer(TOYS, self.toy.handlers, SECRET, SecureIds(), reactor)
        port = await listener(reactor, text).listen(server)
        self.addCleanup(lambda: as_deferred(self.end(server, port)))
        return server, port

    async def end(self, server, port) -> None:
        await as_deferred(port.stopListening() or deferLater(reactor, 0, lambda: None))
        await self.until(lambda: not server._friends and not server._strangers)

    def link(self, *texts: str) -> Links:
        ways = [(text, connector(reactor, text)) for text in texts]
        links = Links(TOYS, ways, SECRET, SecureIds(), reactor, FAST)
        links.startService()
        self.addCleanup(links.stopService)
        return links

    async def ask(self, links: Links, method: Method, text: str = "x") -> object:
        """Call as callers do: again after ``unavailable``, which a busy machine alone can bring about here."""
        while True:
            try:
                return await links.call(method, {"text": text})
            except Unavailable:
                await deferLater(reactor, 0.05, lambda: None)

    async def until(self, condition) -> None:
        """Return when it holds; the test's time-out ends a wait for what never comes."""
        while not condition():
            await deferLater(reactor, 0.01, lambda: None)


class UnixTests(Case):
    async def test_a_call_a_restart_and_a_call(self) -> None:
        text = f"unix:{self.mktemp()}"
        server, port = await self.listen(text)
        links = self.link(text)
        await self.until(lambda: links.up)
        self.assertEqual(await self.ask(links, ECHO, "x" * 300_000), "done")
        await self.end(server, port)
        await self.until(lambda: not links.up)
        with self.assertRaises(Unavailable):
            await links.call(ECHO, {"text": "x"})
        await self.listen(text)
        await self.until(lambda: links.up)
        self.assertEqual(await self.ask(links, ONCE), "done")

    async def test_a_peer_that_stops_reading_holds_nobody_up(self) -> None:
        first, second = f"unix:{self.mktemp()}", f"unix:{self.mktemp()}"
        frozen, _ = await self.listen(first)
        await self.listen(second)
        links = self.link(first, second)
        await self.until(lambda: links.up == 2)
        (broker,) = frozen._friends
        broker.transport.pauseProducing()
        self.assertEqual(await self.ask(links, ECHO, "x" * 600_000), "done")
        await self.until(lambda: any(first in line and "does not answer pings" in line for line in self.lines))
        broker.transport.resumeProducing()


class TcpTests(Case):
    async def test_a_call_and_a_refused_connection(self) -> None:
        _, port = await self.listen("tcp:0:interface=127.0.0.1")
        links = self.link("tcp:127.0.0.1:9", f"tcp:127.0.0.1:{port.getHost().port}")
        await self.until(lambda: links.up)
        self.assertEqual(await self.ask(links, ONCE), "done")
        self.assertTrue(any("tcp:127.0.0.1:9 is not linked" in line for line in self.lines), self.lines)


class TlsTests(Case):
    def files(self, authority: Authority) -> tuple[str, str]:
        """A server's endpoint without its port, and the authority's directory."""
        directory = Path(self.mktemp())
        directory.mkdir()
        pem = directory / "server.pem"
        pem.write_bytes(authority.issue("localhost"))
        roots = Path(self.mktemp())
        roots.mkdir()
        (roots / "authority.pem").write_bytes(authority.pem)
        return f"ssl:0:interface=127.0.0.1:privateKey={pem}:certKey={pem}", str(roots)

    async def test_a_call_over_tls(self) -> None:
        endpoint, roots = self.files(Authority())
        _, port = await self.listen(endpoint)
        links = self.link(f"tls:localhost:{port.getHost().port}:trustRoots={roots}")
        await self.until(lambda: links.up)
        self.assertEqual(await self.ask(links, ECHO, "x" * 600_000), "done")

    async def test_a_server_with_a_certificate_of_somebody_else_is_not_called(self) -> None:
        endpoint, _ = self.files(Authority())
        _, roots = self.files(Authority("Another"))
        _, port = await self.listen(endpoint)
        links = self.link(f"tls:localhost:{port.getHost().port}:trustRoots={roots}")
        await self.until(lambda: self.lines)
        self.assertEqual((links.up, self.toy.calls), (0, []))
        self.assertIn("certificate verify failed", self.lines[0])


class StoppedProcessTests(Case):
    async def spawn(self, text: str) -> int:
        child = Child()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = reactor.spawnProcess(child, sys.executable, [sys.executable, "-c", CHILD, text], environment)
        pid = process.pid

        def end():
            if not child.ended.called:
                os.kill(pid, signal.SIGKILL)
            return child.ended

        self.addCleanup(end)
        await child.listening
        return pid

    async def test_stopped_resumed_and_killed(self) -> None:
        # Not in trial's directory, whose path is too long for a socket.
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        first, second = f"unix:{directory}/first", f"unix:{directory}/second"
        pid = await self.spawn(first)
        await self.listen(second)
        links = self.link(first, second)
        await self.until(lambda: links.up == 2)
        self.assertEqual(await self.ask(links, ONCE), "from the child")
        os.kill(pid, signal.SIGSTOP)
        self.assertEqual(await self.ask(links, ECHO), "done")
        await self.until(lambda: links.up == 1)
        self.assertEqual(await self.ask(links, ONCE), "done")
        os.kill(pid, signal.SIGCONT)
        await self.until(lambda: links.up == 2)
        os.kill(pid, signal.SIGKILL)
        await self.until(lambda: links.up == 1)
        self.assertEqual(await self.ask(links, ONCE), "done")
