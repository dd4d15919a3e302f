"""Who may call: the shared secret, the login, and connections that do not log in or break the protocol."""

from __future__ import annotations

from twisted.spread import banana, jelly
from twisted.trial.unittest import SynchronousTestCase

from imchat.net.links.broker import MAX_BEFORE_LOGIN
from imchat.net.links.messages import Service
from imchat.net.links.secret import SecretRefused, SharedSecret
from imchat.net.links.server import ServerSettings
from tests.fakes.links import Server
from tests.net.links_case import ECHO, ONCE, SECRET, Case

OTHER = SharedSecret("another secret of 30 characters")


class SecretTests(SynchronousTestCase):
    def test_a_missing_short_or_default_secret_is_refused_in_words(self) -> None:
        for value, reason in [
            (None, "missing"),
            ("", "missing"),
            (" \n", "missing"),
            (b"", "missing"),
            ("0123456789abcde", "fewer than 16 bytes"),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", "different bytes"),
            ("change-me-please", "default"),
            ("imchat-default-secret", "default"),
            ("CHANGEME-CHANGEME-CHANGEME", "default"),
        ]:
            error = self.assertRaises(SecretRefused, SharedSecret, value)
            self.assertIn(reason, str(error), value)

    def test_a_good_secret_is_taken_and_never_shown(self) -> None:
        secret = SharedSecret("4f1c0a9be27d5836\n")
        self.assertEqual(
            secret.proof("caller", "s", b"a" * 32, b"b" * 32), SECRET.proof("caller", "s", b"a" * 32, b"b" * 32)
        )
        self.assertNotIn("4f1c", f"{secret} {secret!r}")
        self.assertRaises(AttributeError, lambda: secret.__dict__)

    def test_a_proof_is_good_for_its_side_service_and_nonces_only(self) -> None:
        a, b = b"a" * 32, b"b" * 32
        proof = SECRET.proof("caller", "status", a, b)
        self.assertTrue(SECRET.proves(proof, "caller", "status", a, b))
        self.assertFalse(SECRET.proves(proof, "server", "status", a, b))
        self.assertFalse(SECRET.proves(proof, "caller", "verify", a, b))
        self.assertFalse(SECRET.proves(proof, "caller", "status", b, a))
        self.assertFalse(OTHER.proves(proof, "caller", "status", a, b))

    def test_nonces_of_another_length_prove_nothing(self) -> None:
        proof = SECRET.proof("caller", "status", b"a" * 32, b"")
        self.assertFalse(SECRET.proves(proof, "caller", "status", b"a" * 32, b""))


class LoginTests(Case):
    def test_a_caller_with_another_secret_gets_no_link_and_both_sides_say_so(self) -> None:
        server, toy = self.serve()
        links = self.link(server, secret=OTHER)
        self.run_network(1)
        self.assertEqual((links.up, toy.calls), (0, []))
        self.assertTrue(any("server 0 is not linked" in line and "secret" in line for line in self.lines), self.lines)
        self.assertTrue(any("turned 127.0.0.1" in line and "secret" in line for line in self.lines), self.lines)

    def test_a_server_that_does_not_know_the_secret_is_not_called(self) -> None:
        # It takes every proof, as an impostor would, and cannot give its own.
        server, toy = self.serve(secret=OTHER)
        self.patch(OTHER.__class__, "proves", lambda me, *args: me is OTHER)
        links = self.link(server)
        self.run_network(1)
        self.assertEqual((links.up, toy.calls), (0, []))
        self.assertTrue(any("does not know the shared secret" in line for line in self.lines), self.lines)

    def test_the_secret_never_travels(self) -> None:
        server, _ = self.serve()
        sent: list[bytes] = []
        take = server.factory.buildProtocol

        def build(address):
            protocol = take(address)
            receive = protocol.dataReceived
            protocol.dataReceived = lambda data: (sent.append(data), receive(data))
            return protocol

        server.factory.buildProtocol = build
        self.assertEqual(self.link(server).up, 1)
        self.assertIn(b"proof", b"".join(sent))
        self.assertNotIn(b"4f1c0a9be27d5836", b"".join(sent))

    def test_a_link_to_a_server_of_another_kind_says_which_it_met(self) -> None:
        server, _ = self.serve()
        links = self.link(server, service=Service("verify", (ECHO, ONCE)))
        self.assertEqual(links.up, 0)
        self.assertTrue(any("this is a toys server, not verify" in line for line in self.lines), self.lines)

    def test_a_recorded_login_is_no_good_again(self) -> None:
        server, _ = self.serve()
        self.stranger(server).log_in()
        first = self.stranger(server)
        _, hello = first.answer("hello", {"version": 1, "service": "toys"})
        fields = {"nonce": b"n" * 32, "proof": SECRET.proof("caller", "toys", hello["nonce"], b"n" * 32)}
        again = self.stranger(server)
        again.answer("hello", {"version": 1, "service": "toys"})
        self.assertEqual(again.answer("login", fields)[1]["code"], "unauthenticated")

    def test_a_nonce_is_good_for_one_try(self) -> None:
        server, _ = self.serve()
        peer = self.stranger(server)
        _, hello = peer.answer("hello", {"version": 1, "service": "toys"})
        self.assertEqual(peer.answer("login", {"nonce": b"n" * 32, "proof": b"guess"})[0], "error")
        right = SECRET.proof("caller", "toys", hello["nonce"], b"n" * 32)
        self.assertNoResult(peer.call("login", {"nonce": b"n" * 32, "proof": right}).addErrback(lambda _: None))

    def test_a_caller_of_another_version_is_told(self) -> None:
        server, _ = self.serve()
        answer = self.stranger(server).answer("hello", {"version": 9, "service": "toys"})
        self.assertEqual(answer[1]["code"], "unsupported")


class StrangerTests(Case):
    def test_calls_before_login_are_refused_and_the_connection_ends(self) -> None:
        server, toy = self.serve()
        for method in ("echo", "ping", "login", "nonsense"):
            peer = self.stranger(server)
            kind, body = peer.answer(method, {"text": "x", "nonce": b"n" * 32, "proof": b"p"})
            self.assertEqual((kind, body["code"]), ("error", "unauthenticated"), method)
            self.run_network(2)
            self.assertTrue(peer.closed, method)
        self.assertEqual(toy.calls, [])

    def test_after_a_refusal_nothing_more_is_heard(self) -> None:
        server, toy = self.serve()
        peer = self.stranger(server)
        peer.answer("echo", {"text": "x"})
        late = peer.call("hello", {"version": 1, "service": "toys"})
        self.assertNoResult(late)
        self.run_network(2)
        self.failureResultOf(late)
        self.assertEqual(toy.calls, [])

    def test_a_connection_that_says_nothing_is_cut_off_in_time(self) -> None:
        server, _ = self.serve(ServerSettings(login_timeout=5))
        peer = self.stranger(server)
        self.run_network(4.8)
        self.assertFalse(peer.closed)
        self.run_network(0.4)
        self.assertTrue(peer.closed)
        self.assertTrue(any("no login within 5 s" in line for line in self.lines), self.lines)

    def test_one_that_logs_in_is_not(self) -> None:
        server, _ = self.serve(ServerSettings(login_timeout=5))
        peer = self.stranger(server)
        peer.log_in()
        self.run_network(10)
        self.assertFalse(peer.closed)

    def test_one_that_goes_without_a_word_is_not_worth_a_line(self) -> None:
        server, _ = self.serve()
        self.stranger(server).end.loseConnection()
        self.run_network(10)
        self.assertEqual((self.lines, server.open), ([], []))

    def test_when_nothing_listens_any_more_all_connections_end(self) -> None:
        server, _ = self.serve()
        peer, friend = self.stranger(server), self.stranger(server)
        friend.log_in()
        server.factory.doStop()
        self.run_network()
        self.assertTrue(peer.closed and friend.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_strangers_do_not_keep_a_caller_out(self) -> None:
        server, _ = self.serve(ServerSettings(max_strangers=3, max_connections=10))
        strangers = [self.stranger(server) for _ in range(12)]
        self.assertEqual(self.link(server).up, 1)
        self.assertLessEqual(sum(not peer.closed for peer in strangers), 3)

    def test_there_is_an_end_of_connections(self) -> None:
        server, _ = self.serve(ServerSettings(max_connections=2))
        first, second = self.stranger(server), self.stranger(server)
        first.log_in()
        second.log_in()
        links = self.link(server)
        self.assertEqual((links.up, first.closed, second.closed), (0, False, False))

    def test_a_caller_that_falls_silent_is_cut_off(self) -> None:
        server, _ = self.serve(ServerSettings(idle_timeout=30))
        peer, links = self.stranger(server), self.link(server)
        peer.log_in()
        self.run_network(31)
        self.assertTrue(peer.closed)
        self.assertEqual((links.up, server.tries), (1, 2))


class GarbageTests(Case):
    """Bytes from peers that do not speak the protocol: the connection ends, no traceback, no other link suffers."""

    def throw(self, server: Server, data: bytes, *, login: bool = False):
        peer = self.stranger(server)
        if login:
            peer.log_in()
        peer.end.write(data)
        self.run_network()
        return peer

    def message(self, *expression: object) -> bytes:
        return banana.encode(list(expression))

    def test_what_is_no_message_of_ours_ends_the_connection(self) -> None:
        server, _ = self.serve()
        links = self.link(server)
        unjellied = jelly.jelly({"version": 1}, taster=jelly.DummySecurityOptions())
        for data in [
            b"GET / HTTP/1.1\r\n\r\n" + b"x" * 100,
            b"\x80\x80\x80\xff",
            b"\x01\xff",
            b"\x05\x87",
            self.message(b"version", 99),
            self.message(b"decref", 1),
            self.message(b"cachemessage", 1, 1, b"x", 1, [], []),
            self.message(b"answer", 7, 7),
            self.message(b"didNotUnderstand", b"x" * 2000),
            self.message(b"message", 1, b"other", b"hello", 1, [b"tuple", unjellied], [b"dictionary"]),
            self.message(b"message", 1, b"root", b"\xff\xfe", 1, [b"tuple"], [b"dictionary"]),
            self.message(b"message"),
            self.message(),
            self.message([[[]]]),
            b"\x7f\x81",
        ]:
            for login in (False, True):
                self.assertTrue(self.throw(server, data, login=login).closed, data)
        self.assertEqual(links.up, 1)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_stranger_can_send_only_little(self) -> None:
        server, _ = self.serve()
        blob = self.message(b"message", 1, b"root", b"hello", 1, b"x" * MAX_BEFORE_LOGIN, [])
        self.assertTrue(self.throw(server, blob).closed)
        unfinished = b"\x7f\x7f\x82"
        peer = self.throw(server, unfinished)
        for _ in range(10):
            peer.end.write(b"x" * 1000)
        self.run_network()
        self.assertTrue(peer.closed)

    def test_the_log_stays_short_whatever_comes(self) -> None:
        server, _ = self.serve()
        for _ in range(200):
            self.throw(server, b"\x80\x80\x80\xff")
        self.assertLessEqual(len(self.lines), 12)
        self.run_network(60)
        self.throw(server, b"\x80\x80\x80\xff")
        self.assertIn("more such lines were left out", self.lines[-1])
