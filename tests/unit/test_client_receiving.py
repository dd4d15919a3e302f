"""Receiving: each event once and in order, whatever happens to pushes, connections and the program."""

from twisted.internet.defer import Deferred

from imchat.client.backoff import Timing
from imchat.client.inbox import MAX_READY
from imchat.client.state import MemoryState
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client import text
from tests.fakes.client_world import ClientCase


class Receiving(ClientCase):
    def say(self, *texts, stream=None):
        for value in texts:
            self.server.say(stream or self.talk, 2, value)

    def test_what_was_said_before_comes_by_sync_and_what_is_said_now_by_push(self):
        self.say("1", "2")
        user = self.live()
        self.say("3")
        self.world.run(1)
        self.assertEqual(user.texts(self.talk), ["1", "2", "3"])

    def test_a_long_absence_comes_page_by_page(self):
        self.server.sync_streams, self.server.sync_events, self.server.history_events = 1, 3, 7
        other = self.server.direct(1, 3)
        numbers = [str(n) for n in range(50)]
        self.say(*numbers)
        self.say(*numbers, stream=other)
        user = self.live()
        self.world.run(5)
        self.assertEqual(user.texts(self.talk), numbers)
        self.assertEqual(user.texts(other), numbers)

    def test_sync_tells_what_is_there_already(self):
        store = MemoryState()
        self.say("1", "2")
        self.live(store=store).client.stop()
        self.world.run(1)
        self.live(store=store)
        (sync,) = [frame.sync for frame in self.server.peer(1).received if frame.HasField("sync")]
        self.assertEqual([(p.stream_id, p.seq) for p in sync.positions], [(self.talk, 2)])

    def test_a_lost_push_is_fetched_when_the_next_one_shows_the_hole(self):
        user = self.live()
        self.server.deliver = lambda peer, event: [] if event.seq == 1 else [0]
        self.say("1", "2")
        self.world.run(0.1)
        self.assertEqual(user.got, [])
        self.world.run(4)
        self.assertEqual(user.texts(self.talk), ["1", "2"])

    def test_a_push_that_is_merely_late_costs_no_fetch(self):
        user = self.live()
        self.server.deliver = lambda peer, event: [0.1] if event.seq == 1 else [0]
        self.say("1", "2")
        self.world.run(3)
        self.assertEqual(user.texts(self.talk), ["1", "2"])
        self.assertNotIn("history", [f.WhichOneof("body") for f in self.server.peer(1).received])

    def test_doubled_pushes_come_once(self):
        user = self.live()
        self.server.deliver = lambda peer, event: [0, 0, 0.3]
        self.say("1", "2")
        self.world.run(2)
        self.assertEqual(user.texts(self.talk), ["1", "2"])

    def test_stream_at_makes_it_fetch(self):
        user = self.live()
        self.server.deliver = lambda peer, event: []
        self.say("1", "2")
        self.server.peer(1).send(Frame(stream_at=pb.StreamAt(stream_id=self.talk, last_seq=2)))
        self.world.run(2)
        self.assertEqual(user.texts(self.talk), ["1", "2"])

    def test_invisible_events_are_no_hole(self):
        self.say("1")
        self.server.streams[self.talk].hidden[1] = {2, 3, 5}
        user = self.live()
        self.say("2", "3", "4", "5", "6")
        self.world.run(3)
        self.assertEqual(user.texts(self.talk), ["1", "4", "6"])
        self.assertEqual(user.store.saved.positions[self.talk], 6)

    def test_one_hole_is_fetched_once_whatever_comes_behind_it(self):
        user = self.live()
        self.server.deliver = lambda peer, event: [] if event.seq == 1 else [0]
        self.say(*"123456")
        self.world.run(3)
        self.assertEqual(user.texts(self.talk), list("123456"))
        kinds = [frame.WhichOneof("body") for frame in self.server.peer(1).received]
        self.assertEqual(kinds.count("history"), 1)

    def test_a_fetch_that_is_refused_for_now_is_repeated(self):
        user = self.live()
        refusals = []

        def busy(peer, frame):
            if frame.HasField("history") and len(refusals) < 3:
                refusals.append(frame)
                peer.refuse(frame, "rate_limited", 700)
                return True
            return False

        self.server.intercept = busy
        self.server.deliver = lambda peer, event: [] if event.seq == 1 else [0]
        self.say("1", "2")
        self.world.run(15)
        self.assertEqual(user.texts(self.talk), ["1", "2"])

    def test_a_sync_that_is_refused_for_now_is_repeated_page_by_page(self):
        self.server.sync_streams = 1
        other = self.server.direct(1, 3)
        self.say("1")
        self.say("2", stream=other)
        refusals = []

        def busy(peer, frame):
            if frame.HasField("sync") and frame.sync.cursor and len(refusals) < 2:
                refusals.append(frame)
                peer.refuse(frame, "unavailable", 500)
                return True
            return False

        self.server.intercept = busy
        user = self.user()
        self.world.run(5)
        self.assertEqual((user.texts(self.talk), user.texts(other)), (["1"], ["2"]))
        self.assertEqual(len(self.server.hellos), 1)

    def test_a_connection_lost_while_a_sync_waits_to_be_repeated_is_replaced_at_once(self):
        def busy(peer, frame):
            if frame.HasField("sync") and len(self.server.hellos) == 1:
                peer.refuse(frame, "unavailable", 60_000)
                return True
            return False

        self.server.intercept = busy
        self.say("1")
        user = self.user()
        self.world.run(1)
        self.server.cut()
        self.world.run(5)
        self.assertEqual(len(self.server.hellos), 2)
        self.assertEqual(user.texts(self.talk), ["1"])

    def test_while_the_connection_closes_a_hole_is_not_asked_for_again_and_again(self):
        user = self.live(timing=Timing(hole=0.0))
        self.server.deliver = lambda peer, event: [] if event.seq == 1 else [0]
        self.say("1", "2")
        self.server.peer(1).send(Frame(goodbye=pb.Goodbye(code="unavailable", message="the node goes away")))
        self.world.run(self.server.latency)
        connection = user.client._engine._connection
        self.assertEqual((connection.closing, connection.ended), (True, None))
        self.world.run(30)
        self.assertEqual(user.texts(self.talk), ["1", "2"])

    def test_a_cut_in_the_middle_of_everything(self):
        self.server.sync_events = self.server.history_events = 2
        self.say(*"123456789")
        user = self.user()
        for _ in range(30):
            self.world.run(0.004)
            self.server.cut()
            self.world.run(1)
        self.world.run(60)
        self.assertEqual(user.texts(self.talk), list("123456789"))

    def test_ones_own_messages_stand_in_their_place(self):
        user = self.live()
        user.client.send(self.talk, "mine")
        self.world.run(1)
        self.say("theirs")
        self.world.run(1)
        self.assertEqual(user.texts(self.talk), ["mine", "theirs"])
        self.assertEqual(user.store.saved.positions[self.talk], 2)
        self.assertNotIn("history", [f.WhichOneof("body") for f in self.server.peer(1).received])

    def test_ones_own_messages_from_another_device_come_too(self):
        user = self.live()
        self.server.append(self.talk, 1, text("from my phone"))
        self.world.run(1)
        self.assertEqual(user.texts(self.talk), ["from my phone"])

    def test_content_of_an_unknown_kind_keeps_its_place(self):
        user = self.live()
        self.server.append(self.talk, 2, pb.Content())
        self.say("2")
        self.world.run(1)
        self.assertEqual(user.got, [(self.talk, 1, None), (self.talk, 2, "2")])

    def test_without_a_handler_nothing_is_asked_for(self):
        self.say("1")
        self.live(handler=False)
        self.assertNotIn("sync", [f.WhichOneof("body") for f in self.server.peer(1).received])

    def test_beginning_at_the_newest_and_missing_nothing_from_then_on(self):
        store = MemoryState()
        self.say(*"12345")
        user = self.live(store=store, newest=2)
        self.assertEqual(user.texts(self.talk), ["4", "5"])
        user.client.stop()
        self.world.run(1)
        self.say("6")
        new = self.server.direct(1, 3)
        self.say("a", "b", "c", stream=new)
        again = self.live(store=store, newest=2)
        self.assertEqual(again.texts(self.talk), ["6"])
        self.assertEqual(again.texts(new), ["a", "b", "c"])

    def test_beginning_at_the_newest_holds_over_a_restart_before_anything_happened(self):
        store = MemoryState()
        self.say(*"123")
        self.live(store=store, newest=0).client.stop()
        self.world.run(1)
        self.say("4")
        self.assertEqual(self.live(store=store, newest=0).texts(self.talk), ["4"])

    def test_a_server_that_was_set_back_is_followed_from_there(self):
        store = MemoryState()
        self.say(*"12345")
        user = self.live(store=store)
        user.client.stop()
        self.world.run(1)
        del self.server.streams[self.talk].events[3:]
        again = self.live(store=store)
        self.say("new 4")
        self.world.run(1)
        self.assertEqual(again.texts(self.talk), ["new 4"])
        self.assertEqual(store.saved.positions[self.talk], 4)

    def test_a_server_that_was_set_back_while_connected(self):
        user = self.live()
        self.say(*"12345")
        self.world.run(1)
        del self.server.streams[self.talk].events[3:]
        self.server.cut()
        self.world.run(3)
        self.say("new 4")
        self.world.run(1)
        self.assertEqual(user.texts(self.talk), [*"12345", "new 4"])
        self.assertEqual(user.store.saved.positions[self.talk], 4)

    def test_a_slow_handler_bounds_memory_and_loses_nothing(self):
        user = self.live()
        gates = []

        async def slow(turn):
            if not gates:
                gates.append(Deferred())
                await gates[0]

        user.handler = slow
        numbers = [str(n) for n in range(MAX_READY + 300)]
        self.say(*numbers)
        self.world.run(3)
        self.assertEqual(len(user.got), 1)
        gates[0].callback(None)
        self.world.run(10)
        self.assertEqual(user.texts(self.talk), numbers)
