"""What a node hosts, and what it does about events of which it did not hear."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.hosting import Hosting
from imchat.chat.logic.missing import EVENTS_AT_ONCE, PATIENCE, RETRY
from imchat.chat.logic.pushes import MAX_WAITING
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.chat.logic.sweep import HEADS_AT_ONCE, TICK, Sweep
from imchat.domain.content import ContentKind, ConversationAdded
from imchat.domain.errors import Unavailable
from imchat.domain.models import ConversationKind, Event, HostedStream, Member, Membership
from imchat.net.background import spawn
from imchat.net.content import WireContentCodec
from imchat.ports import EventsAppended
from tests.fakes.chat import MemoryStreams, RecordingBus, membership
from tests.fakes.chat_rig import SendRig

TALK, GROUP = 100, 200
ANN, BOB, CAT = 1, 2, 3
INTERVAL = 60.0


def event(stream_id: int, seq: int) -> Event:
    return Event(stream_id, seq, 9, b"%d" % seq, 1, b"", seq, seq)


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        group = membership(GROUP, ANN, BOB, CAT, kind=ConversationKind.GROUP)
        # Cat came later.
        members = {**group.members, CAT: Member(CAT, 0, 3)}
        self.streams = MemoryStreams(membership(TALK, ANN, BOB), replace(group, members=members))
        self.rig = SendRig(self.streams)
        self.checks = 0
        self.held: Deferred[None] | None = None
        rig = self.rig
        self.sweep = Sweep(rig.bus, rig.hosting, rig.missing, self.revalidate, rig.clock, INTERVAL, spawn)
        self.sweep.start()
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self.observe)
        self.addCleanup(globalLogPublisher.removeObserver, self.observe)

    def observe(self, line) -> None:
        if line.get("what") == "the database":
            self.lines.append(line["log_level"].name)

    async def revalidate(self) -> None:
        self.checks += 1
        if self.held is not None:
            await self.held

    def put(self, stream_id: int, *seqs: int) -> None:
        for seq in seqs:
            self.streams.put(event(stream_id, seq))

    def hear(self, channel: str, stream_id: int, *seqs: int) -> None:
        notice = EventsAppended(stream_id, 1, tuple(event(stream_id, seq) for seq in seqs))
        self.rig.delivery.heard(channel, notice)

    def pushes(self, live, stream_id: int = TALK) -> list[object]:
        return [seq for stream, seq in live.connection.pushes() if stream == stream_id]

    def wait(self, seconds: float = PATIENCE) -> None:
        self.rig.clock.advance(seconds)
        self.rig.run()


class HostingTests(Case):
    def test_a_stream_is_hosted_as_long_as_somebody_hears_of_it(self) -> None:
        ann, bob = self.rig.join(ANN), self.rig.join(BOB)
        self.assertEqual({ANN, BOB, TALK, GROUP}, set(self.rig.hosting.stream_ids()))
        self.rig.leave(ann)
        self.assertEqual({BOB, TALK, GROUP}, set(self.rig.hosting.stream_ids()))
        self.rig.leave(bob)
        self.assertEqual([], self.rig.hosting.stream_ids())

    def test_a_second_device_costs_nothing_and_keeps_what_is_known(self) -> None:
        phone = self.rig.join(ANN)
        self.streams.failure = Unavailable("asked again")
        self.rig.join(ANN, "tablet")
        self.rig.leave(phone)
        self.assertEqual({ANN, TALK, GROUP}, set(self.rig.hosting.stream_ids()))

    def test_the_channel_of_a_group_is_heard_from_the_first_member_to_the_last(self) -> None:
        ann, bob = self.rig.join(ANN), self.rig.join(BOB)
        self.rig.leave(ann)
        self.assertEqual({"conversation:200"}, self.rig.bus.channels)
        self.rig.leave(bob)
        self.assertEqual(set(), self.rig.bus.channels)
        self.assertEqual(1, self.rig.bus.calls.count(("subscribe", "conversation:200")))

    def test_each_device_waits_until_the_groups_are_heard(self) -> None:
        self.rig.bus.held = []
        results: list[object] = []
        for _ in range(2):
            self.rig.hosting.hold(ANN)
            Deferred.fromCoroutine(self.rig.hosting.load(ANN)).addBoth(results.append)
        self.assertEqual([], results)
        (held,) = self.rig.bus.held
        held.callback(None)
        self.assertEqual([None, None], results)

    def test_who_leaves_while_it_is_read_leaves_nothing(self) -> None:
        bus, held = RecordingBus(), Deferred()

        class Slow(MemoryStreams):
            async def hosted(self, user_id: int) -> list[HostedStream]:
                await held
                return await super().hosted(user_id)

        hosting = Hosting(Slow(membership(TALK, ANN, BOB)), Subscriptions(bus, spawn))
        hosting.hold(ANN)
        spawn("loading", hosting.load(ANN))
        hosting.release(ANN)
        held.callback(None)
        self.assertEqual([], hosting.stream_ids())

    def test_a_store_that_is_away_is_told_and_asked_again_by_the_next(self) -> None:
        self.streams.failure = Unavailable("gone")
        self.rig.hosting.hold(ANN)
        self.failureResultOf(Deferred.fromCoroutine(self.rig.hosting.load(ANN)), Unavailable)
        self.streams.failure = None
        self.successResultOf(Deferred.fromCoroutine(self.rig.hosting.load(ANN)))
        self.assertTrue(self.rig.hosting.loaded(ANN))

    def test_who_comes_finds_out_what_those_who_are_here_did_not_hear(self) -> None:
        ann = self.rig.join(ANN)
        self.put(TALK, 1)
        self.rig.join(BOB)
        self.wait()
        self.assertEqual([1], self.pushes(ann))

    def test_being_added_to_a_group_hosts_it_from_there_on(self) -> None:
        dan = self.rig.join(4)
        found = self.streams.memberships[GROUP]
        self.put(GROUP, 1, 2, 3, 4)
        found.members[4] = Member(4, 0, 4)
        content = ConversationAdded(GROUP, ConversationKind.GROUP, (ANN, BOB))
        added = Event(4, 1, 0, b"added", int(ContentKind.CONVERSATION_ADDED), WireContentCodec().encode(content), 0, 1)
        self.streams.put(added)
        self.rig.delivery.private([added])
        self.assertEqual({"conversation:200"}, self.rig.bus.channels)
        self.wait()
        self.assertEqual([4], self.pushes(dan, GROUP))


class OrderTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ann, self.bob = self.rig.join(ANN), self.rig.join(BOB)

    def test_one_that_comes_by_itself_is_not_fetched(self) -> None:
        self.put(TALK, 1, 2, 3)
        self.hear("user:1", TALK, 2, 3)
        self.assertEqual([], self.pushes(self.ann))
        self.hear("user:1", TALK, 1)
        self.assertEqual([1, 2, 3], self.pushes(self.ann))
        self.wait()
        self.assertEqual([], self.streams.reads)

    def test_one_that_does_not_is_fetched_once_for_all(self) -> None:
        self.put(TALK, 1, 2, 3)
        self.hear("user:1", TALK, 2)
        self.hear("user:2", TALK, 2)
        self.wait(PATIENCE - 0.01)
        self.hear("user:1", TALK, 3)
        self.assertEqual([], self.streams.reads)
        self.wait(0.01)
        self.assertEqual(1, len(self.streams.reads))
        self.assertEqual([[1, 2, 3]] * 2, [self.pushes(self.ann), self.pushes(self.bob)])

    def test_what_is_heard_while_it_is_read_is_pushed_once(self) -> None:
        self.streams.held_reads = []
        self.put(TALK, 1, 2)
        self.hear("user:1", TALK, 2)
        self.wait()
        self.hear("user:1", TALK, 1)
        self.put(TALK, 3)
        self.hear("user:1", TALK, 3)
        self.streams.held_reads.pop().callback(None)
        self.assertEqual([1, 2, 3], self.pushes(self.ann))

    def test_what_was_pushed_is_dropped_and_not_kept(self) -> None:
        self.put(TALK, 1, 2)
        self.hear("user:1", TALK, 1)
        self.hear("user:1", TALK, 2)
        self.hear("user:2", TALK, 1)
        self.rig.pushes.offer(event(TALK, 1), self.streams.memberships[TALK])
        self.assertEqual([1, 2], self.pushes(self.ann))
        self.assertEqual({}, self.rig.hosting.get(TALK).waiting)

    def test_what_waits_is_bounded_and_nothing_is_lost_by_it(self) -> None:
        last = MAX_WAITING + EVENTS_AT_ONCE
        self.put(TALK, *range(1, last + 1))
        self.hear("user:1", TALK, *range(2, last + 1))
        self.assertEqual(MAX_WAITING, len(self.rig.hosting.get(TALK).waiting))
        self.wait()
        self.assertEqual(list(range(1, last + 1)), self.pushes(self.ann))
        self.assertEqual({}, self.rig.hosting.get(TALK).waiting)

    def test_each_member_gets_what_they_may_see(self) -> None:
        cat = self.rig.join(CAT)
        self.put(GROUP, 1, 2, 3, 4)
        self.hear("conversation:200", GROUP, 4)
        self.wait()
        self.assertEqual([1, 2, 3, 4], self.pushes(self.ann, GROUP))
        self.assertEqual([3, 4], self.pushes(cat, GROUP))

    def test_what_nobody_here_may_see_is_passed_over(self) -> None:
        self.rig.leave(self.ann)
        self.rig.leave(self.bob)
        cat = self.rig.join(CAT)
        self.put(GROUP, 1, 2)
        self.hear("conversation:200", GROUP, 2)
        self.wait()
        self.assertEqual({}, self.rig.hosting.get(GROUP).waiting)
        self.put(GROUP, 3)
        self.hear("conversation:200", GROUP, 3)
        self.assertEqual([3], self.pushes(cat, GROUP))

    def test_a_group_of_which_nobody_here_is_a_member_any_more_is_not_asked_for_again(self) -> None:
        del self.streams.memberships[GROUP].members[ANN], self.streams.memberships[GROUP].members[BOB]
        self.put(GROUP, 1)
        self.rig.bus.suspected("any")
        self.wait()
        self.assertEqual(1, self.rig.hosting.get(GROUP).seq)
        self.assertEqual([], self.pushes(self.ann, GROUP))

    def test_who_left_while_it_was_read_and_came_back_gets_nothing_old(self) -> None:
        self.streams.held_reads = []
        self.put(BOB, 1, 2)
        self.hear("user:2", BOB, 2)
        self.wait()
        self.rig.leave(self.bob)
        bob = self.rig.join(BOB)
        self.streams.held_reads.pop().callback(None)
        self.assertEqual([], self.pushes(bob, BOB))

    def test_a_store_that_is_away_is_asked_again_and_tells_that_itself(self) -> None:
        self.streams.failure = Unavailable("gone")
        self.put(TALK, 1, 2)
        self.hear("user:1", TALK, 2)
        for _ in range(5):
            self.wait(1)
        self.streams.failure = None
        self.wait(RETRY)
        self.assertEqual([1, 2], self.pushes(self.ann))
        self.assertEqual([], self.lines)


class SweepTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ann = self.rig.join(ANN)

    def test_all_within_its_interval(self) -> None:
        self.put(TALK, 1)
        for _ in range(int((INTERVAL + 1) / 0.5)):
            self.wait(0.5)
        self.assertEqual([1], self.pushes(self.ann))
        self.assertEqual((1, 1), (len(self.streams.asked), self.checks))

    def test_at_once_on_suspicion_and_every_few_seconds_while_it_lasts(self) -> None:
        self.rig.bus.suspected("the heartbeat of another node is missing")
        self.assertEqual((1, 1), (len(self.streams.asked), self.checks))
        self.rig.bus.suspect = True
        for looks in (2, 3):
            self.wait(TICK)
            self.assertEqual(looks, len(self.streams.asked))
        self.rig.bus.suspect = False
        self.wait(TICK)
        self.assertEqual((3, 3), (len(self.streams.asked), self.checks))

    def test_at_most_so_many_heads_at_a_time(self) -> None:
        for stream_id in range(1_000, 2_200):
            self.streams.memberships[stream_id] = membership(stream_id, CAT, ANN)
        self.rig.join(CAT)
        self.rig.bus.suspected("any")
        self.assertEqual([HEADS_AT_ONCE, 1_204 - HEADS_AT_ONCE], [len(ids) for ids in self.streams.asked])

    def test_one_at_a_time_and_once_more_if_suspected_meanwhile(self) -> None:
        self.held = Deferred()
        for _ in range(3):
            self.rig.bus.suspected("any")
        self.assertEqual(1, self.checks)
        held, self.held = self.held, None
        held.callback(None)
        self.assertEqual(2, self.checks)

    def test_what_is_on_its_way_is_not_fetched(self) -> None:
        self.put(TALK, 1)
        self.rig.bus.suspected("any")
        self.hear("user:1", TALK, 1)
        self.wait()
        self.assertEqual([1], self.pushes(self.ann))
        self.assertEqual([], self.streams.reads)

    def test_a_store_that_is_away_ends_nothing_and_tells_that_itself(self) -> None:
        self.streams.failure = Unavailable("gone")
        self.put(TALK, 1)
        self.rig.bus.suspected("any")
        for _ in range(5):
            self.wait(TICK)
        self.streams.failure = None
        self.wait(TICK)
        self.wait()
        self.assertEqual([1], self.pushes(self.ann))
        self.assertEqual([], self.lines)

    def test_a_membership_that_is_out_of_date_is_read_again(self) -> None:
        self.rig.memberships.put(Membership(TALK, ConversationKind.DIRECT, 0, {}))
        self.put(TALK, 1)
        self.rig.bus.suspected("any")
        self.assertIsNone(self.rig.memberships.get(TALK))

    def test_a_node_that_ends_looks_no_more(self) -> None:
        self.put(TALK, 1)
        self.rig.bus.suspected("any")
        self.sweep.stop()
        self.rig.bus.suspected("any")
        self.wait(INTERVAL)
        self.assertEqual((1, []), (len(self.streams.asked), self.streams.reads))
        self.assertEqual([], self.rig.clock.getDelayedCalls())
