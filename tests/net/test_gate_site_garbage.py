"""The listener: what is no HTTP, or HTTP of a strange kind."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from imchat.gate.site import ABORT_AFTER, LINGER
from tests.net.gate_site_case import HEALTH, SiteCase, request


class GarbageTests(SiteCase):
    LINES = (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n",
        b"\x00\x00\x00\x10" + b"\x08\x01" * 40 + b"\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nBad Name: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nContent-Length: " + b"9" * 10_000 + b"\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /v1/logins HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /v1/logins HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"".join(b"X%d: %s\r\n" % (n, b"a" * 1_000) for n in range(20)) + b"\r\n",
    )

    def test_is_refused_and_closed(self) -> None:
        for data in self.LINES:
            client = self.client()
            client.send(data)
            self.assertIn(client.statuses, ([], [400], [413]), data[:60])
            self.clock.advance(30)
            self.assertTrue(client.closed, data[:60])
            self.nothing_left()

    def test_strange_requests_that_are_http(self) -> None:
        for data, status in (
            (b"GET /%ff HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"GET http://other.example.org/healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404),
            (b"GET /healthz?x=%ff&y=" + b"&z" * 3_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            (b"GET /healthz HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n", 200),
            (b"GET /healthz HTTP/1.1\r\nHost: a:b:c..example\r\nHost: twice\r\n\r\n", 200),
            (b"GET /healthz HTTP/1.1\r\nCookie: ;;=;\xff\r\n\r\n", 200),
            (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        ):
            client = self.client()
            client.send(data)
            self.assertEqual(client.statuses, [status], data[:60])

    def test_bodies_in_other_media_types_are_not_parsed(self) -> None:
        for media_type in ("multipart/form-data; boundary=x", "multipart/form-data", "a\x0cb", "\xe9", "x; y=\x85"):
            client = self.client()
            data = request(b"--x\r\nnot a part").replace(b"application/json", media_type.encode("latin-1"))
            client.send(data)
            self.assertEqual(client.statuses, [415], media_type)

    @settings(max_examples=200)
    @given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n", HEALTH, b"POST / HTTP/1.1\r\n"]), max_size=6))
    def test_anything(self, parts: list[bytes]) -> None:
        client = self.client()
        for part in parts:
            client.send(part)
        self.clock.advance(30 + LINGER + ABORT_AFTER)
        self.assertTrue(client.closed)
        self.nothing_left()
