"""Several servers: failing over, frozen and killed ones, coming back, what may be asked twice, what the log says."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imchat.domain.errors import Internal, NotFound, RateLimited, Unavailable
from imchat.net.links.link import LinkSettings
from imchat.net.links.pool import Links
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

    def server_like(self, server):
        from imchat.net.links.server import LinkServer

        toy = self.toy_a if server is self.a else self.toy_b
        return LinkServer(TOYS, toy.handlers, SECRET, self.ids, self.clock)

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


class ReconnectTests(Case):
    def test_waits_grow_up_to_a_longest_and_are_jittered(self) -> None:
        server, _ = self.serve()
        self.network.kill(server)
        self.link(server)
        tries = []
        for _ in range(40):
            before = server.tries
            self.run_network(1)
            tries.append(server.tries - before)
        self.assertGreaterEqual(tries[0], 2)
        self.assertEqual(max(tries[20:]), 1)
        self.assertGreaterEqual(sum(tries[20:]), 4)
        settings = LinkSettings()
        delays = [[settings.delay(failures, fraction) for failures in range(60)] for fraction in (0.0, 0.999)]
        self.assertEqual((delays[0][0], delays[0][-1]), (0.1, 2.5))
        self.assertTrue(all(low < high <= 5.0 for low, high in zip(*delays, strict=True)))

    def test_a_server_that_lets_in_and_drops_is_not_hammered(self) -> None:
        server, _ = self.serve()
        self.link(server)
        for _ in range(600):
            for end in server.open:
                if end.protocol is not None:
                    end.abortConnection()
            self.run_network(0.1)
        self.assertLess(server.tries, 30)

    def test_after_a_steady_time_the_first_wait_is_short_again(self) -> None:
        server, _ = self.serve()
        factory = server.factory
        self.network.kill(server)
        links = self.link(server)
        self.run_network(30)
        self.network.start(server, factory)
        self.run_network(6)
        self.assertEqual(links.up, 1)
        self.run_network(11)
        for end in server.open:
            end.abortConnection()
        self.run_network(0.5)
        self.assertEqual(links.up, 1)

    def test_a_connection_that_never_comes_about_is_given_up_and_tried_again(self) -> None:
        server, _ = self.serve()
        server.lost = True
        links = self.link(server)
        self.run_network(4)
        self.assertGreaterEqual(server.tries, 2)
        server.lost = False
        self.run_network(6)
        self.assertEqual(links.up, 1)

    def test_a_peer_that_accepts_and_says_nothing_is_given_up(self) -> None:
        server, _ = self.serve()
        server.frozen = True
        links = self.link(server)
        self.failureResultOf(self.ask(links), Unavailable)
        self.run_network(3.5)
        self.assertGreaterEqual(server.tries, 2)
        self.assertTrue(any("no login within 3 s" in line for line in self.lines), self.lines)

    def test_stopping_ends_everything_at_once_even_with_a_frozen_peer(self) -> None:
        for state in ("up", "frozen", "connecting", "logging in", "waiting"):
            server, _ = self.serve()
            server.lost = state == "connecting"
            server.frozen = state == "logging in"
            if state == "waiting":
                self.network.kill(server)
            links = self.link(server)
            server.frozen = state in ("logging in", "frozen")
            stopped = links.stopService()
            if isinstance(stopped, Deferred):
                self.successResultOf(stopped)
            server.frozen = False
            tries = server.tries
            self.run_network(10)
            self.assertEqual((server.tries, server.open, links.up), (tries, [], 0), state)
            if server.factory is not None:
                self.network.kill(server)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_stopping_answers_those_who_wait(self) -> None:
        server, toy = self.serve()
        links = self.link(server)
        toy.answer = Deferred()
        call = self.ask(links)
        links.stopService()
        self.run_network()
        self.failureResultOf(call, Unavailable)

    def test_links_can_be_started_again(self) -> None:
        server, _ = self.serve()
        links = self.link(server)
        links.stopService()
        self.run_network(1)
        links.startService()
        self.run_network(0.2)
        self.assertEqual(links.up, 1)

    def test_a_list_of_servers_is_not_empty_and_names_none_twice(self) -> None:
        for ways in ([], [("x", None), ("x", None)]):
            self.assertRaises(ValueError, Links, TOYS, ways, SECRET, self.ids, self.clock)
