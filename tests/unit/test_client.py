"""The client against a scripted server: what a user or a bot may rely on, on a simulated clock."""

from itertools import pairwise

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.client import Stopped, Unreachable
from imchat.client.state import MemoryState
from imchat.domain.errors import (
    BadCredentials,
    Conflict,
    InvalidRequest,
    NotFound,
    SessionEnded,
    SessionReplaced,
    Unauthenticated,
    Unavailable,
    UpgradeRequired,
)
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client import NODE, OTHER_NODE, FakeUser, FakeWorld


class ClientCase(SynchronousTestCase):
    def setUp(self):
        self.world = FakeWorld()
        self.server = self.world.server
        self.talk = self.server.direct(1, 2)
        self.users = []

    def tearDown(self):
        for user in self.users:
            user.client.stop()
        self.world.run(20)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def user(self, *args, **kwargs):
        user = FakeUser(self.world, *args, **kwargs)
        self.users.append(user)
        return user

    def live(self, *args, **kwargs):
        user = self.user(*args, **kwargs)
        self.world.run(1)
        self.assertIn("live", user.statuses)
        return user

    def sends(self, user_id=1):
        peers = [peer for peer in self.server.peers if peer.user_id == user_id]
        return [frame.send_message for peer in peers for frame in peer.received if frame.HasField("send_message")]


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


class Sending(ClientCase):
    def test_an_acknowledged_message_is_in_the_conversation_and_out_of_the_outbox(self):
        user = self.live()
        accepted = user.client.send(self.talk, "hello")
        self.world.run(1)
        self.assertEqual(self.successResultOf(accepted).seq, 1)
        self.assertEqual(self.server.texts(self.talk), ["hello"])
        self.assertEqual(user.store.saved.outbox, [])

    def test_a_message_is_saved_before_it_is_sent(self):
        user = self.live()
        seen = []

        def look(peer, frame):
            if frame.HasField("send_message"):
                seen.append([e.client_id for e in user.store.saved.outbox] == [frame.send_message.client_id])
            return False

        self.server.intercept = look
        user.client.send(self.talk, "hello")
        self.world.run(1)
        self.assertEqual(seen, [True])

    def test_lost_before_the_commit_it_is_sent_again(self):
        user = self.live()
        lost = []

        def lose(peer, frame):
            if frame.HasField("send_message") and not lost:
                lost.append(frame)
                peer.abort()
                return True
            return False

        self.server.intercept = lose
        sent = user.client.send(self.talk, "hello")
        self.world.run(5)
        self.assertEqual(self.successResultOf(sent).seq, 1)
        self.assertEqual(self.server.texts(self.talk), ["hello"])

    def test_lost_after_the_commit_it_is_not_doubled(self):
        user = self.live()
        lost = []

        def lose(peer, frame):
            if frame.HasField("send_message") and not lost:
                lost.append(frame)
                send = frame.send_message
                self.server.append(send.conversation_id, 1, send.content, send.client_id, sender=peer)
                peer.abort()
                return True
            return False

        self.server.intercept = lose
        sent = user.client.send(self.talk, "hello")
        self.world.run(5)
        self.assertEqual(self.successResultOf(sent).seq, 1)
        self.assertEqual(self.server.texts(self.talk), ["hello"])
        self.assertEqual(user.texts(self.talk), ["hello"])

    def test_many_outstanding_keep_their_order_over_a_cut(self):
        user = self.live()
        count = []

        def cut(peer, frame):
            count.append(frame)
            if len(count) == 20:
                peer.abort()
                return True
            return False

        self.server.intercept = cut
        sent = [user.client.send(self.talk, str(n)) for n in range(50)]
        self.world.run(10)
        self.assertEqual(self.server.texts(self.talk), [str(n) for n in range(50)])
        self.assertEqual([self.successResultOf(d).seq for d in sent], list(range(1, 51)))
        self.assertEqual(user.texts(self.talk), [str(n) for n in range(50)])

    def test_no_more_than_the_window_is_under_way(self):
        user = self.live()
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        for n in range(40):
            user.client.send(self.talk, str(n)).addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(1)
        self.assertEqual(len(self.sends()), 16)

    def test_after_a_passing_error_the_failed_one_comes_first_and_not_before_it_may(self):
        user = self.live()
        refused = []

        def limit(peer, frame):
            if not frame.HasField("send_message"):
                return False
            if self.world.clock.seconds() < self.until:
                refused.append(frame.send_message.content.text.text)
                peer.refuse(frame, "rate_limited", 3000)
                return True
            return False

        self.until = self.world.clock.seconds() + 2
        self.server.intercept = limit
        sent = [user.client.send(self.talk, text) for text in ("a", "b", "c")]
        self.world.run(1)
        late = user.client.send(self.talk, "d")
        self.world.run(1.5)
        self.assertEqual(refused, ["a", "b", "c"])
        self.assertEqual(self.server.texts(self.talk), [])
        self.world.run(2)
        self.assertEqual(self.server.texts(self.talk), ["a", "b", "c", "d"])
        self.assertEqual([self.successResultOf(d).seq for d in (*sent, late)], [1, 2, 3, 4])

    def test_passing_errors_in_a_row_are_retried_more_and_more_slowly(self):
        user = self.live()
        times = []

        def limit(peer, frame):
            if frame.HasField("send_message"):
                times.append(self.world.clock.seconds())
                peer.refuse(frame, "rate_limited", 1000)
                return True
            return False

        self.server.intercept = limit
        user.client.send(self.talk, "hi").addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(200)
        waits = [b - a for a, b in pairwise(times)]
        self.assertTrue(1 <= waits[0] <= 1.3 and 2 <= waits[1] <= 2.6 and 25 < waits[-1] < 38, waits)

    def test_a_passing_error_in_one_conversation_does_not_hold_up_another(self):
        other = self.server.direct(1, 3)
        user = self.live()

        def refuse(peer, frame):
            if frame.send_message.conversation_id == self.talk:
                peer.refuse(frame, "unavailable")
                return True
            return False

        self.server.intercept = refuse
        waiting = user.client.send(self.talk, "a")
        through = user.client.send(other, "b")
        self.world.run(3)
        self.assertNoResult(waiting)
        self.successResultOf(through)
        waiting.addErrback(lambda failure: failure.trap(Stopped))

    def test_a_permanent_error_fails_that_message_and_those_behind_it_go_on(self):
        user = self.live()

        def refuse(peer, frame):
            if frame.send_message.content.text.text == "bad":
                peer.refuse(frame, "conflict")
                return True
            return False

        self.server.intercept = refuse
        bad, good = user.client.send(self.talk, "bad"), user.client.send(self.talk, "good")
        self.world.run(1)
        self.failureResultOf(bad, Conflict)
        self.assertEqual(self.successResultOf(good).seq, 1)
        self.assertEqual(user.store.saved.outbox, [])

    def test_a_text_that_cannot_be_sent_is_refused_here(self):
        user = self.live()
        self.failureResultOf(user.client.send(self.talk, "a\x00b"), InvalidRequest)
        self.failureResultOf(user.client.send(self.talk, "x" * 8001), InvalidRequest)
        self.assertEqual(user.store.saved.outbox, [])

    def test_what_was_not_acknowledged_is_sent_by_the_next_run(self):
        store = MemoryState()
        user = self.live(store=store)
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        sent = [user.client.send(self.talk, text) for text in ("a", "b")]
        self.world.run(1)
        user.client.stop()
        self.world.run(10)
        for deferred in sent:
            self.failureResultOf(deferred, Stopped)
        self.server.intercept = lambda peer, frame: False
        again = self.user(store=store)
        emptied = again.client.when_sent()
        self.world.run(2)
        self.successResultOf(emptied)
        self.assertEqual(self.server.texts(self.talk), ["a", "b"])

    def test_another_accounts_outbox_is_not_sent(self):
        store = MemoryState()
        user = self.live(store=store)
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        user.client.send(self.talk, "secret of alice").addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(1)
        user.client.stop()
        self.world.run(10)
        self.server.intercept = lambda peer, frame: False
        self.live("bob", store=store)
        self.world.run(5)
        self.assertEqual(self.server.texts(self.talk), [])

    def test_requests_wait_for_a_connection_and_for_better_times(self):
        user = self.live()
        self.server.cut()
        opened = self.ensure(user.client.open_direct(3))
        self.assertNoResult(opened)
        tries = []

        def busy(peer, frame):
            if frame.HasField("open_direct") and not tries:
                tries.append(frame)
                peer.refuse(frame, "unavailable", 500)
                return True
            return False

        self.server.intercept = busy
        self.world.run(5)
        self.assertEqual(self.successResultOf(opened), self.server.direct(1, 3))

    def test_names(self):
        user = self.live()
        found = self.ensure(user.client.directory.by_name("bob"))
        missing = self.ensure(user.client.directory.by_name("nobody"))
        self.world.run(1)
        self.assertEqual(self.successResultOf(found).id, 2)
        self.failureResultOf(missing, NotFound)
        asked = len(self.server.peer(1).received)
        self.assertEqual(self.successResultOf(self.ensure(user.client.directory.by_name("bob"))).id, 2)
        self.assertEqual(len(self.server.peer(1).received), asked)

    def ensure(self, coroutine):
        return Deferred.fromCoroutine(coroutine)


class StateFaults(ClientCase):
    def test_a_state_that_cannot_be_saved_ends_the_client_with_the_reason(self):
        user = self.live()

        async def broken(change):
            raise Unavailable("disk full")

        user.store.commit = broken
        sent = user.client.send(self.talk, "hello")
        self.failureResultOf(sent, Unavailable)
        self.world.run(20)
        (failure,) = user.closed
        self.assertIsInstance(failure.value, Unavailable)
        self.assertEqual(self.server.texts(self.talk), [])
        self.assertEqual(len(self.flushLoggedErrors(Unavailable)), 1)
