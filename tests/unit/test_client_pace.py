"""A client that has more to say than the server's limits allow at once."""

from itertools import pairwise

from imchat.client import Stopped
from tests.fakes.client_limits import LimitedNode
from tests.fakes.client_world import ClientCase


class Pace(ClientCase):
    def test_many_messages_take_hardly_longer_than_the_limit_wants(self):
        user = self.live()
        self.server.intercept = LimitedNode(self.world.clock)
        sent = [user.client.send(self.talk, str(n)) for n in range(1000)]
        begun, ended = self.world.clock.seconds(), []
        sent[-1].addCallback(lambda _: ended.append(self.world.clock.seconds()))
        self.world.run(300)
        self.assertEqual(self.server.texts(self.talk), [str(n) for n in range(1000)])
        self.assertLess(ended[0] - begun, 1.3 * 40)  # 600 at once, then 10 a second

    def test_the_limit_is_not_asked_sooner_than_it_said_and_few_are_refused(self):
        user = self.live()
        self.server.intercept = node = LimitedNode(self.world.clock)
        for n in range(1000):
            user.client.send(self.talk, str(n))
        self.world.run(60)
        self.assertEqual(len(self.server.texts(self.talk)), 1000)
        self.assertGreater(min(b - a for a, b in pairwise(node.refused)), 0.1)
        self.assertLess(len(self.sends()), 1800)

    def test_after_the_limit_it_goes_on_one_by_one_and_is_soon_as_fast_as_before(self):
        user = self.live()
        self.refuse_until = self.world.clock.seconds() + 0.5
        self.server.latency = 0.1
        rounds = {}

        def limit(peer, frame):
            now = self.world.clock.seconds()
            if now < self.refuse_until:
                peer.fail_send(frame, "rate_limited", 1000)
                return True
            rounds[round(now, 3)] = rounds.get(round(now, 3), 0) + 1
            return False

        self.server.intercept = limit
        for n in range(400):
            user.client.send(self.talk, str(n))
        self.world.run(30)
        self.assertEqual(len(self.server.texts(self.talk)), 400)
        self.assertEqual((next(iter(rounds.values())), max(rounds.values())), (1, 16))

    def test_a_limit_is_no_outage_and_the_wait_stays_what_the_server_asks_for(self):
        user = self.live()
        times = []

        def limit(peer, frame):
            if frame.HasField("send_message"):
                times.append(self.world.clock.seconds())
                peer.refuse(frame, "rate_limited", 1000)
                return True
            return False

        self.server.intercept = limit
        user.client.send(self.talk, "hi").addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(60)
        waits = [b - a for a, b in pairwise(times)]
        self.assertTrue(min(waits) >= 1 and max(waits) <= 1.3, waits)
