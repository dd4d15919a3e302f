"""Several servers: failing over from killed, frozen and slow ones, what may be asked twice, what the log says."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imchat.domain.errors import Internal, NotFound, RateLimited, Unavailable
from imchat.net.links.secret import SharedSecret
from imchat.net.links.server import LinkServer
from tests.net.links_case import ECHO, ONCE, SECRET, TOYS, Case

BOUND = 8.5
"""By then a call has an outcome, whatever the servers do."""


class Two(Case):
    def setUp(self) -> None:
        super().setUp()
        self.a, self.toy_a = self.serve()
        self.b, self.toy_b = self.serve()
        self.toy_a.answer, self.toy_b.answer = "a", "b"
        self.links = self.link(self.a, self.b)
        self.assertEqual(self.links.up, 2)

    def asked(self, method=ECHO, seconds: float = 0) -> object:
        return self.successResultOf(self.ask(self.links, method, seconds=seconds))

    # --- killed

    def test_calls_stay_with_one_server(self) -> None:
        self.assertEqual([self.asked() for _ in range(5)], ["a"] * 5)
        self.assertEqual(self.toy_b.calls, [])

    def test_when_it_is_killed_the_next_call_goes_to_the_other_at_once_and_stays_there(self) -> None:
        self.network.kill(self.a)
        self.assertEqual(self.asked(), "b")
        self.network.start(self.a, self.server_like(self.a))
        self.run_network(6)
        self.assertEqual((self.links.up, self.asked()), (2, "b"))

    def server_like(self, server, secret=SECRET) -> LinkServer:
        toy = self.toy_a if server is self.a else self.toy_b
        return LinkServer(TOYS, toy.handlers, secret, self.ids, self.clock)

    def test_killed_during_a_call_that_may_be_repeated(self) -> None:
        self.toy_a.answer = Deferred()
        call = self.ask(self.links)
        self.network.kill(self.a)
        self.run_network()
        self.assertEqual(self.successResultOf(call), "b")

    def test_killed_during_a_call_that_may_not(self) -> None:
        self.toy_a.answer = Deferred()
        call = self.ask(self.links, ONCE)
        self.network.kill(self.a)
        self.run_network()
        error = self.failureResultOf(call, Unavailable).value
        self.assertEqual((error.retry_after_ms, self.toy_b.calls), (2000, []))
        self.assertEqual(self.asked(ONCE), "b")

    def test_a_call_that_was_never_sent_goes_to_the_other_whatever_it_is(self) -> None:
        for end in self.a.open:
            end.peer.protocol.abort("cut in the same moment")
        self.assertEqual(self.asked(ONCE), "b")

    def test_all_down_is_told_at_once_and_recovery_needs_nobody(self) -> None:
        self.network.kill(self.a)
        self.network.kill(self.b)
        error = self.failureResultOf(self.ask(self.links), Unavailable).value
        self.assertEqual(error.retry_after_ms, 2000)
        self.failureResultOf(self.go(self.links.ping()), Unavailable)
        self.network.start(self.b, self.server_like(self.b))
        self.run_network(6)
        self.assertEqual(self.asked(), "b")
        self.successResultOf(self.go(self.links.ping()))

    # --- frozen

    def test_frozen_during_a_call_that_may_be_repeated(self) -> None:
        self.a.frozen = True
        call = self.ask(self.links)
        self.assertNoResult(call)
        self.run_network(4.5)
        self.assertEqual(self.successResultOf(call), "b")

    def test_frozen_during_a_call_that_may_not(self) -> None:
        self.a.frozen = True
        call = self.ask(self.links, ONCE, seconds=4.5)
        self.failureResultOf(call, Unavailable)
        self.assertEqual(self.toy_b.calls, [])

    def test_an_idle_link_to_a_frozen_server_is_dropped_before_anybody_calls(self) -> None:
        self.a.frozen = True
        self.run_network(4.5)
        self.assertEqual((self.links.up, self.asked(), self.asked(ONCE)), (1, "b", "b"))

    def test_all_frozen_has_an_outcome_in_time(self) -> None:
        self.a.frozen = self.b.frozen = True
        call = self.ask(self.links, seconds=BOUND)
        self.failureResultOf(call, Unavailable)

    def test_what_a_frozen_server_was_asked_is_not_done_when_it_wakes(self) -> None:
        self.a.frozen = True
        call = self.ask(self.links, seconds=4.5)
        self.assertEqual(self.successResultOf(call), "b")
        self.a.frozen = False
        # Its timers ran as little as all else of it.
        self.a.factory._pulse._last = 0
        self.run_network()
        self.assertEqual(self.toy_a.calls, [])

    def test_a_frozen_server_comes_back(self) -> None:
        self.a.frozen = True
        self.run_network(30)
        self.assertEqual(self.links.up, 1)
        self.a.frozen = False
        self.run_network(10)
        self.assertEqual(self.links.up, 2)

    # --- slow

    def test_a_call_that_is_slow_alone_is_given_up_and_its_link_lives(self) -> None:
        self.toy_a.answer = Deferred()
        slow = self.ask(self.links, seconds=4.9)
        self.assertNoResult(slow)
        self.run_network(0.2)
        self.assertEqual(self.successResultOf(slow), "b")
        self.assertEqual((self.links.up, self.a.tries), (2, 1))
        self.assertEqual(self.asked(), "b")
        self.assertTrue(any("server 0" in line and "no answer to echo within 5 s" in line for line in self.lines))
        self.toy_a.answer.callback("late")
        self.run_network()
        self.assertEqual(self.links.up, 2)

    def test_all_slow_has_an_outcome_in_time(self) -> None:
        self.toy_a.answer, self.toy_b.answer = Deferred(), Deferred()
        call = self.ask(self.links, seconds=7.8)
        self.assertNoResult(call)
        self.run_network(0.5)
        self.failureResultOf(call, Unavailable)
        self.assertEqual((self.toy_a.calls, self.toy_b.calls), (["echo x"], ["echo x"]))

    def test_not_every_server_is_waited_for(self) -> None:
        toys = []
        servers = []
        for _ in range(4):
            server, toy = self.serve()
            toy.answer = Deferred()
            servers.append(server)
            toys.append(toy)
        call = self.ask(self.link(*servers), seconds=BOUND)
        self.failureResultOf(call, Unavailable)
        self.assertEqual([len(toy.calls) for toy in toys], [1, 1, 0, 0])

    def test_a_longer_time_out_is_for_its_call_alone(self) -> None:
        self.toy_a.answer = Deferred()
        call = self.go(self.links.call(ONCE, {"text": "x"}, 15), 14.8)
        self.assertNoResult(call)
        self.toy_a.answer.callback("at last")
        self.run_network()
        self.assertEqual(self.successResultOf(call), "at last")

    # --- answers

    def test_unavailable_from_one_server_asks_the_next(self) -> None:
        self.toy_a.answer = Unavailable("no chat node is up", 700)
        self.assertEqual(self.asked(), "b")
        self.toy_b.answer = Unavailable("none here either", 800)
        error = self.failureResultOf(self.ask(self.links), Unavailable).value
        self.assertEqual((error.message, error.retry_after_ms), ("none here either", 800))

    def test_but_not_for_a_call_that_may_not_be_repeated(self) -> None:
        self.toy_a.answer = Unavailable("the mail server hangs", 700)
        error = self.failureResultOf(self.ask(self.links, ONCE), Unavailable).value
        self.assertEqual((error.message, self.toy_b.calls), ("the mail server hangs", []))

    def test_other_errors_are_answers(self) -> None:
        for error in (NotFound("no"), RateLimited("slowly", 900)):
            self.toy_a.answer = error
            self.failureResultOf(self.ask(self.links), type(error))
        self.toy_a.answer = RuntimeError()
        self.failureResultOf(self.ask(self.links), Internal)
        self.flushLoggedErrors(RuntimeError)
        self.assertEqual(self.toy_b.calls, [])

    def test_a_busy_server_is_passed_over_for_every_call(self) -> None:
        self.go(self.a.factory.drain(100)).addErrback(lambda _: None)
        self.a.factory._draining = True
        self.assertEqual((self.asked(ONCE), self.toy_a.calls), ("b", []))

    # --- broadcast

    def test_a_broadcast_reaches_all(self) -> None:
        self.assertEqual(self.successResultOf(self.go(self.links.broadcast(ECHO, {"text": "hi"}))), 2)
        self.assertEqual((self.toy_a.calls, self.toy_b.calls), (["echo hi"], ["echo hi"]))

    def test_a_broadcast_does_not_wait_for_a_frozen_one_before_it_reaches_the_others(self) -> None:
        self.a.frozen = True
        cast = self.go(self.links.broadcast(ECHO, {"text": "hi"}))
        self.assertEqual(self.toy_b.calls, ["echo hi"])
        self.run_network(4.5)
        self.assertEqual(self.successResultOf(cast), 1)

    def test_a_broadcast_that_nobody_takes_fails(self) -> None:
        self.toy_a.answer, self.toy_b.answer = RuntimeError(), NotFound()
        self.failureResultOf(self.go(self.links.broadcast(ECHO, {"text": "hi"})), Unavailable)
        self.flushLoggedErrors(RuntimeError)
        self.network.kill(self.a)
        self.network.kill(self.b)
        self.failureResultOf(self.go(self.links.broadcast(ECHO, {"text": "hi"})), Unavailable)

    # --- the log

    def test_one_line_for_an_outage_however_long(self) -> None:
        self.network.kill(self.a)
        for _ in range(20):
            self.assertEqual(self.asked(seconds=3), "b")
        self.assertEqual(len(self.lines), 1, self.lines)
        self.assertIn("toys at server 0 is not linked", self.lines[0])

    def test_one_line_for_a_frozen_server(self) -> None:
        self.a.frozen = True
        self.run_network(60)
        self.assertEqual(len(self.lines), 1, self.lines)
        self.assertIn("does not answer pings", self.lines[0])

    def test_a_second_outage_has_a_line_of_its_own(self) -> None:
        self.network.kill(self.a)
        self.run_network(1)
        self.network.start(self.a, self.server_like(self.a))
        self.run_network(6)
        self.network.kill(self.a)
        self.run_network(1)
        self.assertEqual(len(self.lines), 2, self.lines)

    def test_a_server_that_comes_back_and_refuses_has_a_second_line(self) -> None:
        self.network.kill(self.a)
        self.run_network(1)
        self.network.start(self.a, self.server_like(self.a, SharedSecret("another secret of 30 characters")))
        self.run_network(20)
        mine = [line for line in self.lines if "is not linked" in line]
        self.assertEqual(len(mine), 2, mine)
        self.assertIn("secret", mine[1])
