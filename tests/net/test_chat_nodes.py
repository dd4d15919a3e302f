"""Chat nodes among others whose bus loses notices: everything arrives nevertheless, once and in order."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.missing import PATIENCE
from imchat.ports import EventsAppended, Notice
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, WireClient
from tests.fakes.stores import full_disk


def lost_once(matches: Callable[[Notice], bool]) -> Callable[[str, Notice], bool]:
    """Lose the events that match."""

    def lose(channel: str, notice: Notice) -> bool:
        return isinstance(notice, EventsAppended) and matches(notice)

    return lose


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig()
        self.other = self.rig.make_node("node-2")
        self.ann = self.rig.client("ann")
        self.bob = self.rig.client("bob", node=self.other)
        self.talk = self.rig.talk(self.ann, "bob")
        self.bob.take()
        self.count = 0

    def say(self, text: str, client: WireClient | None = None, talk: int | None = None) -> None:
        self.count += 1
        answer = (client or self.ann).say(talk or self.talk, text, self.count)
        self.assertEqual("accepted", answer.WhichOneof("body"))

    def elapse(self, seconds: float) -> None:
        """Time passes, in which each client says that it is there."""
        left = seconds
        while left > 0:
            self.rig.clock.advance(min(left, 0.5))
            left -= 0.5
            if int(left * 2) % 40 == 0:
                for client in (self.ann, self.bob):
                    client.send(request_id=0, pong=pb.Pong())
        self.rig.run()

    def heard(self, client: WireClient | None = None) -> list[str]:
        frames = (client or self.bob).take()
        return [frame.event.content.text.text for frame in frames if frame.WhichOneof("body") == "event"]


class LossTests(Case):
    def test_the_very_last_message_arrives_within_a_minute(self) -> None:
        self.rig.hub.lose = True
        self.say("one")
        self.rig.hub.lose = False
        self.elapse(1)
        self.assertEqual([], self.heard())
        self.elapse(60)
        self.assertEqual(["one"], self.heard())
        self.elapse(120)
        self.assertEqual([], self.heard())

    def test_and_at_once_on_suspicion(self) -> None:
        self.rig.hub.lose = True
        self.say("one")
        self.say("two")
        self.rig.hub.lose = False
        self.rig.hub.suspect("the heartbeat of node-1 is missing")
        self.elapse(PATIENCE)
        self.assertEqual(["one", "two"], self.heard())

    def test_while_the_bus_is_away_messages_arrive_within_seconds_and_after_that_at_once(self) -> None:
        self.rig.hub.go_away()
        for text in ("one", "two"):
            self.say(text)
            self.elapse(3.5)
            self.assertEqual([text], self.heard())
        self.say("three")
        self.rig.hub.come_back()
        self.say("four")
        self.elapse(PATIENCE)
        self.say("five")
        self.assertEqual(["three", "four", "five"], self.heard())
        self.elapse(120)
        self.assertEqual([], self.heard())

    def test_what_comes_before_a_missing_one_waits_for_it(self) -> None:
        self.rig.hub.lose = lost_once(lambda notice: notice.events[0].seq == 2)
        for text in ("one", "two", "three"):
            self.say(text)
        self.assertEqual(["one"], self.heard())
        self.elapse(PATIENCE)
        self.assertEqual(["two", "three"], self.heard())

    def test_own_messages_too_wait_for_one_of_another_node(self) -> None:
        tablet = self.rig.client("bob", "tablet", node=self.other)
        self.rig.hub.lose = lost_once(lambda notice: notice.events[0].seq == 1)
        self.say("one")
        self.say("two", self.bob)
        self.assertEqual([], self.heard(tablet))
        self.elapse(PATIENCE)
        self.assertEqual(["one", "two"], self.heard(tablet))
        # The one that sent it got its acknowledgement.
        self.assertEqual(["one"], self.heard(self.bob))

    def test_a_new_conversation_of_which_nothing_was_heard(self) -> None:
        cat = self.rig.client("cat")
        self.rig.hub.lose = True
        talk = self.rig.talk(cat, "bob")
        self.say("one", cat, talk)
        self.rig.hub.lose = False
        self.rig.hub.suspect("the subscription was made anew")
        self.elapse(1)
        self.assertEqual(["", "one"], self.heard())

    def test_a_new_conversation_of_which_only_the_last_message_was_heard(self) -> None:
        cat = self.rig.client("cat")
        self.rig.hub.lose = True
        talk = self.rig.talk(cat, "bob")
        self.say("one", cat, talk)
        self.rig.hub.lose = False
        self.say("two", cat, talk)
        self.elapse(PATIENCE)
        self.assertEqual(["one", "two"], self.heard())

    def test_a_new_conversation_of_which_nothing_was_heard_and_whose_other_member_comes_to_this_node(self) -> None:
        cat = self.rig.client("cat")
        self.rig.hub.lose = True
        talk = self.rig.talk(cat, "bob")
        self.say("one", cat, talk)
        # Who comes reads by themselves what was said before; Bob, who is here, does not know that there is anything.
        self.rig.client("cat", "tablet", node=self.other)
        self.rig.hub.lose = False
        self.rig.hub.suspect("node-1 is gone")
        self.elapse(1)
        frames = self.bob.take()
        self.assertIn((talk, 1), [(f.stream_at.stream_id, f.stream_at.last_seq) for f in frames])

    def test_a_database_that_is_away_meanwhile(self) -> None:
        self.rig.hub.lose = True
        self.say("one")
        self.rig.hub.lose = False
        self.rig.database.pool.before.extend([full_disk()] * 4)
        self.rig.hub.suspect("the heartbeat of node-1 is missing")
        self.elapse(7)
        self.assertEqual(["one"], self.heard())

    def test_who_comes_later_gets_what_comes_then(self) -> None:
        self.say("one")
        self.heard()
        tablet = self.rig.client("bob", "tablet", node=self.other)
        self.rig.hub.lose = True
        self.say("two")
        self.rig.hub.lose = False
        self.rig.hub.suspect("node-1 failed to publish")
        self.elapse(PATIENCE)
        self.assertEqual((["two"], ["two"]), (self.heard(), self.heard(tablet)))


class SessionTests(Case):
    def test_a_replacement_of_which_nothing_was_heard_is_found_on_suspicion(self) -> None:
        token = self.rig.login("ann", "laptop")
        old, new = self.rig.connect(), self.rig.connect(node=self.other)
        old.hello(token, "laptop")
        self.rig.hub.lose = True
        new.hello(token, "laptop")
        self.rig.hub.lose = False
        self.assertFalse(old.lost)
        self.rig.hub.suspect("the heartbeat of node-2 is missing")
        self.rig.run()
        self.assertEqual("replaced", old.take()[-1].goodbye.code)
        self.assertFalse(new.lost)
        self.assertFalse(self.ann.lost)
