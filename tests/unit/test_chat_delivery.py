"""Delivery: who gets what, once encoded, in order; and what other nodes are told and tell."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.members import Memberships
from imchat.chat.settings import ChatSettings
from imchat.domain.errors import Unavailable
from imchat.domain.models import ConversationKind, Event, Member, Membership
from imchat.ports import EventsAppended
from tests.fakes.chat import MemoryStreams, TurnClock, membership
from tests.fakes.chat_rig import SendRig

TALK, GROUP = 100, 200
ANN, BOB, CAT = 1, 2, 3


def event(stream_id: int, seq: int) -> Event:
    return Event(stream_id, seq, 9, b"", 1, b"", seq, seq)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.group = membership(GROUP, ANN, BOB, CAT, kind=ConversationKind.GROUP)
        self.streams = MemoryStreams(membership(TALK, ANN, BOB), self.group)
        self.rig = SendRig(self.streams, ChatSettings(fan_out=3))
        self.ann, self.bob, self.cat = (self.rig.join(user_id) for user_id in (ANN, BOB, CAT))

    def pushes(self, live):
        return live.connection.pushes()

    def pushed_up_to(self, **seqs: int) -> None:
        """So far the streams were pushed here."""
        for name, seq in seqs.items():
            self.rig.hosting.get({"ann": ANN, "bob": BOB, "talk": TALK, "group": GROUP}[name]).seq = seq


class TargetTests(Case):
    def test_who_came_after_a_message_is_not_shown_it_with_what_is_about_it(self) -> None:
        group = Membership(GROUP, ConversationKind.GROUP, 1, {n: Member(n, 0, first) for n, first in ((1, 1), (2, 3))})
        self.rig.hosting.add(BOB, GROUP, 3, ConversationKind.GROUP)
        self.pushed_up_to(group=3)
        target = event(GROUP, 2)
        self.rig.pushes.offer(replace(event(GROUP, 4), kind=33, target=target, target_seq=2), group)
        self.rig.pushes.offer(replace(event(GROUP, 5), quote=event(GROUP, 3), target_seq=3), group)
        encoded = {(one.seq, one.target is not None, one.quote is not None) for one in self.rig.encoded}
        self.assertEqual({(4, False, False), (4, True, False), (5, False, True)}, encoded)
        self.assertEqual([(GROUP, 4), (GROUP, 5)], self.pushes(self.ann))
        self.assertEqual([(GROUP, 4), (GROUP, 5)], self.pushes(self.bob))


class PushTests(Case):
    def test_every_device_but_the_one_that_sent_and_encoded_once(self) -> None:
        tablets = [self.rig.join(ANN, "tablet"), self.rig.join(BOB, "tablet")]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual([], self.pushes(self.ann))
        self.assertEqual([], self.pushes(self.cat))
        for live in (self.bob, *tablets):
            self.assertEqual([(TALK, 1)], self.pushes(live))
        self.assertEqual(1, len(self.rig.encoded))

    def test_nothing_is_encoded_for_nobody(self) -> None:
        self.rig.leave(self.bob)
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual([], self.rig.encoded)

    def test_acknowledgements_come_before_pushes(self) -> None:
        order: list[str] = []
        self.ann.connection.accepted = lambda *_: order.append("accepted")
        self.bob.connection.push = lambda *_: order.append("push")
        for number in (1, 2):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        self.assertEqual(["accepted", "accepted", "push", "push"], order)

    def test_a_member_who_joined_later_gets_nothing_from_before(self) -> None:
        members = {ANN: Member(ANN, 0, 1), BOB: Member(BOB, 0, 5)}
        found = Membership(GROUP, ConversationKind.GROUP, 1, members)
        for seq in (4, 5):
            self.rig.fan_out.to_members(event(GROUP, seq), found)
        self.assertEqual([(GROUP, 4), (GROUP, 5)], self.pushes(self.ann))
        self.assertEqual([(GROUP, 5)], self.pushes(self.bob))

    def test_a_resend_is_pushed_again_only_where_it_may_be_missing(self) -> None:
        other = SendRig(self.streams)
        bob, ann = other.join(BOB), other.join(ANN)
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual([(TALK, 1)], self.pushes(self.bob))
        # Another node stored it and died before it told anybody.
        other.send(ann, TALK, 1)
        other.run()
        self.assertEqual([(TALK, 1)], self.pushes(bob))
        self.assertEqual(["user:1", "user:2"], [channel for channel, _ in other.bus.published])

    def test_what_was_changed_before_it_was_pushed_is_read_by_each_for_themselves(self) -> None:
        # Which reactions are one's own a push to all could not say.
        self.rig.fan_out.to_members(replace(event(GROUP, 4), changed_seq=6), self.group, skip=(self.cat,))
        self.rig.fan_out.to_members(event(GROUP, 5), self.group)
        self.assertEqual([("behind", GROUP, 4), ("push", GROUP, 5)], self.bob.connection.told)
        self.assertEqual([("push", GROUP, 5)], self.cat.connection.told)
        self.assertEqual([5], [one.seq for one in self.rig.encoded])


class LargeFanOutTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.members = {user_id: Member(user_id, 0, 1) for user_id in range(1, 11)}
        self.crowd = Membership(300, ConversationKind.GROUP, 1, self.members)
        self.lives = [self.ann, self.bob, self.cat, *(self.rig.join(user_id) for user_id in range(4, 11))]

    def got(self, stream_id: int = 300) -> int:
        return sum(stream == stream_id for live in self.lives for stream, _ in self.pushes(live))

    def test_it_is_cut_over_turns(self) -> None:
        clock = self.rig.fan_out._clock = TurnClock()
        self.rig.fan_out.to_members(event(300, 1), self.crowd)
        counts = []
        for _ in range(5):
            clock.turn()
            counts.append(self.got())
        self.assertEqual([3, 6, 9, 10, 10], counts)
        self.assertEqual(1, len(self.rig.encoded))
        self.assertTrue(self.rig.fan_out.work.idle().called)

    def test_pushes_of_a_stream_stay_in_order_and_others_do_not_wait(self) -> None:
        small = Membership(300, ConversationKind.GROUP, 2, {10: Member(10, 0, 1)})
        self.rig.fan_out.to_members(event(300, 1), self.crowd)
        self.rig.fan_out.to_members(event(300, 2), small)
        self.rig.fan_out.to_members(event(TALK, 1), membership(TALK, ANN, BOB))
        self.assertEqual([(TALK, 1)], self.pushes(self.bob))
        self.assertFalse(self.rig.fan_out.work.idle().called)
        self.rig.run()
        self.assertEqual([(300, 1), (300, 2)], self.pushes(self.lives[-1]))

    def test_who_leaves_meanwhile_is_left_out(self) -> None:
        self.rig.fan_out.to_members(event(300, 1), self.crowd)
        self.rig.leave(self.lives[-1])
        self.rig.run()
        self.assertEqual([], self.pushes(self.lives[-1]))
        self.assertEqual(9, self.got())


class PublishTests(Case):
    def test_one_publication_for_a_flush_with_the_channels_of_those_concerned(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.cat, GROUP, 2)
        self.rig.send(self.bob, TALK, 3)
        self.rig.run()
        self.assertEqual(1, self.rig.bus.publications)
        seqs = {channel: [e.seq for e in notice.events] for channel, notice in self.rig.bus.published}
        self.assertEqual({"user:1": [1, 2], "user:2": [1, 2], "conversation:200": [1]}, seqs)
        self.assertEqual({1}, {notice.member_version for _, notice in self.rig.bus.published})

    def test_both_sides_channels_get_the_same_notice_which_the_bus_serialises_once(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        (_, one), (_, other) = self.rig.bus.published
        self.assertIs(one, other)

    def test_a_bus_that_is_away_costs_no_message_and_no_traceback(self) -> None:
        self.rig.bus.failure = Unavailable("gone")
        for number in (1, 2):
            self.rig.send(self.ann, TALK, number)
            self.rig.run()
        self.assertEqual([(TALK, 1), (TALK, 2)], self.pushes(self.bob))
        self.assertEqual([], self.flushLoggedErrors())
        self.assertTrue(self.rig.delivery.work.idle().called)

    def test_a_membership_that_was_forgotten_meanwhile_is_read_again(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.streams.hold()
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.rig.memberships.drop(TALK)
        self.streams.step()
        self.assertEqual([(TALK, 1), (TALK, 2)], self.pushes(self.bob))

    def test_private_events_go_to_that_users_devices(self) -> None:
        self.pushed_up_to(ann=3, bob=6)
        self.rig.delivery.private([event(ANN, 4), event(BOB, 7)])
        self.assertEqual([[(ANN, 4)], [(BOB, 7)], []], [self.pushes(live) for live in (self.ann, self.bob, self.cat)])
        self.assertEqual(["user:1", "user:2"], [channel for channel, _ in self.rig.bus.published])


class HeardTests(Case):
    def hear(self, channel: str, stream_id: int, version: int, *seqs: int) -> None:
        notice = EventsAppended(stream_id, version, tuple(event(stream_id, seq) for seq in seqs))
        self.rig.delivery.heard(channel, notice)

    def test_what_one_sides_channel_tells_reaches_both_and_the_others_nothing_more(self) -> None:
        # The other side's notice may be lost alone.
        self.hear("user:2", TALK, 1, 1)
        self.assertEqual([[(TALK, 1)], [(TALK, 1)]], [self.pushes(self.ann), self.pushes(self.bob)])
        self.hear("user:1", TALK, 1, 1)
        self.assertEqual([[(TALK, 1)], [(TALK, 1)]], [self.pushes(self.ann), self.pushes(self.bob)])
        self.assertEqual([], self.rig.bus.published)

    def test_a_private_event_is_its_owners_alone(self) -> None:
        self.hear("user:2", BOB, 0, 1)
        self.assertEqual([[], [(BOB, 1)]], [self.pushes(self.ann), self.pushes(self.bob)])

    def test_a_newer_version_makes_the_old_membership_void(self) -> None:
        self.rig.memberships.put(membership(TALK, ANN, BOB))
        self.streams.memberships[TALK] = membership(TALK, ANN, BOB, version=2)
        self.hear("user:2", TALK, 2, 1)
        self.assertEqual(2, self.rig.memberships.get(TALK).version)

    def test_a_group_whose_members_changed_is_read_before_anything_is_pushed(self) -> None:
        self.pushed_up_to(group=4)
        self.rig.memberships.put(self.group)
        self.streams.memberships[GROUP] = membership(GROUP, ANN, CAT, kind=ConversationKind.GROUP, version=2)
        self.hear("conversation:200", GROUP, 2, 5, 6)
        self.assertEqual([], self.pushes(self.bob))
        self.assertEqual([(GROUP, 5), (GROUP, 6)], self.pushes(self.ann))

    def test_what_comes_while_members_are_read_waits_its_turn(self) -> None:
        held = []

        async def load(conversation_id: int):
            held.append(Deferred())
            await held[-1]
            found = self.streams.memberships[conversation_id]
            self.rig.memberships.put(found)
            return found

        self.pushed_up_to(group=4)
        self.rig.memberships.load = load
        self.hear("conversation:200", GROUP, 1, 5)
        self.hear("conversation:200", GROUP, 1, 6)
        # A change that was not there when the members were read: they are read once more.
        self.hear("conversation:200", GROUP, 3, 7)
        self.hear("conversation:200", GROUP, 3, 8)
        held[0].callback(None)
        self.assertEqual([(GROUP, 5), (GROUP, 6)], self.pushes(self.ann))
        self.streams.memberships[GROUP] = membership(GROUP, ANN, kind=ConversationKind.GROUP, version=3)
        held[1].callback(None)
        self.assertEqual([(GROUP, 5), (GROUP, 6), (GROUP, 7), (GROUP, 8)], self.pushes(self.ann))
        self.assertEqual([(GROUP, 5), (GROUP, 6)], self.pushes(self.bob))
        self.hear("conversation:200", GROUP, 3, 9)
        self.assertEqual((GROUP, 9), self.pushes(self.ann)[-1])


class MemoryTests(SynchronousTestCase):
    def test_memberships_are_bounded_by_their_members_and_never_go_back(self) -> None:
        kept = Memberships(MemoryStreams(), 8)
        kept.put(membership(1, ANN, BOB))
        kept.put(membership(2, ANN, BOB, version=3))
        kept.put(membership(2, ANN, version=2))
        self.assertEqual(3, kept.get(2).version)
        kept.put(membership(3, ANN, BOB))
        self.assertIsNone(kept.get(1))
        self.assertIsNotNone(kept.get(3))
