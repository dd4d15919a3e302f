"""One link over time: waits between tries, peers that do not answer, and stopping."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imchat.domain.errors import Unavailable
from imchat.net.links.link import LinkSettings
from imchat.net.links.pool import Links
from tests.net.links_case import SECRET, TOYS, Case


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
