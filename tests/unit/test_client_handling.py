"""Handlers and their replies: each event handled once, its replies sent once; and all of it at random."""

import random

from twisted.internet.defer import Deferred

from imchat.client.state import MemoryState
from imchat.client.turn import reply_id
from imchat.domain.content import Text
from tests.fakes.client_world import ClientCase


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
