"""Confirmations by name, whatever their order."""

from twisted.trial.unittest import SynchronousTestCase

from imchat.net.redis.subscriptions import Subscriptions


class SubscriptionTests(SynchronousTestCase):
    def setUp(self):
        self.all = Subscriptions()
        self.all.connected()

    def test_each_waits_for_its_own_channels_in_whatever_order(self):
        send_one, one = self.all.want([b"a", b"b"])
        send_two, two = self.all.want([b"c"])
        self.assertEqual((send_one, send_two), ([b"a", b"b"], [b"c"]))
        self.all.confirmed(b"a")
        self.assertNoResult(two)
        self.all.confirmed(b"c")
        self.successResultOf(two)
        self.assertNoResult(one)
        self.all.confirmed(b"b")
        self.successResultOf(one)

    def test_what_is_heard_already_needs_no_waiting(self):
        self.all.want([b"a"])
        self.all.confirmed(b"a")
        self.assertEqual(self.all.want([b"a", b"a"]), ([], None))

    def test_a_second_one_waits_for_what_the_first_one_asked(self):
        self.all.want([b"a"])
        send, two = self.all.want([b"a"])
        self.assertEqual(send, [])
        self.all.confirmed(b"a")
        self.successResultOf(two)

    def test_subscribed_dropped_and_subscribed_again_waits_for_the_last_one(self):
        _, one = self.all.want([b"a"])
        self.assertEqual(self.all.drop([b"a", b"z"]), [b"a"])
        _, two = self.all.want([b"a"])
        self.all.confirmed(b"a")
        self.all.confirmed(b"a")
        self.assertNoResult(two)
        self.all.confirmed(b"a")
        self.successResultOf(one)
        self.successResultOf(two)

    def test_a_confirmation_that_nobody_waits_for_is_nothing(self):
        self.assertFalse(self.all.confirmed(b"x"))
        _, one = self.all.want([b"x"])
        self.assertNoResult(one)

    def test_when_the_connection_goes_all_who_wait_are_let_go_and_something_may_be_missed(self):
        _, one = self.all.want([b"a"])
        self.all.away()
        self.successResultOf(one)
        self.assertTrue(self.all.missed)
        self.assertEqual(self.all.want([b"b"]), ([], None))
        self.assertEqual(self.all.drop([b"a"]), [])
        self.assertEqual(self.all.connected(), [b"b"])

    def test_after_a_reconnect_the_last_confirmation_says_that_all_is_heard_again(self):
        self.all.want([b"a", b"b"])
        self.all.away()
        self.all.connected()
        _, late = self.all.want([b"c"])
        self.assertEqual([self.all.confirmed(channel) for channel in (b"c", b"b")], [False, False])
        self.successResultOf(late)
        self.assertTrue(self.all.missed)
        self.assertTrue(self.all.confirmed(b"a"))
        self.assertFalse(self.all.missed)

    def test_a_channel_dropped_while_it_is_made_anew_keeps_nobody_in_suspicion(self):
        self.all.want([b"a", b"b"])
        self.all.away()
        self.all.connected()
        self.all.drop([b"b"])
        self.assertFalse(self.all.confirmed(b"a"))
        self.assertFalse(self.all.confirmed(b"b"))
        self.assertTrue(self.all.confirmed(b"b"))

    def test_before_the_first_connection_one_waits_and_nothing_was_missed(self):
        fresh = Subscriptions()
        send, held = fresh.want([b"a"])
        _, dropped = fresh.want([b"b"])
        self.assertEqual(send, [])
        fresh.drop([b"b"])
        self.successResultOf(dropped)
        self.assertEqual(fresh.connected(), [b"a"])
        self.assertFalse(fresh.confirmed(b"a"))
        self.successResultOf(held)
        self.assertFalse(fresh.missed)
