"""The rules of presence: what several devices come to, who is told what, and how often."""

import random
from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.people import Presence, PresenceState
from imchat.domain.presence import (
    OFFLINE_AFTER_MS,
    PACE_MS,
    DevicePresence,
    Here,
    PresenceEntry,
    Seen,
    combined,
    told,
)

ONLINE, AWAY, OFFLINE = PresenceState.ONLINE, PresenceState.AWAY, PresenceState.OFFLINE
PHONE, LAPTOP = DevicePresence(ONLINE, "android"), DevicePresence(AWAY, "linux")

NOTHING = ({}, (), False)


def entry(device_id, state, platform="", node=1):
    return PresenceEntry(5, node, device_id, state, platform)


class CombinedTests(SynchronousTestCase):
    def test_of_several_devices_the_highest_counts(self):
        self.assertEqual(combined([]), Presence())
        self.assertEqual(combined([LAPTOP]), Presence(AWAY, ("linux",)))
        self.assertEqual(combined([LAPTOP, PHONE]), Presence(ONLINE, ("android", "linux")))

    def test_a_platform_is_told_once_and_an_empty_one_not(self):
        devices = [PHONE, PHONE, DevicePresence(AWAY, ""), DevicePresence(OFFLINE, "ios")]
        self.assertEqual(combined(devices), Presence(ONLINE, ("android",)))


class ToldTests(SynchronousTestCase):
    def test_last_seen_is_told_of_those_alone_who_are_offline(self):
        self.assertEqual(told([], Seen(77)), Presence(OFFLINE, (), 77))
        self.assertEqual(told([entry("a", AWAY, "ios")], Seen(77)), Presence(AWAY, ("ios",), 0))

    def test_of_one_who_hides_it_nothing_is_told(self):
        for entries in ([], [entry("a", ONLINE, "ios")]):
            self.assertEqual(told(entries, Seen(77, hidden=True)), Presence())


class HereTests(SynchronousTestCase):
    def setUp(self):
        self.here = Here()

    def step(self, now_ms):
        step = self.here.step(now_ms)
        return step.put, step.drop, step.announce

    def come(self, now_ms=0):
        self.here.set("phone", PHONE)
        self.step(now_ms)

    def test_the_first_device_is_told_at_once(self):
        self.here.set("phone", PHONE)
        self.assertEqual(self.here.due_ms(), 0)
        self.assertEqual(self.step(1_000), ({"phone": PHONE}, (), True))
        self.assertIsNone(self.here.due_ms())

    def test_offline_is_told_after_five_seconds(self):
        self.come()
        self.here.leave("phone", 10_000)
        self.assertTrue(self.here.empty)
        self.assertEqual(self.here.due_ms(), 10_000 + OFFLINE_AFTER_MS)
        self.assertEqual(self.step(14_999), NOTHING)
        self.assertEqual(self.step(15_000), ({}, ("phone",), True))

    def test_who_is_back_in_time_was_never_away(self):
        self.come()
        self.here.leave("phone", 10_000)
        self.here.set("phone", PHONE)
        self.assertIsNone(self.here.due_ms())
        self.assertEqual(self.step(60_000), NOTHING)

    def test_changes_are_three_seconds_apart_and_the_last_one_holds(self):
        self.come(10_000)
        away = DevicePresence(AWAY, "android")
        for _ in range(5):
            self.here.set("phone", away)
            self.here.set("phone", PHONE)
        self.here.set("phone", away)
        self.assertEqual(self.here.due_ms(), 10_000 + PACE_MS)
        self.assertEqual(self.step(12_999), NOTHING)
        self.assertEqual(self.step(13_000), ({"phone": away}, (), True))

    def test_a_device_that_comes_is_known_at_once_and_announced_in_time(self):
        self.come()
        self.here.set("laptop", LAPTOP)
        self.assertEqual(self.here.due_ms(), 0)
        self.assertEqual(self.step(100), ({"laptop": LAPTOP}, (), False))
        self.assertEqual(self.here.due_ms(), PACE_MS)
        self.assertEqual(self.step(PACE_MS), ({}, (), True))
        self.assertIsNone(self.here.due_ms())

    def test_a_second_device_that_makes_no_difference_is_known_and_not_announced(self):
        self.come()
        self.here.set("other phone", PHONE)
        self.assertEqual(self.step(PACE_MS), ({"other phone": PHONE}, (), False))

    def test_the_platform_of_one_that_leaves_while_others_stay(self):
        self.here.set("laptop", LAPTOP)
        self.come()
        self.here.leave("laptop", 1_000)
        self.assertFalse(self.here.empty)
        self.assertEqual(self.step(1_000 + OFFLINE_AFTER_MS), ({}, ("laptop",), True))

    def test_nothing_is_remembered_of_one_who_is_gone_but_only_after_the_pace(self):
        self.come()
        self.here.leave("phone", 1_000)
        self.step(6_000)
        self.assertFalse(self.here.over(6_000))
        self.assertEqual(self.here.due_ms(), 6_000 + PACE_MS)
        self.assertTrue(self.here.over(6_000 + PACE_MS))

    def test_one_who_comes_and_goes_before_anything_was_told(self):
        self.here.set("phone", PHONE)
        self.here.leave("phone", 0)
        self.assertEqual(self.step(OFFLINE_AFTER_MS), NOTHING)
        self.assertTrue(self.here.over(OFFLINE_AFTER_MS))

    def test_whatever_happens_announcements_are_apart_and_end_with_what_is(self):
        for seed in range(50):
            chance, self.here, self.kept, self.announced = random.Random(seed), Here(), {}, [(0, Presence())]
            devices, now_ms = {}, 1_000_000
            for _ in range(300):
                now_ms += chance.choice([0, 10, 500, 4_000])
                device_id = chance.choice("ab")
                if chance.random() < 0.5:
                    devices[device_id] = DevicePresence(chance.choice([ONLINE, AWAY]), device_id)
                    self.here.set(device_id, devices[device_id])
                elif devices.pop(device_id, None):
                    self.here.leave(device_id, now_ms)
                if (due_ms := self.here.due_ms()) is not None and due_ms <= now_ms:
                    self.take(now_ms)
            for _ in range(10):
                if (due_ms := self.here.due_ms()) is not None:
                    now_ms = max(now_ms, due_ms)
                    self.take(now_ms)
            gaps = [later[0] - earlier[0] for earlier, later in pairwise(self.announced)]
            self.assertGreaterEqual(min(gaps), PACE_MS)
            self.assertEqual((self.kept, self.here.known), (devices, devices))
            self.assertEqual(self.announced[-1][1], combined(devices.values()))

    def take(self, now_ms):
        step = self.here.step(now_ms)
        self.kept.update(step.put)
        for one in step.drop:
            del self.kept[one]
        if step.announce:
            self.announced.append((now_ms, combined(self.kept.values())))

    def test_what_nobody_was_told_is_told_to_be_over_for_others_may_have_seen_it(self) -> None:
        here = Here()
        for device_id in ("phone", "tablet"):
            here.set(device_id, DevicePresence(PresenceState.AWAY, device_id))
        here.step(0)
        here.leave("tablet", 1)
        here.leave("phone", 2)
        self.assertTrue(here.step(5_001).announce)
        self.assertFalse(here.step(5_002).announce)
        # Whoever looks now sees nobody, and then somebody who is online: neither was announced.
        here.set("phone", DevicePresence(PresenceState.ONLINE, "phone"))
        self.assertFalse(here.step(5_003).announce)
        here.set("phone", DevicePresence(PresenceState.AWAY, "phone"))
        self.assertEqual(8_001, here.due_ms())
        self.assertTrue(here.step(8_001).announce)
        self.assertIsNone(here.due_ms())

    def test_who_was_another_meanwhile_is_told_of_though_it_ends_as_it_was_announced(self):
        # The laptop leaves first: what is announced then is read a moment later, when the phone is gone, too.
        self.here.set("phone", PHONE)
        self.here.set("laptop", LAPTOP)
        self.here.step(0)
        self.here.leave("laptop", 1_000)
        self.here.leave("phone", 1_100)
        self.assertTrue(self.here.step(6_000).announce)
        self.assertEqual(({}, ("phone",), False), self.step(6_100))
        self.here.set("phone", PHONE)
        self.assertEqual(({"phone": PHONE}, (), False), self.step(6_200))
        self.assertEqual(6_000 + PACE_MS, self.here.due_ms())
        self.assertEqual(({}, (), True), self.step(6_000 + PACE_MS))
        self.assertIsNone(self.here.due_ms())
