"""The client against a scripted server: what a user or a bot may rely on, on a simulated clock."""

from itertools import pairwise

from twisted.internet.defer import Deferred

from imchat.client import Stopped, Unreachable
from imchat.client.state import MemoryState
from imchat.domain.errors import (
    BadCredentials,
    SessionEnded,
    SessionReplaced,
    Unauthenticated,
    UpgradeRequired,
)
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client import NODE, OTHER_NODE
from tests.fakes.client_world import ClientCase


class Connecting(ClientCase):
    def test_it_logs_in_and_uses_the_nodes_of_the_login(self):
        self.live()
        self.assertEqual(self.world.gate.calls, ["login"])
        self.assertEqual([node for node, _ in self.server.hellos], [NODE])

    def test_after_a_cut_it_comes_back_with_a_fresh_route_and_no_password(self):
        user = self.live()
        self.server.cut()
        self.world.run(5)
        self.assertEqual(self.world.gate.calls, ["login", "route"])
        self.assertEqual(len(self.server.hellos), 2)
        self.assertEqual(user.statuses.count("live"), 2)

    def test_the_same_device_logs_in_again(self):
        self.live()
        self.server.cut()
        self.world.run(5)
        self.assertEqual(len({device for _, device in self.server.hellos}), 1)

    def test_while_the_gate_is_away_it_returns_to_the_nodes_it_knows(self):
        self.live()
        self.world.gate.trouble = Unreachable("gone")
        self.server.cut()
        self.world.run(5)
        self.assertEqual(len(self.server.hellos), 2)

    def test_nor_is_a_gate_waited_for_that_does_not_answer(self):
        async def silent(token):
            await Deferred()

        self.live()
        self.world.gate.route = silent
        self.server.cut()
        self.world.run(8)
        self.assertEqual(len(self.server.hellos), 2)

    def test_it_tries_the_nodes_in_order(self):
        self.world.gate.nodes = (NODE, OTHER_NODE)
        self.server.down = {NODE}
        self.live()
        self.assertEqual(self.server.attempts, [NODE, OTHER_NODE])

    def test_the_waits_between_tries_grow_up_to_a_bound_and_are_jittered(self):
        self.server.down = {NODE}
        times = []
        connect = self.server.connect
        self.server.connect = lambda node: times.append(self.world.clock.seconds()) or connect(node)
        self.user()
        self.world.run(600)
        waits = [b - a for a, b in pairwise(times)]
        self.assertTrue(all(0.2 <= wait <= 30.1 for wait in waits), waits)
        self.assertLess(waits[0], 0.6)
        self.assertGreater(waits[-1], 15)
        self.assertGreater(len(set(waits[-5:])), 1)

    def test_a_server_that_takes_connections_and_says_nothing_is_left(self):
        self.world.gate.nodes = (NODE, OTHER_NODE)
        self.server.intercept = lambda peer, frame: peer.node == NODE
        user = self.user()
        self.world.run(40)
        self.assertIn("live", user.statuses)
        self.assertEqual(self.server.hellos[0][0], OTHER_NODE)

    def test_a_refusing_node_is_left_for_the_next(self):
        self.world.gate.nodes = (NODE, OTHER_NODE)

        def busy(peer, frame):
            if peer.node == NODE:
                peer.refuse(frame, "unavailable", 1000)
            return peer.node == NODE

        self.server.intercept = busy
        self.live()

    def test_it_pings_when_nothing_else_is_sent(self):
        self.live()
        self.world.run(65)
        kinds = [frame.WhichOneof("body") for frame in self.server.peer(1).received]
        self.assertEqual(kinds.count("ping"), 2)

    def test_it_answers_the_servers_ping(self):
        self.live()
        peer = self.server.peer(1)
        peer.send(Frame(ping=pb.Ping()))
        self.world.run(1)
        self.assertEqual(peer.received[-1].WhichOneof("body"), "pong")

    def test_a_frozen_server_is_noticed_and_left(self):
        self.live()
        frozen = self.server.peer(1)
        self.server.intercept = lambda peer, frame: peer is frozen
        self.world.run(29)
        self.assertEqual(len(self.server.hellos), 1)
        self.world.run(40)
        self.assertEqual(len(self.server.hellos), 2)

    def test_garbage_from_the_server_ends_that_connection_only(self):
        user = self.live()
        self.server.peer(1).send_payload(b"\xff\xff\xff")
        self.world.run(5)
        self.assertEqual(user.closed, [])
        self.assertEqual(len(self.server.hellos), 2)

    def test_login_waits_while_the_gate_is_away(self):
        self.world.gate.trouble = Unreachable("gone")
        user = self.user()
        self.world.run(30)
        self.assertNoResult(user.started)
        self.world.gate.trouble = None
        self.world.run(40)
        self.successResultOf(user.started)
        self.assertIn("live", user.statuses)

    def test_wrong_credentials_are_told_at_once(self):
        self.world.gate.trouble = BadCredentials("no")
        self.failureResultOf(self.user().started, BadCredentials)

    def test_stop_while_waiting_for_the_gate(self):
        self.world.gate.trouble = Unreachable("gone")
        user = self.user()
        self.world.run(3)
        self.successResultOf(user.client.stop())
        self.failureResultOf(user.started, Stopped)

    def test_stop_from_within_what_it_tells(self):
        for moment in ("connecting", "live", "waiting"):
            with self.subTest(moment):
                told = []
                user = self.user(on_status=lambda status, detail, told=told: told and told[0](status))
                self.world.run(1)
                told.append(lambda status, m=moment, user=user: status == m and user.client.stop())
                self.server.attempts.clear()
                self.server.cut()
                while not user.closed:
                    self.world.run(0.01)
                self.world.run(0.01)
                self.assertEqual(user.closed, [None])
                self.assertEqual(self.world.clock.getDelayedCalls(), [])
                self.assertEqual(len(self.server.attempts), 1 if moment == "live" else 0)

    def test_stop_from_within_the_news_that_the_gate_is_away(self):
        self.world.gate.trouble = Unreachable("gone")
        users = []

        users.append(self.user(on_status=lambda status, detail: users and users[0].client.stop()))
        self.world.run(10)
        self.failureResultOf(users[0].started, Stopped)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def test_a_saved_session_needs_no_password_and_one_that_is_over_is_replaced_by_a_login(self):
        store = MemoryState()
        first = self.live(store=store)
        first.client.stop()
        self.world.run(1)
        again = self.live(store=store, credentials=False)
        self.assertEqual(self.world.gate.calls, ["login", "route"])
        again.client.stop()
        self.world.run(1)
        del self.server.tokens["token-alice"]
        third = self.user(store=store)
        self.world.run(1)
        self.assertEqual(self.world.gate.calls[2:], ["route", "login"])
        (failure,) = third.closed
        self.assertIsInstance(failure.value, Unauthenticated)

    def test_move_waits_as_told_and_goes_elsewhere(self):
        self.world.gate.nodes = (NODE, OTHER_NODE)
        self.live()
        self.server.peer(1).send(Frame(move=pb.Move(after_ms=5000)))
        self.world.run(4.5)
        self.assertEqual(len(self.server.hellos), 1)
        self.world.run(1)
        self.assertEqual([node for node, _ in self.server.hellos], [NODE, OTHER_NODE])

    def test_move_whose_node_closes_early_still_waits(self):
        self.world.gate.nodes = (NODE, OTHER_NODE)
        self.live()
        self.server.peer(1).send(Frame(move=pb.Move(after_ms=5000)))
        self.world.run(1)
        self.server.cut()
        self.world.run(3)
        self.assertEqual(len(self.server.hellos), 1)
        self.world.run(2)
        self.assertEqual([node for node, _ in self.server.hellos], [NODE, OTHER_NODE])

    def test_a_request_waits_while_the_connection_closes_and_goes_out_over_the_next(self):
        user = self.live()
        self.server.peer(1).send(Frame(goodbye=pb.Goodbye(code="unavailable", message="the node goes away")))
        self.world.run(self.server.latency)
        connection = user.client._engine._connection
        self.assertTrue(connection.closing)
        asked = Deferred.fromCoroutine(user.client.open_direct(2))
        now = self.world.clock.seconds()
        for _ in range(5):
            self.world.clock.advance(0)
        self.assertIsNone(connection.ended)
        self.assertEqual([call for call in self.world.clock.getDelayedCalls() if call.getTime() <= now], [])
        self.world.run(30)
        self.assertEqual(self.successResultOf(asked), self.talk)


class Farewells(ClientCase):
    def ends_with(self, user, kind):
        self.world.run(120)
        (failure,) = user.closed
        self.assertIsInstance(failure.value, kind)
        self.assertEqual(len(self.server.hellos), 1)

    def test_replaced_and_ended_stop_for_good(self):
        for code, kind in (("replaced", SessionReplaced), ("session_ended", SessionEnded)):
            with self.subTest(code):
                self.server.hellos.clear()
                user = self.live()
                peer = self.server.peer(1)
                peer.send(Frame(goodbye=pb.Goodbye(code=code, message="why")))
                peer.flush()
                peer.close()
                self.ends_with(user, kind)

    def test_a_farewell_fails_what_waits_for_an_acknowledgement_and_keeps_it(self):
        user = self.live()
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        sent = user.client.send(self.talk, "hello")
        self.world.run(1)
        self.server.peer(1).send(Frame(goodbye=pb.Goodbye(code="session_ended")))
        self.world.run(10)
        self.failureResultOf(sent, Stopped)
        self.assertEqual(len(user.store.saved.outbox), 1)

    def test_other_farewells_are_passing(self):
        user = self.live()
        self.server.peer(1).send(Frame(goodbye=pb.Goodbye(code="unavailable")))
        self.world.run(4)
        self.assertEqual(len(self.server.hellos), 1)
        self.world.run(8)
        self.assertEqual(user.closed, [])
        self.assertEqual(len(self.server.hellos), 2)

    def test_a_hello_that_is_refused_for_good_stops(self):
        for code, kind in (("upgrade_required", UpgradeRequired), ("unauthenticated", Unauthenticated)):
            with self.subTest(code):

                def refuse(peer, frame, code=code):
                    peer.refuse(frame, code)
                    return True

                self.server.intercept = refuse
                user = self.user()
                self.world.run(60)
                (failure,) = user.closed
                self.assertIsInstance(failure.value, kind)
