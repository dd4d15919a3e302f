"""When a node suspects that it missed something."""

from twisted.trial.unittest import SynchronousTestCase

from imchat.net.redis.heartbeats import FORGOTTEN_AFTER, Heartbeat, Heartbeats, Origin

HERE, THERE = Origin("here", 1), Origin("there", 1)


class HeartbeatTests(SynchronousTestCase):
    def setUp(self):
        self.beats = Heartbeats(HERE)
        self.beats.heard(Heartbeat(THERE, 0))

    def pass_seconds(self, seconds: int, *heard: Heartbeat) -> list[str]:
        """Let time pass in which all these are heard every second, and our own."""
        reasons = []
        for _ in range(seconds):
            reasons += self.beats.tick()
            reasons += filter(None, map(self.beats.heard, [Heartbeat(HERE, 0), *heard]))
        return reasons

    def test_while_all_beat_there_is_no_suspicion(self):
        self.assertEqual(self.pass_seconds(100, Heartbeat(THERE, 0)), [])
        self.assertFalse(self.beats.suspect)

    def test_a_node_that_comes(self):
        self.assertEqual(self.beats.heard(Heartbeat(Origin("third", 1), 4)), "third came")
        self.assertIsNone(self.beats.heard(Heartbeat(Origin("third", 1), 4)))

    def test_a_node_that_leaves_in_order_is_not_missed(self):
        self.assertEqual(self.beats.heard(Heartbeat(THERE, 0, leaving=True)), "there left")
        self.assertEqual(self.pass_seconds(100), [])
        self.assertFalse(self.beats.suspect)

    def test_a_node_that_falls_silent_is_told_once_and_suspicion_lasts_until_it_is_back(self):
        self.assertEqual(self.pass_seconds(30), ["the heartbeat of there is missing"])
        self.assertTrue(self.beats.suspect)
        self.assertEqual(self.beats.heard(Heartbeat(THERE, 0)), "the heartbeat of there is back")
        self.assertFalse(self.beats.suspect)

    def test_one_late_heartbeat_is_nothing(self):
        self.assertEqual(self.pass_seconds(2), [])

    def test_a_node_that_stays_away_is_forgotten_and_comes_anew(self):
        self.pass_seconds(FORGOTTEN_AFTER)
        self.assertFalse(self.beats.suspect)
        self.assertEqual(self.beats.heard(Heartbeat(THERE, 0)), "there came")

    def test_a_node_that_was_started_again_comes_though_its_name_is_known(self):
        self.assertEqual(self.beats.heard(Heartbeat(Origin("there", 2), 0)), "there came")

    def test_a_failed_publish_is_heard_once(self):
        self.assertEqual(self.pass_seconds(5, Heartbeat(THERE, 3)), ["there failed to publish"])
        self.assertEqual(self.beats.heard(Heartbeat(THERE, 4)), "there failed to publish")

    def test_failed_publishes_are_told(self):
        self.beats.publish_failed()
        self.beats.publish_failed()
        self.assertEqual(self.beats.next(), Heartbeat(HERE, 2))
        self.assertEqual(self.beats.next(leaving=True), Heartbeat(HERE, 2, leaving=True))

    def test_the_own_heartbeat_missing(self):
        self.pass_seconds(1, Heartbeat(THERE, 0))
        self.assertEqual(self.beats.tick() + self.beats.tick(), [])
        self.assertIn("the own heartbeat is missing", self.beats.tick())
        self.assertTrue(self.beats.suspect)
        self.assertEqual(self.beats.heard(Heartbeat(HERE, 0)), "the own heartbeat is back")

    def test_the_subscription_is_deaf_only_when_redis_took_what_is_not_heard(self):
        for _ in range(20):
            self.beats.tick()
        self.assertFalse(self.beats.deaf())
        for _ in range(3):
            self.beats.sent()
        self.assertTrue(self.beats.deaf())
        self.assertFalse(self.beats.deaf())
        self.beats.sent()
        self.beats.sent()
        self.beats.heard(Heartbeat(HERE, 0))
        self.beats.sent()
        self.assertFalse(self.beats.deaf())
