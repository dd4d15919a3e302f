"""A chat node among others: what they tell one another, races at Hello, and its orderly end."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.settings import ChatSettings
from imchat.domain.errors import Unavailable
from imchat.ports import SessionsClosed
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, message_id, now


class TwoNodeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig()
        self.other = self.rig.make_node("node-2")
        self.ann = self.rig.client("ann")
        self.bob = self.rig.client("bob", node=self.other)
        self.talk = self.rig.talk(self.ann, "bob")

    def test_being_added_and_messages_reach_the_other_node(self) -> None:
        tablet = self.rig.client("ann", "tablet", node=self.other)
        added = self.bob.take()
        self.assertEqual([self.talk], [message.event.content.conversation_added.conversation_id for message in added])
        self.ann.say(self.talk, "hello")
        for client in (self.bob, tablet):
            self.assertEqual(["hello"], [message.event.content.text.text for message in client.take()])
        self.bob.say(self.talk, "hi", 2)
        self.assertEqual([2], [message.event.seq for message in self.ann.take()])
        self.assertEqual([2], [message.event.seq for message in tablet.take()])

    def test_a_resend_rings_again_for_those_who_did_not_hear(self) -> None:
        self.bob.take()
        self.rig.hub.lose = True
        self.ann.say(self.talk, "hello")
        self.rig.hub.lose = False
        self.assertEqual([], self.bob.take())
        for expected in ([1], []):
            self.assertTrue(self.ann.say(self.talk, "hello").accepted.resent)
            self.assertEqual(expected, [message.event.seq for message in self.bob.take()])

    def test_the_same_device_on_another_node_replaces_the_older_connection(self) -> None:
        token = self.rig.login("ann", "laptop")
        old, new = self.rig.connect(), self.rig.connect(node=self.other)
        old.hello(token, "laptop")
        new.hello(token, "laptop")
        self.assertEqual("replaced", old.take()[-1].goodbye.code)
        self.assertTrue(old.lost)
        self.assertFalse(new.lost)
        self.assertFalse(self.ann.lost)

    def test_sessions_that_are_closed_elsewhere_are_closed_here(self) -> None:
        tablet = self.rig.client("ann", "tablet", node=self.other)
        channel = f"user:{self.ann.user_id}"
        now(self.rig.hub.publish([(channel, SessionsClosed(self.ann.user_id, ("phone",), "session_ended"))]))
        self.rig.run()
        self.assertEqual("session_ended", self.ann.take()[-1].goodbye.code)
        self.assertFalse(tablet.lost)
        now(self.rig.hub.publish([(channel, SessionsClosed(self.ann.user_id, None, "session_ended"))]))
        self.rig.run()
        self.assertTrue(tablet.lost)
        self.assertFalse(self.bob.lost)


class HelloRaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig()
        self.token = self.rig.login("ann")

    def greet(self, client) -> None:
        client.send(hello=pb.Hello(protocol_version=1, token=self.token, device_id="phone"))

    def test_two_at_once_the_later_one_stays(self) -> None:
        first, second = self.rig.connect(), self.rig.connect()
        self.rig.database.pool.hold()
        self.greet(first)
        self.greet(second)
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["welcome"], second.names())
        self.assertTrue(first.lost)
        self.assertIn("goodbye", first.names())

    def test_a_connection_lost_during_hello_leaves_nothing_behind(self) -> None:
        for steps in (0, 1):
            client = self.rig.connect()
            self.rig.database.pool.hold()
            self.greet(client)
            for _ in range(steps):
                self.rig.database.pool.step()
            client.transport.abortConnection()
            self.rig.database.pool.release()
            self.rig.run()
            registry = self.rig.node.factory._services.sessions._registry
            self.assertEqual(0, len(registry))
            self.assertEqual(0, len(self.rig.node.factory._services.connections))
        self.rig.connect().hello(self.token)

    def test_nothing_is_pushed_before_the_welcome(self) -> None:
        bob = self.rig.client("bob")
        talk = self.rig.talk(bob, "ann")
        client = self.rig.connect()
        self.rig.database.pool.hold()
        self.greet(client)
        bob.send(send_message=bob.message(talk, "are you there?"))
        # Ann is registered, then the message is stored, then Hello goes on.
        self.rig.database.pool.step()
        self.rig.database.pool.step()
        self.rig.run()
        self.assertEqual(["accepted"], bob.names())
        self.assertEqual([], client.take())
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["welcome"], client.names())
        (state,) = [s for s in client.ask(sync=pb.Sync()).sync_result.streams if s.stream_id == talk]
        self.assertEqual(1, state.events[0].seq)

    def test_a_session_that_ends_during_hello_is_not_welcomed(self) -> None:
        client = self.rig.connect()
        self.rig.database.pool.hold()
        self.greet(client)
        self.rig.database.pool.step()
        # Registered; the notice was published before this node listened, and the check after it finds out.
        self.rig.database.pool.connection.execute("DELETE FROM session")
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["goodbye"], client.names())
        self.assertTrue(client.lost)


class DrainTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig(ChatSettings(drain_timeout=10))
        self.ann, self.bob = self.rig.client("ann"), self.rig.client("bob")
        self.talk = self.rig.talk(self.ann, "bob")
        self.bob.take()
        self.early = self.rig.connect()

    def drain(self) -> list[object]:
        done: list[object] = []
        Deferred.fromCoroutine(self.rig.node.drain()).addBoth(done.append)
        return done

    def test_what_was_taken_is_stored_acknowledged_and_pushed_then_all_are_told_to_move(self) -> None:
        self.rig.database.pool.hold()
        self.ann.send(send_message=self.ann.message(self.talk, "last words"))
        done = self.drain()
        self.rig.run()
        self.assertFalse(self.ann.transport.reading)
        self.assertEqual([], done)
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["accepted", "move"], self.ann.names())
        self.assertEqual(["event", "move"], self.bob.names())
        self.assertTrue(self.ann.lost and self.bob.lost and self.early.lost)
        self.assertEqual([None], done)

    def test_clients_come_back_one_after_another(self) -> None:
        self.drain()
        self.rig.run()
        delays = [client.take()[-1].move.after_ms for client in (self.ann, self.bob, self.early)]
        self.assertEqual(sorted(set(delays)), delays)

    def test_what_comes_while_it_drains_is_not_taken(self) -> None:
        self.rig.database.pool.hold()
        self.ann.send(send_message=self.ann.message(self.talk, "last words"))
        self.drain()
        self.ann.send(send_message=self.ann.message(self.talk, "too late", 2))
        late = self.rig.connect()
        self.assertEqual("unavailable", late.take()[0].goodbye.code)
        self.assertTrue(late.lost)
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["accepted", "move"], self.ann.names())
        rows = self.rig.database.pool.connection.execute(
            "SELECT client_id FROM event WHERE stream_id = ?", (self.talk,)
        )
        self.assertEqual([message_id(1)], [bytes(row[0]) for row in rows])

    def test_the_status_server_learns_of_it_first(self) -> None:
        self.assertEqual([False], [report.draining for report in self.rig.status.reports])
        self.rig.database.pool.hold()
        self.ann.send(send_message=self.ann.message(self.talk, "last words"))
        self.drain()
        self.assertEqual((True, 3), (self.rig.status.reports[-1].draining, self.rig.status.reports[-1].connections))

    def test_it_ends_in_time_whatever_hangs(self) -> None:
        self.rig.database.pool.hold()
        self.ann.send(send_message=self.ann.message(self.talk, "last words"))
        self.bob.transport.room = 10
        self.bob.send(ping=pb.Ping())
        self.bob.send(ping=pb.Ping())
        done = self.drain()
        self.rig.clock.pump([0.5] * 20)
        self.assertEqual([None], done)
        self.assertTrue(self.ann.lost and self.bob.lost)


class ReportTests(SynchronousTestCase):
    def test_reports_come_at_once_and_regularly_and_survive_an_outage(self) -> None:
        rig = NodeRig()
        rig.client("ann")
        self.assertEqual(1, len(rig.status.reports))
        rig.clock.advance(3)
        self.assertEqual([0, 1], [report.connections for report in rig.status.reports])
        self.assertEqual(("node-1", "192.0.2.9"), (rig.status.reports[-1].node_id, rig.status.reports[-1].address.host))
        rig.status.failure = Unavailable("gone")
        rig.clock.pump([3] * 5)
        rig.status.failure = None
        rig.clock.advance(3)
        self.assertEqual(3, len(rig.status.reports))
        self.assertEqual([], self.flushLoggedErrors())
