"""The gate's API as the client calls it: answers, refusals, and servers that are none."""

import json
from pathlib import Path

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.resource import Resource

from imchat.client import Credentials, Gate, Unreachable
from imchat.client.gate import TIMEOUT
from imchat.client.login import open_session
from imchat.client.network import trust_root
from imchat.domain.errors import (
    BadCredentials,
    CodeInvalid,
    Internal,
    InvalidRequest,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from imchat.domain.models import Device, NodeAddress

DEVICE = Device("d1", "a device", "linux")
LOGIN = {
    "user_id": 7,
    "name": "alice",
    "token": "secret-token",
    "expires_ms": 99,
    "nodes": [{"host": "h", "port": 1, "tls": True}, {"host": "i", "port": 2, "tls": False}],
}


class Scripted(Resource):
    """Answers every request with one answer and keeps what was asked."""

    isLeaf = True

    def __init__(self):
        super().__init__()
        self.status, self.body, self.asked = 200, b"{}", []

    def render(self, request):
        self.asked.append(
            (
                request.method.decode(),
                request.path.decode(),
                request.content.read(),
                request.getHeader("authorization"),
            )
        )
        request.setResponseCode(self.status)
        request.setHeader("Location", "http://evil.test/")
        return self.body


class Gates(SynchronousTestCase):
    def setUp(self):
        self.site = Scripted()
        self.clock = Clock()
        self.gate = Gate("http://gate.test/", StubTreq(self.site), self.clock)

    def tearDown(self):
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def answer(self, status, body=None):
        self.site.status = status
        self.site.body = body if isinstance(body, bytes) else json.dumps(body or {}).encode()

    def result(self, coroutine):
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def error(self, coroutine, kind):
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), kind).value

    def test_login(self):
        self.answer(200, LOGIN)
        session = self.result(open_session(self.gate, Credentials("alice@x.test", "pw"), DEVICE))
        self.assertEqual(
            (session.server, session.user_id, session.name, session.token, session.device_id, session.login),
            ("http://gate.test", 7, "alice", "secret-token", "d1", "alice@x.test"),
        )
        self.assertEqual(session.nodes, (NodeAddress("h", 1, True), NodeAddress("i", 2, False)))
        ((method, path, body, _),) = self.site.asked
        self.assertEqual((method, path), ("POST", "/v1/logins"))
        self.assertEqual(
            json.loads(body),
            {
                "login": "alice@x.test",
                "password": "pw",
                "device_id": "d1",
                "device_name": "a device",
                "platform": "linux",
            },
        )

    def test_route_and_logout_show_the_token(self):
        self.answer(200, {key: LOGIN[key] for key in ("user_id", "name", "expires_ms", "nodes")})
        login = self.result(self.gate.route("tok"))
        self.assertEqual((login.token, login.route.nodes[0].host), ("tok", "h"))
        self.answer(204, b"")
        self.result(self.gate.logout("tok"))
        self.assertEqual(
            [(method, path, auth) for method, path, _, auth in self.site.asked],
            [("POST", "/v1/routes", "Bearer tok"), ("DELETE", "/v1/sessions/current", "Bearer tok")],
        )

    def test_codes_registration_and_reset(self):
        self.answer(202, {"expires_in_ms": 300_000, "retry_after_ms": 60_000})
        self.assertEqual(self.result(self.gate.request_code("registration", "a@x.test")).expires_in_ms, 300_000)
        self.answer(201, {"user_id": 5, "name": "Alice"})
        self.assertEqual(self.result(self.gate.register("alice", "a@x.test", "pw", "1", "inv")), (5, "Alice"))
        self.answer(204, b"")
        self.result(self.gate.reset_password("a@x.test", "1", "pw"))
        self.assertEqual(json.loads(self.site.asked[1][2])["invitation"], "inv")

    def test_another_password_and_the_end_of_the_account(self):
        self.answer(204, b"")
        self.result(self.gate.change_password("tok", "old one", "new one"))
        self.result(self.gate.delete_account("tok", "new one"))
        self.assertEqual(
            [(method, path, json.loads(body), auth) for method, path, body, auth in self.site.asked],
            [
                ("POST", "/v1/password-changes", {"old_password": "old one", "new_password": "new one"}, "Bearer tok"),
                ("POST", "/v1/account-deletions", {"password": "new one"}, "Bearer tok"),
            ],
        )
        self.answer(403, {"code": "bad_credentials", "detail": "the old password is wrong"})
        self.error(self.gate.change_password("tok", "x", "y"), BadCredentials)

    def test_problems_become_errors_by_their_code(self):
        for status, code, kind in (
            (403, "code_invalid", CodeInvalid),
            (401, "unauthenticated", Unauthenticated),
            (503, "unavailable", Unavailable),
            (500, "internal", Internal),
            (400, "a_code_of_tomorrow", Internal),
        ):
            with self.subTest(code):
                self.answer(status, {"code": code, "detail": "the reason", "title": "t"})
                self.assertEqual(str(self.error(self.gate.route("t"), kind)), "the reason")

    def test_when_to_come_back_and_which_field_are_told(self):
        self.answer(429, {"code": "rate_limited", "detail": "slowly", "retry_after_ms": 1234})
        self.assertEqual(self.error(self.gate.route("t"), RateLimited).retry_after_ms, 1234)
        self.answer(422, {"code": "invalid_request", "errors": [{"field": "name", "message": "is too short"}, 5]})
        self.assertEqual(str(self.error(self.gate.route("t"), InvalidRequest)), "name: is too short")

    def test_something_that_is_no_gate_is_told_by_its_name(self):
        for status, body in (
            (200, b"<html>"),
            (200, b"[]"),
            (200, b"\xff"),
            (200, {"user_id": 1}),
            (200, {**LOGIN, "nodes": 5}),
            (404, b"<html>"),
            (502, b"<html>"),
            (403, b"[]"),
            (302, b""),
        ):
            with self.subTest(status=status, body=body):
                self.answer(status, body)
                self.assertIn("http://gate.test", str(self.error(self.gate.route("t"), Unreachable)))

    def test_redirects_are_not_followed_with_the_token(self):
        self.answer(303, b"")
        self.error(self.gate.route("secret"), Unreachable)
        self.assertEqual(len(self.site.asked), 1)


class Silence(SynchronousTestCase):
    def call(self, answer):
        self.clock = Clock()

        class Http:
            def request(self, *args, **kwargs):
                return answer

        gate = Gate("http://gate.test", Http(), self.clock)
        return Deferred.fromCoroutine(gate.route("t"))

    def test_network_failures_name_the_server_and_the_reason(self):
        for error, reason in (
            (ConnectionRefusedError("refused"), "refused"),
            (DNSLookupError("no such host"), "no such host"),
            (ResponseNeverReceived([Failure(ConnectionRefusedError("inner"))]), "inner"),
        ):
            with self.subTest(reason):
                failure = self.failureResultOf(self.call(fail(error)), Unreachable)
                self.assertRegex(str(failure.value), rf"^cannot reach http://gate.test: .*{reason}")

    def test_a_gate_that_never_answers(self):
        call = self.call(Deferred())
        self.clock.advance(TIMEOUT - 1)
        self.assertNoResult(call)
        self.clock.advance(1)
        self.assertIn("no answer in time", str(self.failureResultOf(call, Unreachable).value))


class Trust(SynchronousTestCase):
    def test_a_file_that_holds_no_certificate_is_named(self):
        path = Path(self.mktemp())
        for content in (b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            with self.subTest(content):
                path.write_bytes(content)
                self.assertIn(str(path), str(self.assertRaises(ValueError, trust_root, path)))
        self.assertIn("read", str(self.assertRaises(ValueError, trust_root, path / "x")))
