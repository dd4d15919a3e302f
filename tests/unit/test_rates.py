"""Limits of a chat node by kind of request: which there are, for a connection and for an account, and how long kept."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.assemble.settings import chat_settings
from imchat.chat.logic import quota as quota_module
from imchat.chat.logic.connection import Hold
from imchat.chat.logic.quota import Quota
from imchat.chat.settings import ChatSettings
from imchat.config import Config
from imchat.domain.errors import RateLimited
from imchat.domain.limits import Limit
from imchat.domain.rates import ACCOUNT_RATES, COUNTED_LATER, GROUPS, SESSION_RATES, Group
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat import RecordingConnection, session
from tests.net.request_kinds import request_bodies


class TableTests(SynchronousTestCase):
    def test_every_request_has_a_group_and_nothing_else_has_one(self) -> None:
        self.assertEqual(request_bodies(), set(GROUPS))
        self.assertLessEqual(set(GROUPS), {field.name for field in pb.Frame.DESCRIPTOR.oneofs[0].fields})

    def test_every_group_is_used(self) -> None:
        self.assertEqual(set(Group), set(GROUPS.values()))

    def test_the_configuration_has_the_same_defaults(self) -> None:
        settings = chat_settings(Config())
        self.assertEqual((SESSION_RATES, ACCOUNT_RATES), (settings.limits, settings.account_limits))
        self.assertEqual((SESSION_RATES, ACCOUNT_RATES), (ChatSettings().limits, ChatSettings().account_limits))

    def test_one_connection_alone_does_not_use_up_an_account(self) -> None:
        for one, all_together in zip(SESSION_RATES.by_group(), ACCOUNT_RATES.by_group(), strict=True):
            self.assertLess(one.count, all_together.count)


class Case(SynchronousTestCase):
    rates = replace(SESSION_RATES, messages=Limit(2, 2_000), typing=Limit(1, 1_000), frames=Limit(3, 3_000))
    account_rates = replace(ACCOUNT_RATES, messages=Limit(3, 30_000), typing=Limit(10, 10_000), frames=Limit(4, 40_000))

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.quota = Quota(self.clock, self.rates, self.account_rates)

    def join(self, user_id: int = 1, device_id: str = "phone"):
        return self.quota.join(RecordingConnection(), session(user_id, device_id))

    def sent(self, live, count: int) -> list[int]:
        """For each message the wait that was told, 0 where it was allowed."""
        errors = [self.quota.message(live) for _ in range(count)]
        return [error.retry_after_ms if error else 0 for error in errors]


class SpendingTests(Case):
    def test_a_connection_has_its_own_limit_within_that_of_the_account(self) -> None:
        phone, tablet = self.join(), self.join(device_id="tablet")
        self.assertEqual([0, 0, 1_000], self.sent(phone, 3))
        # The third of the account; then what all devices may is used up, on each of them.
        self.assertEqual([0, 10_000], self.sent(tablet, 2))
        self.assertEqual([10_000], self.sent(phone, 1))

    def test_another_account_is_not_concerned(self) -> None:
        self.sent(self.join(), 5)
        self.assertEqual([0, 0], self.sent(self.join(user_id=2), 2))

    def test_what_is_refused_by_one_is_not_counted_by_the_other(self) -> None:
        phone, tablet = self.join(), self.join(device_id="tablet")
        self.sent(phone, 50)
        self.assertEqual([0], self.sent(tablet, 1))

    def test_the_wait_that_is_told_is_enough(self) -> None:
        phone = self.join()
        self.sent(phone, 2)
        [wait_ms] = self.sent(phone, 1)
        self.clock.advance(wait_ms / 1000 - 0.001)
        self.assertEqual([1], self.sent(phone, 1))
        self.clock.advance(0.001)
        self.assertEqual([0], self.sent(phone, 1))

    def test_groups_do_not_use_up_each_other(self) -> None:
        phone = self.join()
        self.quota.body(phone, "typing")
        self.assertEqual(1_000, self.assertRaises(RateLimited, self.quota.body, phone, "typing").retry_after_ms)
        self.assertEqual([0], self.sent(phone, 1))
        self.quota.body(phone, "mark_read")

    def test_requests_of_one_group_use_up_the_same(self) -> None:
        quota = Quota(self.clock, replace(SESSION_RATES, marks=Limit(2, 2_000)))
        phone = quota.join(RecordingConnection(), session(1))
        quota.body(phone, "mark_read")
        quota.body(phone, "set_conversation")
        self.assertRaises(RateLimited, quota.body, phone, "delete_messages")

    def test_what_is_counted_where_it_is_carried_out_is_not_counted_twice(self) -> None:
        phone = self.join()
        for name in (name for name, group in GROUPS.items() if group in COUNTED_LATER):
            for _ in range(10):
                self.quota.body(phone, name)
        self.assertEqual([0, 0], self.sent(phone, 2))

    def test_acts_and_lookups_have_limits(self) -> None:
        quota = Quota(self.clock, replace(SESSION_RATES, acts=Limit(1, 1_000), lookups=Limit(3, 3_000)))
        phone = quota.join(RecordingConnection(), session(1))
        self.assertIsNone(quota.act(phone))
        self.assertEqual(1_000, quota.act(phone).retry_after_ms)
        quota.lookup(phone, 3)
        self.assertRaises(RateLimited, quota.lookup, phone)

    def test_frames_over_the_account_s_limit_stop_the_reading_too(self) -> None:
        phone, tablet = self.join(), self.join(device_id="tablet")
        self.assertEqual([None] * 4, [self.quota.request(live) for live in (phone, tablet) * 2])
        self.assertEqual(10_000, self.quota.request(tablet).retry_after_ms)
        self.assertEqual((set(), {Hold.RATE}), (phone.connection.holds, tablet.connection.holds))
        self.clock.advance(10)
        self.assertEqual(set(), tablet.connection.holds)


class KeepingTests(Case):
    def test_who_connects_again_is_not_as_good_as_new(self) -> None:
        phone = self.join()
        self.sent(phone, 2)
        self.quota.leave(phone)
        phone = self.join()
        self.assertEqual([0, 10_000], self.sent(phone, 2))

    def test_what_was_used_counts_while_another_device_is_here(self) -> None:
        phone, tablet = self.join(), self.join(device_id="tablet")
        self.sent(phone, 2)
        self.quota.leave(phone)
        self.assertEqual([0, 10_000], self.sent(tablet, 2))

    def test_it_is_kept_for_the_window_and_then_forgotten(self) -> None:
        phone, other = self.join(), self.join(2)
        self.sent(phone, 2)
        self.quota.leave(phone)
        self.clock.advance(59.999)
        self.quota.leave(self.join(3))
        self.assertEqual(2, len(self.quota))
        self.clock.advance(0.001)
        self.quota.leave(self.join(3))
        self.assertEqual(1, len(self.quota))
        self.quota.leave(other)
        self.assertEqual(0, len(self.quota))

    def test_who_has_used_nothing_is_not_kept(self) -> None:
        self.quota.leave(self.join())
        self.assertEqual(0, len(self.quota))

    def test_so_many_are_kept_and_no_more(self) -> None:
        self.patch(quota_module, "MAX_DEPARTED", 3)
        for user_id in range(1, 6):
            live = self.join(user_id)
            self.sent(live, 3)
            self.quota.leave(live)
        self.assertEqual(3, len(self.quota))
        self.assertEqual([0, 10_000], self.sent(self.join(5), 2))
        self.assertEqual([0, 0], self.sent(self.join(1), 2))
