"""Sending: group commit, the resend rule, the order rule, limits and bounds."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.connection import Hold
from imchat.chat.logic.order import MAX_BLOCKS
from imchat.chat.logic.storing import MAX_CONTENDED, MAX_FAULTS
from imchat.chat.settings import ChatSettings
from imchat.domain.content import Edited, Text
from imchat.domain.errors import Contended, InvalidRequest, NotFound, Unavailable
from imchat.domain.limits import Limit
from imchat.domain.rates import SESSION_RATES
from tests.fakes.chat import MemoryStreams, membership, turns
from tests.fakes.chat_rig import SendRig, message_id

TALK, OTHER = 100, 101
ANN, BOB, EVE = 1, 2, 3


class Case(SynchronousTestCase):
    settings = ChatSettings()

    def setUp(self) -> None:
        self.streams = MemoryStreams(membership(TALK, ANN, BOB), membership(OTHER, ANN, BOB))
        self.rig = SendRig(self.streams, self.settings)
        self.ann = self.rig.join(ANN)

    def said(self, live=None):
        return (live or self.ann).connection.answers()


class GroupCommitTests(Case):
    def test_what_arrives_in_one_turn_is_one_flush(self) -> None:
        for number in (1, 2, 3):
            self.rig.send(self.ann, TALK, number)
        self.assertEqual([], self.streams.flushes)
        self.rig.run()
        self.assertEqual([3], [len(flush) for flush in self.streams.flushes])
        self.assertEqual({1: ("accepted", 1), 2: ("accepted", 2), 3: ("accepted", 3)}, self.said())

    def test_what_arrives_during_a_flush_is_the_next_one(self) -> None:
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        for number in (2, 3):
            self.rig.send(self.ann, TALK, number)
            self.rig.run()
        self.assertEqual(1, len(self.streams.flushes))
        self.streams.step()
        # The next flush is under way before anybody does anything, and no timer is.
        self.assertEqual([1, 2], [len(flush) for flush in self.streams.flushes])
        self.assertEqual([], self.rig.clock.getDelayedCalls())
        self.assertEqual({1: ("accepted", 1)}, self.said())
        self.streams.step()
        self.assertEqual({1: ("accepted", 1), 2: ("accepted", 2), 3: ("accepted", 3)}, self.said())

    def test_the_next_flush_is_under_way_before_the_last_one_is_acknowledged(self) -> None:
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 2)
        under_way: list[int] = []
        self.ann.connection.accepted = lambda *_: under_way.append(len(self.streams.flushes))
        self.streams.step()
        self.assertEqual([2], under_way)

    def test_nothing_is_acknowledged_before_it_is_stored(self) -> None:
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual({}, self.said())

    def test_a_store_that_answers_at_once_does_not_turn_acknowledgements_round(self) -> None:
        self.rig = SendRig(self.streams, ChatSettings(flush_drafts=1))
        self.ann = self.rig.join(ANN)
        for number in (1, 2, 3):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        self.assertEqual([1, 2, 3], [entry[1] for entry in self.ann.connection.told])

    def test_the_outcome_for_a_connection_that_is_gone_disturbs_nobody(self) -> None:
        bob = self.rig.join(BOB)
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(bob, TALK, 2)
        self.rig.run()
        self.rig.leave(self.ann)
        self.streams.step()
        self.assertEqual({2: ("accepted", 2)}, self.said(bob))
        self.assertEqual(["m1", "m2"], self.rig.texts(TALK))

    def test_a_connection_that_cannot_be_answered_disturbs_nobody(self) -> None:
        bob = self.rig.join(BOB)
        self.ann.connection.accepted = lambda *_: 1 / 0
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(bob, TALK, 2)
        self.rig.run()
        self.assertEqual({2: ("accepted", 2)}, self.said(bob))
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))


class BoundTests(Case):
    settings = ChatSettings(flush_drafts=4, flush_streams=2, flush_bytes=200, max_pending=10, max_pending_bytes=2_000)

    def test_a_flush_has_a_bounded_number_of_messages(self) -> None:
        for number in range(1, 10):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        self.assertEqual([4, 4, 1], [len(flush) for flush in self.streams.flushes])
        self.assertEqual([f"m{number}" for number in range(1, 10)], self.rig.texts(TALK))

    def test_and_of_streams(self) -> None:
        for number, stream in enumerate((TALK, OTHER, TALK, 102, 103), 1):
            self.rig.send(self.ann, stream, number)
        self.rig.run()
        self.assertEqual([3, 2], [len(flush) for flush in self.streams.flushes])

    def test_an_edit_weighs_what_it_puts_in_place(self) -> None:
        for number in (1, 2):
            edit, text = Edited(number), Text("x" * 150)
            self.rig.sender.submit(self.ann, number, TALK, message_id(number), edit, None, text)
        self.rig.run()
        self.assertEqual([1, 1], [len(flush) for flush in self.streams.flushes])

    def test_and_of_bytes_but_one_message_always_goes(self) -> None:
        for number in (1, 2, 3):
            self.rig.send(self.ann, TALK, number, "x" * 150)
        self.rig.send(self.ann, TALK, 4, "x" * 1_000)
        self.rig.run()
        self.assertEqual([1, 1, 1, 1], [len(flush) for flush in self.streams.flushes])

    def test_who_sends_more_than_can_wait_is_not_read_from_until_there_is_room(self) -> None:
        bob = self.rig.join(BOB)
        self.streams.hold()
        self.rig.send(bob, TALK, 99)
        self.rig.run()
        for number in range(1, 11):
            self.assertEqual(set(), self.ann.connection.holds)
            self.rig.send(self.ann, TALK, number)
        self.assertEqual({Hold.PENDING}, self.ann.connection.holds)
        self.assertEqual(set(), bob.connection.holds)
        self.streams.step()
        self.assertEqual({Hold.PENDING}, self.ann.connection.holds)
        self.streams.step()
        self.assertEqual(set(), self.ann.connection.holds)

    def test_bytes_count_too(self) -> None:
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1, "x" * 1_000)
        self.assertEqual(set(), self.ann.connection.holds)
        self.rig.send(self.ann, TALK, 2, "x" * 1_000)
        self.assertEqual({Hold.PENDING}, self.ann.connection.holds)

    def test_whoever_is_held_is_let_go_when_all_that_waits_fails(self) -> None:
        self.streams.hold()
        self.streams.faults = [Unavailable("gone")]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        for number in range(2, 12):
            self.rig.send(self.ann, TALK, number)
        self.assertEqual({Hold.PENDING}, self.ann.connection.holds)
        self.streams.step()
        self.assertEqual({("refused", "unavailable")}, set(self.said().values()))
        self.assertEqual(set(), self.ann.connection.holds)


class ResendTests(Case):
    def test_a_stored_message_is_answered_with_its_place_and_stored_once(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual([("accepted", 1, 1, False), ("accepted", 1, 1, True)], self.ann.connection.told)
        self.assertEqual(["m1"], self.rig.texts(TALK))

    def test_one_that_waits_or_is_in_flight_joins_the_same_outcome(self) -> None:
        again = self.rig.join(ANN, "phone-again")
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(again, TALK, 1)
        self.rig.run()
        self.rig.send(again, TALK, 1)
        self.assertEqual(1, len(self.streams.flushes[0]))
        self.streams.step()
        self.rig.run()
        self.assertEqual({1: ("accepted", 1)}, self.said())
        self.assertEqual([("accepted", 1, 1, False)] * 2, again.connection.told)
        self.assertEqual(1, len(self.streams.flushes))

    def test_another_content_is_a_conflict_whether_stored_or_on_its_way(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.ann, TALK, 1, "other")
        self.assertEqual({1: ("refused", "conflict")}, self.said())
        self.rig.run()
        self.assertEqual({1: ("accepted", 1)}, self.said())
        self.rig.send(self.ann, TALK, 1, "other")
        self.rig.run()
        self.assertEqual({1: ("refused", "conflict")}, self.said())

    def test_the_same_id_in_another_conversation_or_of_another_user_is_another_message(self) -> None:
        bob = self.rig.join(BOB)
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.ann, OTHER, 1, "elsewhere")
        self.rig.send(bob, TALK, 1, "mine")
        self.rig.run()
        self.assertEqual(["m1", "mine"], self.rig.texts(TALK))
        self.assertEqual(["elsewhere"], self.rig.texts(OTHER))

    def test_who_was_removed_still_gets_the_answer_to_a_resend_but_sends_nothing_new(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.streams.memberships[TALK] = membership(TALK, BOB, version=2)
        self.rig.memberships.put(self.streams.memberships[TALK])
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.assertEqual({1: ("accepted", 1), 2: ("refused", "not_found")}, self.said())
        self.assertEqual(["m1"], self.rig.texts(TALK))

    def test_a_resend_is_answered_before_the_limit(self) -> None:
        self.rig = SendRig(self.streams, ChatSettings(limits=replace(SESSION_RATES, messages=Limit(1, 60_000))))
        ann = self.rig.join(ANN)
        self.rig.send(ann, TALK, 1)
        self.rig.run()
        self.rig.send(ann, TALK, 2)
        self.rig.send(ann, TALK, 1)
        self.rig.run()
        self.assertEqual({1: ("accepted", 1), 2: ("refused", "rate_limited")}, self.said(ann))

    def test_a_resend_is_answered_before_the_order_rule(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.streams.faults = [Unavailable("gone")]
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual({1: ("accepted", 1), 2: ("refused", "unavailable")}, self.said())


class PermissionTests(Case):
    def test_a_stranger_learns_nothing_with_a_cold_or_a_warm_cache(self) -> None:
        eve = self.rig.join(EVE)
        self.rig.send(eve, TALK, 1)
        self.rig.send(eve, 999, 2)
        self.rig.run()
        self.rig.send(self.ann, TALK, 3)
        self.rig.run()
        self.rig.send(eve, TALK, 4)
        self.rig.run()
        self.assertEqual({1: ("refused", "not_found"), 2: ("refused", "not_found"), 4: ("refused", "not_found")},
                         self.said(eve))  # fmt: skip
        self.assertEqual(["m3"], self.rig.texts(TALK))

    def test_a_membership_that_changed_elsewhere_counts(self) -> None:
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.streams.memberships[TALK] = membership(TALK, BOB, version=2)
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.assertEqual(("refused", "not_found"), self.said()[2])

    def test_a_cold_cache_is_warm_afterwards(self) -> None:
        for number in (1, 2):
            self.rig.send(self.ann, TALK, number)
            self.rig.run()
        self.assertEqual([-1, 1], [flush[0].member_version for flush in self.streams.flushes])

    def test_what_cannot_be_is_refused_at_once(self) -> None:
        submit = self.rig.sender.submit
        self.assertRaises(InvalidRequest, submit, self.ann, 1, TALK, b"short", Text("a"))
        self.assertRaises(InvalidRequest, submit, self.ann, 1, TALK, message_id(1), Text(""))
        for number in (0, 2**53, 2**64 - 1):
            self.assertRaises(NotFound, submit, self.ann, 1, number, message_id(1), Text("a"))
        self.rig.run()
        self.assertEqual([], self.streams.flushes)


class OrderTests(Case):
    def test_what_waits_behind_a_failed_message_fails_with_it(self) -> None:
        bob = self.rig.join(BOB)
        self.streams.hold()
        self.streams.faults = [Unavailable("gone", 700)]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 2)
        self.rig.send(self.ann, OTHER, 3)
        self.rig.send(bob, TALK, 4)
        self.streams.step()
        # The other conversation and the other sender are none of its business.
        self.streams.step()
        refused = ("refused", "unavailable")
        self.assertEqual({1: refused, 2: refused, 3: ("accepted", 1)}, self.said())
        self.assertEqual(700, self.ann.connection.errors[2].retry_after_ms)
        self.assertEqual({4: ("accepted", 1)}, self.said(bob))

    def test_what_comes_afterwards_is_refused_until_the_failed_one_comes(self) -> None:
        self.streams.faults = [Unavailable("gone")]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.assertEqual(("refused", "unavailable"), self.said()[2])
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.assertEqual({1: ("accepted", 1), 2: ("accepted", 2)}, self.said())
        self.assertEqual({}, self.ann.blocks)

    def test_a_message_over_the_limit_blocks_those_behind_it(self) -> None:
        self.rig = SendRig(self.streams, ChatSettings(limits=replace(SESSION_RATES, messages=Limit(2, 2_000))))
        ann = self.rig.join(ANN)
        for number in (1, 2, 3):
            self.rig.send(ann, TALK, number)
        self.rig.run()
        self.assertEqual(("refused", "rate_limited"), self.said(ann)[3])
        self.assertEqual(1_000, ann.connection.errors[3].retry_after_ms)
        self.rig.clock.advance(1)
        self.rig.send(ann, TALK, 4)
        self.rig.run()
        self.assertEqual(("refused", "rate_limited"), self.said(ann)[4])
        self.rig.send(ann, TALK, 3)
        self.rig.run()
        self.assertEqual(["m1", "m2", "m3"], self.rig.texts(TALK))

    def test_the_new_connection_of_a_device_keeps_the_order_of_its_resends(self) -> None:
        self.streams.hold()
        self.streams.faults = [Unavailable("gone")]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.leave(self.ann)
        again = self.rig.join(ANN)
        self.rig.send(again, TALK, 1)
        self.rig.send(again, TALK, 2)
        self.streams.step()
        self.assertEqual({1: ("refused", "unavailable"), 2: ("refused", "unavailable")}, self.said(again))
        self.assertEqual([], self.rig.texts(TALK))

    def test_what_a_connection_that_is_gone_left_behind_keeps_its_order_too(self) -> None:
        self.streams.hold()
        self.streams.faults = [Unavailable("gone")]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 2)
        self.rig.leave(self.ann)
        self.streams.step()
        self.rig.run()
        self.assertEqual([], self.rig.texts(TALK))

    def test_joining_one_that_is_refused_blocks_those_behind_it(self) -> None:
        self.rig = SendRig(self.streams, ChatSettings(limits=replace(SESSION_RATES, messages=Limit(1, 60_000))))
        ann = self.rig.join(ANN)
        self.rig.send(ann, TALK, 1)
        self.rig.send(ann, TALK, 2)
        again = self.rig.join(ANN, "phone-again")
        self.rig.send(again, TALK, 2)
        self.rig.send(again, TALK, 3)
        self.rig.run()
        self.assertEqual({2: ("refused", "rate_limited"), 3: ("refused", "rate_limited")}, self.said(again))
        self.assertEqual(["m1"], self.rig.texts(TALK))

    def test_joining_one_that_failed_while_its_flush_goes_on_blocks_those_behind_it(self) -> None:
        self.streams.contended, self.streams.contention = {TALK}, lambda: Contended("locked")
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.ann, OTHER, 2)
        self.rig.run()
        # The whole, then the first half: message 1 has failed, message 2 is being stored.
        self.streams.step()
        self.streams.step()
        self.streams.contention = None
        again = self.rig.join(ANN, "phone-again")
        self.rig.send(again, TALK, 1)
        self.rig.send(again, TALK, 3)
        while self.streams.waiting:
            self.streams.step()
        self.assertEqual({1: ("refused", "unavailable"), 3: ("refused", "unavailable")}, self.said(again))
        self.assertEqual([], self.rig.texts(TALK))

    def test_a_block_whose_message_was_stored_all_along_goes_over_to_the_next_one_refused(self) -> None:
        self.streams.faults = [None, ("after", Unavailable("lost the connection"))]
        self.rig = SendRig(self.streams, ChatSettings(limits=replace(SESSION_RATES, messages=Limit(2, 60_000))))
        ann = self.rig.join(ANN)
        self.rig.send(ann, OTHER, 1)
        self.rig.run()
        self.rig.send(ann, TALK, 2)
        self.rig.run()
        for number in (2, 3):
            self.rig.send(ann, TALK, number)
        self.rig.run()
        self.assertEqual(("accepted", 1), self.said(ann)[2])
        self.assertEqual(("refused", "rate_limited"), self.said(ann)[3])
        self.rig.clock.advance(60)
        self.rig.send(ann, TALK, 4)
        self.rig.run()
        self.assertEqual(("refused", "rate_limited"), self.said(ann)[4])
        self.rig.send(ann, TALK, 3)
        self.rig.send(ann, TALK, 4)
        self.rig.run()
        self.assertEqual(["m2", "m3", "m4"], self.rig.texts(TALK))

    def test_a_lasting_refusal_blocks_nothing(self) -> None:
        self.rig.send(self.ann, 999, 1)
        self.rig.send(self.ann, TALK, 2)
        self.rig.run()
        self.rig.send(self.ann, 999, 3)
        self.rig.run()
        self.assertEqual({1: ("refused", "not_found"), 2: ("accepted", 1), 3: ("refused", "not_found")}, self.said())
        self.assertEqual({}, self.ann.blocks)

    def test_blocks_do_not_grow_without_end(self) -> None:
        self.rig = SendRig(
            self.streams,
            ChatSettings(limits=replace(SESSION_RATES, messages=Limit(1, 10**9), frames=Limit(10_000, 1_000))),
        )
        ann = self.rig.join(ANN)
        for number in range(1, MAX_BLOCKS + 2):
            self.assertIsNone(ann.connection.ended)
            self.rig.send(ann, 1_000 + number, number)
        self.rig.send(ann, 5_000, 5_000)
        self.assertEqual("rate_limited", ann.connection.ended)


class FaultTests(Case):
    def test_one_bad_message_fails_alone(self) -> None:
        self.streams.poison = b"m5"
        for number in range(1, 10):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        self.assertEqual([f"m{number}" for number in range(1, 10) if number != 5], self.rig.texts(TALK))
        self.assertEqual(("refused", "internal"), self.said()[5])
        logged = self.flushLoggedErrors(ValueError)
        self.assertEqual(1, len(logged))
        # An error of the server is for its operator: the client gets an id to quote, not the reason.
        self.assertRegex(self.ann.connection.errors[5].message, "[0-9a-f]{14}")
        self.assertNotIn("cannot take", self.ann.connection.errors[5].message)

    def test_when_all_fail_it_is_the_store_and_not_the_messages(self) -> None:
        self.streams.poison = b"m"
        for number in range(1, 200):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        codes = [answer[1] for _, answer in sorted(self.said().items())]
        self.assertEqual(["internal"] * MAX_FAULTS + ["unavailable"] * (199 - MAX_FAULTS), codes)
        self.assertEqual(MAX_FAULTS, len(self.flushLoggedErrors(ValueError)))

    def test_a_locked_conversation_does_not_fail_the_others(self) -> None:
        self.streams.contended, self.streams.contention = {OTHER}, lambda: Contended("locked", 300)
        for number in range(1, 40):
            self.rig.send(self.ann, OTHER if number in (20, 21, 30) else TALK, number)
        self.rig.run()
        failed = {number for number, answer in self.said().items() if answer == ("refused", "unavailable")}
        self.assertEqual({20, 21, 30}, failed)
        self.assertEqual(36, len(self.rig.texts(TALK)))
        # What follows the first of them there is not even tried: it must not overtake it.
        self.assertEqual(1, sum(len(flush) == 1 and flush[0].stream_id == OTHER for flush in self.streams.flushes))

    def test_a_conversation_that_the_store_went_around_fails_with_all_that_follows_there(self) -> None:
        self.streams.kept = {OTHER}
        for number in range(1, 40):
            self.rig.send(self.ann, OTHER if number in (20, 21, 30) else TALK, number)
        self.rig.run()
        failed = {number for number, answer in self.said().items() if answer == ("refused", "unavailable")}
        self.assertEqual(({20, 21, 30}, 36, 1), (failed, len(self.rig.texts(TALK)), len(self.streams.flushes)))
        self.streams.kept = set()
        for number in (21, 20, 21, 30):
            self.rig.send(self.ann, OTHER, number)
            self.rig.run()
        # The one that failed first is the first that may be stored.
        self.assertEqual(["m20", "m21", "m30"], self.rig.texts(OTHER))

    def test_a_store_that_is_locked_whole_is_not_asked_forever(self) -> None:
        streams = {1_000 + number for number in range(64)}
        self.streams.contended, self.streams.contention = streams, lambda: Contended("locked")
        for number, stream in enumerate(sorted(streams), 1):
            self.rig.send(self.ann, stream, number)
        self.rig.run()
        self.assertEqual({("refused", "unavailable")}, set(self.said().values()))
        self.assertEqual(MAX_CONTENDED, len(self.streams.flushes))

    def test_the_order_holds_while_a_flush_is_halved(self) -> None:
        self.streams.poison = b"m3"
        # The whole, its first half, then nothing more: the store goes away in between.
        self.streams.faults = [None, Unavailable("gone")]
        for number in (1, 2, 3, 4):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        self.assertEqual({("refused", "unavailable")}, set(self.said().values()))
        self.assertEqual([], self.rig.texts(TALK))
        self.assertEqual(2, len(self.streams.flushes))

    def test_unavailable_says_when_to_try_again(self) -> None:
        self.streams.faults = [Unavailable("gone")]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual(1_000, self.ann.connection.errors[1].retry_after_ms)

    def test_a_message_stored_although_the_store_failed_is_a_resend_the_next_time(self) -> None:
        self.streams.faults = [("after", Unavailable("lost the connection"))]
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual({1: ("refused", "unavailable")}, self.said())
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.assertEqual(("accepted", 1, 1, True), self.ann.connection.told[-1])
        self.assertEqual(["m1"], self.rig.texts(TALK))


class RateTests(Case):
    settings = ChatSettings(limits=replace(SESSION_RATES, frames=Limit(2, 2_000)))

    def test_who_does_not_heed_the_limit_is_not_read_from_until_there_is_room(self) -> None:
        for number in (1, 2):
            self.rig.send(self.ann, TALK, number)
        self.assertEqual(set(), self.ann.connection.holds)
        self.rig.send(self.ann, TALK, 3)
        self.assertEqual({Hold.RATE}, self.ann.connection.holds)
        turns(self.rig.clock)
        self.assertEqual(("refused", "rate_limited"), self.said()[3])
        self.rig.clock.advance(1)
        self.assertEqual(set(), self.ann.connection.holds)
