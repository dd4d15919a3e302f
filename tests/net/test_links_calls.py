"""One caller and one server: results, errors, values that may not cross, and calls that are not begun."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.spread import pb

from imchat.domain import errors
from imchat.domain.errors import IMError, Internal, InvalidRequest, TooLarge, Unavailable, ValueRefused, by_code
from imchat.net.links.messages import Method, Service
from imchat.net.links.plain import MAX_SIZE
from imchat.net.links.server import LinkServer, ServerSettings
from tests.net.links_case import ECHO, ONCE, SECRET, TOYS, Case, Toy


class Evil(pb.Copyable):
    """An object that Twisted's own options would let through: some module registered its class."""


class EvilHere(pb.RemoteCopy):
    made = 0

    def setCopyableState(self, state) -> None:
        EvilHere.made += 1


pb.setUnjellyableForClass(Evil, EvilHere)


class Pair(Case):
    def setUp(self) -> None:
        super().setUp()
        self.server, self.toy = self.serve()
        self.links = self.link(self.server)

    def test_values_arrive_as_they_were(self) -> None:
        value = {
            "n": -(2**63),
            "m": 2**63 - 1,
            "t": "汉字 \U0001f600\0",
            "b": bytes(range(256)),
            "l": [None, True, [], {}],
        }
        self.toy.answer = value
        got = self.successResultOf(self.ask(self.links, text="汉字"))
        self.assertEqual(got, value)
        self.assertIs(got["l"][1], True)
        self.assertEqual(self.toy.calls, ["echo 汉字"])

    def test_the_same_value_twice_is_two_values(self) -> None:
        shared: list = [1]
        self.toy.answer = [shared, shared, (), ()]
        self.assertEqual(self.successResultOf(self.ask(self.links)), [[1], [1], [], []])

    def test_calls_do_not_wait_for_each_other(self) -> None:
        slow: Deferred = Deferred()
        self.toy.answer = slow
        first = self.ask(self.links)
        self.toy.answer = "quick"
        self.assertEqual(self.successResultOf(self.ask(self.links)), "quick")
        slow.callback("slow")
        self.run_network()
        self.assertEqual(self.successResultOf(first), "slow")

    def test_every_error_arrives_as_its_own_class(self) -> None:
        for code, kind in by_code().items():
            self.toy.answer = kind("what it says", 1500)
            error = self.failureResultOf(self.ask(self.links, ONCE)).value
            self.assertIs(type(error), kind, code)
            self.assertEqual((error.message, error.retry_after_ms), ("what it says", 1500))

    def test_a_refused_value_keeps_its_field_and_a_subclass_its_code(self) -> None:
        self.toy.answer = ValueRefused("no", field="name")
        self.assertEqual(self.failureResultOf(self.ask(self.links), ValueRefused).value.field, "name")
        self.toy.answer = errors.Contended("locked")
        self.assertIs(type(self.failureResultOf(self.ask(self.links, ONCE)).value), Unavailable)

    def test_a_code_from_a_newer_server_is_an_internal_error_that_names_it(self) -> None:
        # Built without a subclass that by_code() would find.
        error = IMError("news")
        error.code = "brand_new"  # type: ignore[misc]
        self.toy.answer = error
        self.assertIn("brand_new", self.failureResultOf(self.ask(self.links), Internal).value.message)

    def test_a_fault_becomes_a_number_that_the_servers_log_explains(self) -> None:
        self.toy.answer = RuntimeError("the password is hunter2")
        error = self.failureResultOf(self.ask(self.links, text="private"), Internal).value
        self.assertNotIn("hunter2", error.message)
        self.assertNotIn("RuntimeError", error.message)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        number = error.message.rpartition(" ")[2]
        self.assertEqual(len(number), 16)
        line = next(line for line in self.lines if number in line)
        self.assertIn("echo", line)
        self.assertNotIn("private", line)

    def test_a_message_that_is_not_unicode_is_no_fault(self) -> None:
        self.toy.answer = InvalidRequest("bad \ud800 text" + "x" * 5000)
        message = self.failureResultOf(self.ask(self.links), InvalidRequest).value.message
        self.assertIn("bad \\ud800 text", message)
        self.assertLess(len(message), 1100)

    def test_arguments_that_are_too_large_are_refused_here_and_the_link_lives(self) -> None:
        error = self.failureResultOf(self.ask(self.links, text="x" * (MAX_SIZE + 1)), TooLarge).value
        self.assertIn(str(MAX_SIZE), error.message)
        self.assertEqual((self.toy.calls, self.links.up, self.server.tries), ([], 1, 1))
        many = self.go(self.links.call(ECHO, {"text": "x", "more": [0] * 40_000}))
        self.failureResultOf(many, TooLarge)
        self.assertEqual((self.links.up, self.server.tries), (1, 1))

    def test_the_largest_argument_arrives(self) -> None:
        text = "x" * (MAX_SIZE - 200)
        self.successResultOf(self.ask(self.links, text=text))
        self.assertEqual(self.toy.calls, ["echo " + text])
        self.assertEqual(self.server.tries, 1)

    def test_large_values_go_both_ways_as_often_as_you_like(self) -> None:
        self.toy.answer = b"y" * 500_000
        for _ in range(5):
            self.assertEqual(self.successResultOf(self.ask(self.links, text="x" * 500_000)), self.toy.answer)
        self.assertEqual(self.server.tries, 1)

    def test_arguments_that_are_no_unicode_or_no_number_of_64_bits_are_refused_here(self) -> None:
        self.failureResultOf(self.ask(self.links, text="\ud800"), InvalidRequest)
        self.failureResultOf(self.go(self.links.call(ECHO, {"text": 2**63})), InvalidRequest)
        self.failureResultOf(self.go(self.links.call(ECHO, {"text": object()})), TypeError)
        self.assertEqual((self.toy.calls, self.links.up), ([], 1))

    def test_a_result_that_is_too_large_or_no_value_is_the_servers_fault(self) -> None:
        for answer, fault in ((b"x" * (MAX_SIZE + 1), TooLarge), (object(), TypeError)):
            self.toy.answer = answer
            self.failureResultOf(self.ask(self.links), Internal)
            self.assertEqual(len(self.flushLoggedErrors(fault)), 1)
        self.assertEqual((self.links.up, self.server.tries), (1, 1))

    def test_a_method_that_the_server_does_not_have(self) -> None:
        error = self.failureResultOf(self.ask(self.links, Method("gone", True)), errors.Unsupported).value
        self.assertIn("gone", error.message)
        self.assertTrue(any("gone" in line for line in self.lines))
        self.assertEqual(self.links.up, 1)

    def test_arguments_of_a_wrong_type_are_refused_and_logged_without_their_value(self) -> None:
        for fields in ({}, {"text": 5}, {"text": b"secret"}, {"text": True}, {"text": None}):
            self.failureResultOf(self.go(self.links.call(ECHO, fields)), InvalidRequest)
        self.assertEqual((self.toy.calls, self.links.up), ([], 1))
        self.assertTrue(all("'text'" in line and "secret" not in line for line in self.lines), self.lines)
        self.assertEqual(len(self.lines), 5)

    def test_a_link_stays_up_for_long_and_pings_are_not_calls(self) -> None:
        self.run_network(120)
        self.assertEqual((self.links.up, self.server.tries, self.toy.calls), (1, 1, []))
        self.assertEqual(self.lines, [])


class ObjectTests(Case):
    """A peer that knows the secret, and sends what no server of ours sends."""

    def setUp(self) -> None:
        super().setUp()
        self.server, self.toy = self.serve()
        self.peer = self.stranger(self.server)
        self.peer.log_in()

    def test_objects_are_refused_and_never_made(self) -> None:
        shared: list = []
        for value in (
            Evil(),
            {"text": Evil()},
            pb.Referenceable(),
            {"text": {1, 2}},
            {"text": [shared, shared]},
            5,
            [],
        ):
            kind, body = self.peer.answer("echo", value)
            self.assertEqual((kind, body["code"]), ("error", "invalid_request"), value)
        self.assertEqual((self.toy.calls, EvilHere.made, self.peer.closed), ([], 0, False))
        self.assertEqual(len(self.lines), 7)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_so_are_other_numbers_of_arguments(self) -> None:
        for args in ((), ({"text": "x"}, {"text": "y"})):
            self.assertEqual(self.peer.answer("echo", *args)[1]["code"], "invalid_request")
        self.assertEqual(self.toy.calls, [])

    def test_deep_nesting_is_no_fault(self) -> None:
        # As bytes, for Twisted's own writer recurses over what it sends.
        nested = b"\x02\x80\x04\x82list" * 3000 + b"\x01\x82x"
        call = b"\x07\x80\x07\x82message\x05\x81\x04\x82root\x04\x82echo\x01\x81\x02\x80\x05\x82tuple"
        answer = self.peer.broker.waitingForAnswers[5] = Deferred()
        self.peer.end.write(call + nested + b"\x01\x80\x0a\x82dictionary")
        self.run_network()
        self.assertEqual(self.successResultOf(answer)[1]["code"], "invalid_request")
        self.assertEqual((self.toy.calls, self.peer.closed), ([], False))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_unknown_fields_are_ignored(self) -> None:
        self.assertEqual(self.peer.answer("echo", {"text": "x", "of a later release": [1]}), ["ok", None])


class AdmissionTests(Case):
    def test_too_many_calls_of_one_connection_are_refused_unbegun(self) -> None:
        server, toy = self.serve(ServerSettings(max_calls=2))
        links = self.link(server)
        toy.answer = Deferred()
        waiting = [self.ask(links) for _ in range(2)]
        error = self.failureResultOf(self.ask(links), Unavailable).value
        self.assertEqual((len(toy.calls), error.retry_after_ms), (2, 2000))
        toy.answer.callback("done")
        self.run_network()
        self.assertEqual(self.successResultOf(waiting[0]), "done")
        toy.answer = "again"
        self.assertEqual(self.successResultOf(self.ask(links)), "again")
        self.assertEqual(self.successResultOf(waiting[1]), None)

    def test_draining_finishes_what_runs_and_begins_nothing(self) -> None:
        server, toy = self.serve()
        links = self.link(server)
        toy.answer = Deferred()
        running = self.ask(links)
        drained = self.go(server.factory.drain(10))
        self.failureResultOf(self.ask(links, ONCE), Unavailable)
        self.assertNoResult(drained)
        toy.answer.callback("done")
        self.run_network(0.2)
        self.successResultOf(drained)
        self.assertEqual((self.successResultOf(running), toy.calls), ("done", ["echo x"]))

    def test_draining_ends_in_time(self) -> None:
        server, toy = self.serve()
        links = self.link(server)
        toy.answer = Deferred()
        self.ask(links).addErrback(lambda _: None)
        drained = self.go(server.factory.drain(2), 1.8)
        self.assertNoResult(drained)
        self.run_network(0.4)
        self.successResultOf(drained)

    def test_what_waited_while_the_process_did_not_run_is_refused_unbegun(self) -> None:
        server, toy = self.serve()
        peer = self.stranger(server)
        peer.log_in()
        server.frozen = True
        late = peer.call("once", {"text": "from before"})
        self.clock.advance(5)
        server.frozen = False
        self.run_network()
        self.assertEqual(self.successResultOf(late)[0], "busy")
        self.assertEqual(toy.calls, [])
        self.run_network(3)
        self.assertEqual(peer.answer("once", {"text": "new"}), ["ok", None])

    def test_the_same_where_timers_run_first(self) -> None:
        server, toy = self.serve()
        peer = self.stranger(server)
        peer.log_in()
        self.clock.advance(5)
        self.clock.advance(0.1)
        self.assertEqual(peer.answer("once", {"text": "from before"})[0], "busy")
        self.assertEqual(toy.calls, [])

    def test_a_peer_that_does_not_read_is_read_no_further(self) -> None:
        server, toy = self.serve()
        peer = self.stranger(server)
        peer.log_in()
        (end,) = server.open
        end.producer.pauseProducing()
        call = peer.call("echo", {"text": "x"})
        self.assertNoResult(call)
        self.assertEqual(toy.calls, [])
        end.producer.resumeProducing()
        self.run_network()
        self.successResultOf(call)

    def test_a_service_has_a_handler_for_each_method(self) -> None:
        toy = Toy()
        error = self.assertRaises(ValueError, LinkServer, TOYS, {ECHO: toy.echo}, SECRET, self.ids, self.clock)
        self.assertIn("once", str(error))
        empty = Service("empty", ())
        self.assertRaises(ValueError, LinkServer, empty, {ECHO: toy.echo}, SECRET, self.ids, self.clock)
