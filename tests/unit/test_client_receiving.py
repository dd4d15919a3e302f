"""Receiving: each event once and in order, whatever happens to pushes, connections and the program."""

import random

from twisted.internet.defer import Deferred

from imchat.client.inbox import MAX_READY
from imchat.client.state import MemoryState
from imchat.client.turn import reply_id
from imchat.domain.content import Text
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client import text
from tests.unit.test_client import ClientCase


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


class Handling(ClientCase):
    def echoing(self, store, answer="re: {}"):
        user = self.user("bob", store=store)

        async def echo(turn):
            if not turn.own:
                turn.reply(turn.event.stream_id, Text(answer.format(turn.event.content.text)))

        user.handler = echo
        return user

    def test_a_reply_comes_after_its_message_and_is_not_answered_again(self):
        self.echoing(MemoryState())
        self.world.run(1)
        self.server.say(self.talk, 1, "hi")
        self.world.run(2)
        self.assertEqual(self.server.texts(self.talk), ["hi", "re: hi"])

    def test_several_replies_keep_their_order(self):
        user = self.live("bob")

        async def answer(turn):
            if not turn.own:
                for n in range(3):
                    turn.reply(self.talk, Text(f"{turn.event.content.text}.{n}"))

        user.handler = answer
        self.server.say(self.talk, 1, "a")
        self.world.run(1)
        self.assertEqual(self.server.texts(self.talk), ["a", "a.0", "a.1", "a.2"])

    def test_position_and_replies_are_saved_together(self):
        store = MemoryState()
        changes = []
        commit = store.commit

        async def watch(change):
            changes.append((dict(change.positions), len(change.added)))
            await commit(change)

        store.commit = watch
        self.echoing(store)
        self.world.run(1)
        self.server.say(self.talk, 1, "hi")
        self.world.run(1)
        self.assertIn(({self.talk: 1}, 1), changes)

    def test_interrupted_in_the_handler_it_runs_again_and_answers_once(self):
        store = MemoryState()
        user = self.user("bob", store=store)
        seen = []

        async def hang(turn):
            if turn.own:
                return
            turn.reply(self.talk, Text("answer"))
            seen.append((turn.event.stream_id, turn.event.seq))
            if len(seen) == 1:
                await Deferred()

        user.handler = hang
        self.world.run(1)
        self.server.say(self.talk, 1, "question")
        self.world.run(1)
        stopped = user.client.stop()
        self.world.run(10)
        self.successResultOf(stopped)
        self.assertEqual(self.server.texts(self.talk), ["question"])
        again = self.user("bob", store=store)
        again.handler = hang
        self.world.run(2)
        self.assertEqual(seen[:2], [(self.talk, 1)] * 2)
        self.assertEqual(self.server.texts(self.talk).count("answer"), 1)

    def test_a_reply_that_an_older_state_does_not_know_of_is_not_doubled(self):
        store, old = MemoryState(), MemoryState()
        self.echoing(store).client.stop()
        self.world.run(1)
        old.saved = store.saved.__class__(store.saved.session, {}, [])
        self.echoing(store)
        self.world.run(1)
        self.server.say(self.talk, 1, "hi")
        self.world.run(1)
        self.users[-1].client.stop()
        self.world.run(1)
        self.echoing(old)
        self.world.run(2)
        self.assertEqual(self.server.texts(self.talk), ["hi", "re: hi"])

    def test_reply_ids_depend_on_place_and_index_alone(self):
        ids = {
            reply_id(user, stream, seq, index)
            for user in (1, 2)
            for stream in (1, 2)
            for seq in (1, 2)
            for index in (0, 1)
        }
        self.assertEqual(len(ids), 16)
        self.assertEqual(reply_id(1, 2, 3, 4), reply_id(1, 2, 3, 4))
        self.assertEqual(len(reply_id(1, 2, 3, 4)), 16)

    def test_a_failing_handler_is_logged_its_replies_dropped_and_the_next_message_handled(self):
        user = self.user("bob")

        async def fault(turn):
            turn.reply(self.talk, Text("half an answer"))
            if turn.event.seq == 1:
                raise ZeroDivisionError

        user.handler = fault
        self.world.run(1)
        self.server.say(self.talk, 1, "1")
        self.world.run(1)
        self.assertEqual(self.server.texts(self.talk), ["1"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(user.store.saved.positions[self.talk], 1)
        self.assertEqual(user.closed, [])

    def test_one_conversations_slow_handler_does_not_hold_up_another(self):
        user = self.live("bob")
        other = self.server.direct(2, 3)

        async def slow(turn):
            if turn.event.stream_id == self.talk:
                await Deferred()

        user.handler = slow
        self.server.say(self.talk, 1, "a")
        self.server.say(other, 3, "b")
        self.world.run(1)
        self.assertEqual(user.texts(other), ["b"])
        self.assertEqual(user.store.saved.positions.get(self.talk), None)

    def test_a_reply_after_the_handler_has_returned_is_an_error(self):
        user = self.live("bob")
        turns = []

        async def keep(turn):
            turns.append(turn)

        user.handler = keep
        self.server.say(self.talk, 1, "a")
        self.world.run(1)
        self.assertRaises(RuntimeError, turns[0].reply, self.talk, Text("late"))


class AtRandom(ClientCase):
    """Drops, doubles, delays, cuts, refusals and restarts from a seed: all is seen once and in order."""

    def test_many_seeds(self):
        for seed in range(25):
            with self.subTest(seed=seed):
                self.setUp()
                self.play(random.Random(seed))
                self.tearDown()
                self.users.clear()

    def play(self, dice):
        self.server.latency = 0.02
        self.server.sync_events = self.server.history_events = 4
        self.server.deliver = lambda peer, event: [dice.random() * 0.4 for _ in range(dice.choice((0, 1, 1, 2)))]
        self.server.intercept = lambda peer, frame: self.trouble(dice, peer, frame)
        stores = {"alice": MemoryState(), "bob": MemoryState()}
        got = {"alice": [], "bob": []}
        sent = {1: [], 2: []}
        self.calm = False
        current = {name: self.begin(name, stores, got) for name in stores}
        self.world.run(2)
        for turn in range(60):
            self.step(dice, turn, current, stores, got, sent)
            self.world.run(dice.random() * 0.6)
        self.calm = True
        self.server.deliver = lambda peer, event: [0]
        self.server.cut()
        self.world.run(120)
        said = self.server.texts(self.talk)
        self.assertEqual(got["alice"], said)
        self.assertEqual(got["bob"], said)
        for user_id, texts in sent.items():
            by_user = [e.content.text.text for e in self.server.streams[self.talk].events if e.sender_id == user_id]
            self.assertEqual(by_user, texts)
        self.assertGreater(len(said), 20)
        self.assertTrue(all(not store.saved.outbox for store in stores.values()))

    def begin(self, name, stores, got):
        user = self.user(name, store=stores[name])
        user.got = None
        seen = got[name]

        async def take(turn):
            seen.append(turn.event.content.text)

        user.handle_into(take)
        return user

    def step(self, dice, turn, current, stores, got, sent):
        name, user_id = dice.choice((("alice", 1), ("bob", 2)))
        action = dice.random()
        if action < 0.6:
            for _ in range(dice.randrange(1, 4)):
                value = f"{name} {turn} {len(sent[user_id])}"
                sent[user_id].append(value)
                current[name].client.send(self.talk, value).addErrback(lambda failure: failure.trap(Exception))
        elif action < 0.85:
            self.server.cut(user_id)
        else:
            stopped = current[name].client.stop()
            self.world.run(15)
            self.successResultOf(stopped)
            current[name] = self.begin(name, stores, got)

    def trouble(self, dice, peer, frame):
        if self.calm or dice.random() > 0.1:
            return False
        kind = frame.WhichOneof("body")
        if kind == "send_message":
            action = dice.randrange(3)
            if action == 0:
                peer.fail_send(frame, dice.choice(("unavailable", "rate_limited")), dice.choice((0, 200)))
                return True
            if action == 1:
                peer.on_send_message(frame)
            peer.abort()
            return True
        if kind in ("sync", "history", "hello"):
            peer.refuse(frame, dice.choice(("unavailable", "rate_limited")), dice.choice((0, 200)))
            return True
        return False
