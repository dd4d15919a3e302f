"""The listener: clients that send too much, too slowly, or over too many connections."""

from __future__ import annotations

import json

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from imchat.gate.build import build_admin_site
from imchat.gate.call import peer_of
from imchat.gate.site import ABORT_AFTER, LINGER
from tests.net.gate_case import LOGIN
from tests.net.gate_site_case import HEALTH, Client, SiteCase, chunk, request


class ServingTests(SiteCase):
    def test_connections_are_kept_and_forgotten(self) -> None:
        self.register()
        client = self.client()
        client.send(HEALTH)
        client.send(request(json.dumps(LOGIN).encode()))
        self.assertEqual(client.statuses, [200, 200])
        self.assertEqual(self.site.connections, 1)
        client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(client.closed)
        self.nothing_left()

    def test_head_has_the_length_and_not_the_body(self) -> None:
        got, head = self.client(), self.client()
        got.send(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        head.send(b"HEAD /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        headers, _, body = got.seen.partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: %d" % len(body), headers)
        self.assertIn(b"Content-Length: %d" % len(body), head.seen)
        self.assertEqual(head.seen.partition(b"\r\n\r\n")[2], b"")

    def test_many_requests_in_one_packet(self) -> None:
        client = self.client()
        client.send(HEALTH * 2_000)
        self.assertEqual(client.statuses, [200] * 2_000)

    def test_old_clients(self) -> None:
        client = self.client()
        client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        self.assertIn(b'{"status":"ok"}', client.seen)
        self.assertTrue(client.closed)

    def test_operators_site_on_a_unix_socket(self) -> None:
        world = self.world
        site = build_admin_site(
            world.operators, ids=world.ids, limiter=world.limiter, settings=self.settings, clock=self.clock
        )
        client = Client(site, UNIXAddress(None))
        client.send(request(b'{"uses": 1, "days": 1}', path="/v1/admin/invitations"))
        self.assertEqual(client.statuses, [201])

    def test_only_one_http_is_offered_to_tls(self) -> None:
        self.assertEqual(self.site.acceptableProtocols(), [b"http/1.1"])


class TooLargeTests(SiteCase):
    def refused(self, client: Client) -> None:
        head, _, body = client.seen.partition(b"\r\n\r\n")
        self.assertEqual(client.statuses, [413])
        self.assertIn(b"Connection: close", head)
        self.assertIn(b"Content-Type: application/problem+json", head)
        self.assertEqual(json.loads(body)["code"], "too_large")

    def test_declared(self) -> None:
        client = self.client()
        client.send(request(b"", length=4_097))
        self.refused(client)

    def test_chunked(self) -> None:
        client = self.client()
        client.send(request(b"", "Transfer-Encoding: chunked"))
        for _ in range(4):
            client.send(chunk(b"x" * 1_024))
        self.assertEqual(client.statuses, [])
        client.send(chunk(b"x"))
        self.refused(client)

    def test_both_limits_are_exact(self) -> None:
        self.register()
        body = json.dumps(LOGIN).encode().ljust(4_096)
        client = self.client()
        client.send(request(body))
        client.send(request(b"", "Transfer-Encoding: chunked") + chunk(body[:3_000]) + chunk(body[3_000:]) + chunk(b""))
        self.assertEqual(client.statuses, [200, 200])

    def test_what_is_still_sent_is_thrown_away_and_the_connection_closed(self) -> None:
        client = self.client()
        client.send(request(b"x" * 3_000, length=1_000_000))
        client.send(b"x" * 100_000)
        client.send(HEALTH)
        self.assertFalse(client.closed)
        self.clock.advance(LINGER)
        self.assertTrue(client.closed)
        self.refused(client)
        self.nothing_left()

    def test_a_flood_is_cut(self) -> None:
        client = self.client()
        client.send(request(b"", length=10**15))
        for _ in range(40):
            client.send(b"x" * 65_536)
        self.assertTrue(client.transport.aborted)
        self.nothing_left()

    def test_a_client_that_asks_first_is_not_told_to_go_on(self) -> None:
        client = self.client()
        client.send(request(b"", "Expect: 100-continue", length=1_000_000))
        self.refused(client)
        polite = self.client()
        polite.send(request(b"", "Expect: 100-continue", length=10))
        self.assertEqual(polite.statuses, [100])

    def test_bodies_of_the_refused_are_not_handled(self) -> None:
        self.register()
        client = self.client()
        body = json.dumps(LOGIN).encode().ljust(5_000)
        client.send(request(b"", "Transfer-Encoding: chunked") + chunk(body) + chunk(b"") + HEALTH)
        self.refused(client)
        self.assertEqual(self.world.status.sessions, {})


class SlowTests(SiteCase):
    def trickle(self, client: Client, data: bytes) -> int:
        """Send a byte a second; returns after how many seconds the client was cut."""
        for second, byte in enumerate(data):
            if client.closed:
                return second
            client.send(bytes([byte]))
            self.clock.advance(1)
        self.assertTrue(client.closed)
        return len(data)

    def test_a_connection_that_says_nothing(self) -> None:
        client = self.client()
        self.clock.advance(29)
        self.assertFalse(client.closed)
        self.clock.advance(1)
        self.assertTrue(client.closed)
        self.nothing_left()

    def test_slow_headers(self) -> None:
        self.assertEqual(self.trickle(self.client(), b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 100), 30)
        self.nothing_left()

    def test_slow_body(self) -> None:
        client = self.client()
        client.send(request(b"", length=1_000))
        self.assertEqual(self.trickle(client, b" " * 100), 30)
        chunked = self.client()
        chunked.send(request(b"", "Transfer-Encoding: chunked"))
        self.assertEqual(self.trickle(chunked, b"1\r\nx\r\n" * 20), 30)
        self.nothing_left()

    def test_idle_between_requests(self) -> None:
        client = self.client()
        for _ in range(3):
            self.clock.advance(29)
            client.send(HEALTH)
        self.clock.advance(29)
        self.assertFalse(client.closed)
        self.clock.advance(1)
        self.assertTrue(client.closed)

    def test_the_servers_own_time_does_not_count(self) -> None:
        self.register()
        self.world.hasher.hold = Deferred()
        client = self.client()
        client.send(request(json.dumps(LOGIN).encode()))
        self.clock.advance(300)
        self.assertFalse(client.closed)
        self.world.hasher.hold.callback(None)
        self.assertEqual(client.statuses, [200])
        self.clock.advance(30)
        self.assertTrue(client.closed)

    def test_a_client_that_does_not_read_is_cut(self) -> None:
        client = self.client(room=10)
        client.send(HEALTH)
        self.clock.advance(30)
        self.assertFalse(client.closed)
        self.clock.advance(ABORT_AFTER)
        self.assertTrue(client.transport.aborted)
        self.nothing_left()

    def test_others_are_served_meanwhile(self) -> None:
        self.client().send(b"GET /he")
        other = self.client()
        other.send(HEALTH)
        self.assertEqual(other.statuses, [200])


class ConnectionTests(SiteCase):
    def test_altogether(self) -> None:
        self.serve(max_connections=3, connections_per_peer=3)
        clients = [self.client(f"192.0.2.{n}") for n in range(4)]
        self.assertEqual([client.closed for client in clients], [False, False, False, True])
        clients[0].transport.abortConnection()
        self.assertEqual(self.client("192.0.2.9").send(HEALTH)[:12], b"HTTP/1.1 200")

    def test_per_peer(self) -> None:
        self.serve(connections_per_peer=2)
        clients = [self.client() for _ in range(3)]
        self.assertEqual([client.closed for client in clients], [False, False, True])
        self.assertFalse(self.client("192.0.2.2").closed)
        for client in clients[:2]:
            client.transport.abortConnection()
        self.assertFalse(self.client().closed)

    def test_an_ipv6_network_is_one_peer(self) -> None:
        self.serve(connections_per_peer=1)
        addresses = [f"2001:db8::{n}" for n in range(2)] + ["2001:db8:0:1::1"]
        clients = [Client(self.site, IPv6Address("TCP", host, 40_000)) for host in addresses]
        self.assertEqual([client.closed for client in clients], [False, True, False])

    def test_peers(self) -> None:
        for address, peer in (
            (IPv4Address("TCP", "192.0.2.1", 1), "192.0.2.1"),
            (IPv6Address("TCP", "::ffff:192.0.2.1", 1), "192.0.2.1"),
            (IPv6Address("TCP", "2001:db8:1:2:3::4", 1), "2001:db8:1:2::/64"),
            (IPv6Address("TCP", "fe80::1%eth0", 1), "fe80::/64"),
            (UNIXAddress(b"/run/x"), "local"),
        ):
            self.assertEqual(peer_of(address), peer)


class LogTests(SiteCase):
    def test_a_request_is_one_debug_line_without_secrets(self) -> None:
        self.register()
        events = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        client = self.client()
        client.send(request(json.dumps({**LOGIN, "password": "wrong-secret"}).encode()))
        client.send(request(b"", "Authorization: Bearer secret-token", path="/v1/routes?secret=1"))
        client.send(b"GET /secret HTTP/1.1\r\nHost: x\r\n\r\n")
        client.send(b"\xffsecret\r\n\r\n")
        self.clock.advance(60)
        self.assertEqual([event["log_level"].name for event in events], ["debug"] * 3)
        text = " ".join(event["log_format"].format(**event) for event in events)
        self.assertIn("POST /v1/logins 401 192.0.2.1", text)
        self.assertNotIn("secret", text)
