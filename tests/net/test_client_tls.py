"""The client on real sockets of the loopback interface: TLS with the host's name verified."""

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.protocol import Factory
from twisted.internet.ssl import PrivateCertificate
from twisted.trial.unittest import TestCase
from twisted.web.resource import Resource
from twisted.web.server import Site

from imchat.client import Client, Credentials, Gate, MemoryState, Options, Outside, SecureIds, Unreachable
from imchat.client.network import http_client, node_connector
from imchat.net.framing import FrameProtocol
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.certificates import Authority


class Welcoming(FrameProtocol):
    def frame_received(self, message):
        if message.HasField("hello"):
            self.send(Frame(request_id=message.request_id, welcome=pb.Welcome(user_id=1, name="alice")))


class Logins(Resource):
    isLeaf = True
    port = 0

    def render_POST(self, request):
        return (
            b'{"user_id": 1, "name": "alice", "token": "t", "expires_ms": 1,'
            b' "nodes": [{"host": "localhost", "port": %d, "tls": true}]}' % self.port
        )


class Tls(TestCase):
    def setUp(self):
        authority = Authority()
        self.ca_file = Path(self.mktemp())
        self.ca_file.write_bytes(authority.pem)
        self.stranger = Path(self.mktemp())
        self.stranger.write_bytes(Authority("Stranger").pem)
        context = PrivateCertificate.loadPEM(authority.issue("localhost")).options()
        node = Factory.forProtocol(lambda: Welcoming(reactor))
        self.logins = Logins()
        self.node = self.listen(node, context)
        self.gate = self.listen(Site(self.logins), context)
        self.logins.port = self.node

    def listen(self, factory, context):
        port = reactor.listenSSL(0, factory, context, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return port.getHost().port

    def client(self, host, gate_ca, node_ca):
        statuses = []
        changed = Deferred()

        def on_status(status, detail):
            statuses.append((status.value, detail))
            if status.value in ("live", "waiting") and not changed.called:
                changed.callback(statuses[-1])

        outside = Outside(
            Gate(f"https://{host}:{self.gate}", http_client(reactor, gate_ca), reactor),
            node_connector(reactor, node_ca),
            reactor,
            SecureIds(),
            MemoryState(),
        )
        client = Client(outside, None, Options(on_status=on_status))
        self.addCleanup(client.stop)
        return client, changed

    @inlineCallbacks
    def test_gate_and_node_over_tls(self):
        client, changed = self.client("localhost", self.ca_file, self.ca_file)
        yield client.start(Credentials("alice", "pw"))
        status, _ = yield changed
        self.assertEqual(status, "live")

    @inlineCallbacks
    def test_a_node_that_nobody_vouches_for_gets_no_token(self):
        client, changed = self.client("localhost", self.ca_file, self.stranger)
        yield client.start(Credentials("alice", "pw"))
        status, detail = yield changed
        self.assertEqual(status, "waiting")
        self.assertIn("certificate", detail)

    @inlineCallbacks
    def test_a_gate_that_nobody_vouches_for_gets_no_password(self):
        gate = Gate(f"https://localhost:{self.gate}", http_client(reactor, self.stranger), reactor)
        error = yield self.assertFailure(Deferred.fromCoroutine(gate.route("t")), Unreachable)
        self.assertIn("certificate", str(error))

    @inlineCallbacks
    def test_a_certificate_for_another_name(self):
        gate = Gate(f"https://127.0.0.1:{self.gate}", http_client(reactor, self.ca_file), reactor)
        error = yield self.assertFailure(Deferred.fromCoroutine(gate.route("t")), Unreachable)
        self.assertIn("another name", str(error))
