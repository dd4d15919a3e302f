"""Sending: saved first, once, in order, until it is answered; and requests that wait for better times."""

from itertools import pairwise

from twisted.internet.defer import Deferred

from imchat.client import Stopped
from imchat.client.state import MemoryState
from imchat.domain.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    Unavailable,
)
from tests.fakes.client_world import ClientCase


class Sending(ClientCase):
    def test_an_acknowledged_message_is_in_the_conversation_and_out_of_the_outbox(self):
        user = self.live()
        accepted = user.client.send(self.talk, "hello")
        self.world.run(1)
        self.assertEqual(self.successResultOf(accepted).seq, 1)
        self.assertEqual(self.server.texts(self.talk), ["hello"])
        self.assertEqual(user.store.saved.outbox, [])

    def test_a_message_is_saved_before_it_is_sent(self):
        user = self.live()
        seen = []

        def look(peer, frame):
            if frame.HasField("send_message"):
                seen.append([e.client_id for e in user.store.saved.outbox] == [frame.send_message.client_id])
            return False

        self.server.intercept = look
        user.client.send(self.talk, "hello")
        self.world.run(1)
        self.assertEqual(seen, [True])

    def test_lost_before_the_commit_it_is_sent_again(self):
        user = self.live()
        lost = []

        def lose(peer, frame):
            if frame.HasField("send_message") and not lost:
                lost.append(frame)
                peer.abort()
                return True
            return False

        self.server.intercept = lose
        sent = user.client.send(self.talk, "hello")
        self.world.run(5)
        self.assertEqual(self.successResultOf(sent).seq, 1)
        self.assertEqual(self.server.texts(self.talk), ["hello"])

    def test_lost_after_the_commit_it_is_not_doubled(self):
        user = self.live()
        lost = []

        def lose(peer, frame):
            if frame.HasField("send_message") and not lost:
                lost.append(frame)
                send = frame.send_message
                self.server.append(send.conversation_id, 1, send.content, send.client_id, sender=peer)
                peer.abort()
                return True
            return False

        self.server.intercept = lose
        sent = user.client.send(self.talk, "hello")
        self.world.run(5)
        self.assertEqual(self.successResultOf(sent).seq, 1)
        self.assertEqual(self.server.texts(self.talk), ["hello"])
        self.assertEqual(user.texts(self.talk), ["hello"])

    def test_many_outstanding_keep_their_order_over_a_cut(self):
        user = self.live()
        count = []

        def cut(peer, frame):
            count.append(frame)
            if len(count) == 20:
                peer.abort()
                return True
            return False

        self.server.intercept = cut
        sent = [user.client.send(self.talk, str(n)) for n in range(50)]
        self.world.run(10)
        self.assertEqual(self.server.texts(self.talk), [str(n) for n in range(50)])
        self.assertEqual([self.successResultOf(d).seq for d in sent], list(range(1, 51)))
        self.assertEqual(user.texts(self.talk), [str(n) for n in range(50)])

    def test_no_more_than_the_window_is_under_way(self):
        user = self.live()
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        for n in range(40):
            user.client.send(self.talk, str(n)).addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(1)
        self.assertEqual(len(self.sends()), 16)

    def test_after_a_passing_error_the_failed_one_comes_first_and_not_before_it_may(self):
        user = self.live()
        refused = []

        def limit(peer, frame):
            if not frame.HasField("send_message"):
                return False
            if self.world.clock.seconds() < self.until:
                refused.append(frame.send_message.content.text.text)
                peer.refuse(frame, "rate_limited", 3000)
                return True
            return False

        self.until = self.world.clock.seconds() + 2
        self.server.intercept = limit
        sent = [user.client.send(self.talk, text) for text in ("a", "b", "c")]
        self.world.run(1)
        late = user.client.send(self.talk, "d")
        self.world.run(1.5)
        self.assertEqual(refused, ["a", "b", "c"])
        self.assertEqual(self.server.texts(self.talk), [])
        self.world.run(2)
        self.assertEqual(self.server.texts(self.talk), ["a", "b", "c", "d"])
        self.assertEqual([self.successResultOf(d).seq for d in (*sent, late)], [1, 2, 3, 4])

    def test_outages_in_a_row_are_retried_more_and_more_slowly(self):
        user = self.live()
        times = []

        def limit(peer, frame):
            if frame.HasField("send_message"):
                times.append(self.world.clock.seconds())
                peer.refuse(frame, "unavailable", 1000)
                return True
            return False

        self.server.intercept = limit
        user.client.send(self.talk, "hi").addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(200)
        waits = [b - a for a, b in pairwise(times)]
        self.assertTrue(1 <= waits[0] <= 1.3 and 2 <= waits[1] <= 2.6 and 25 < waits[-1] < 38, waits)

    def test_a_passing_error_in_one_conversation_does_not_hold_up_another(self):
        other = self.server.direct(1, 3)
        user = self.live()

        def refuse(peer, frame):
            if frame.send_message.conversation_id == self.talk:
                peer.refuse(frame, "unavailable")
                return True
            return False

        self.server.intercept = refuse
        waiting = user.client.send(self.talk, "a")
        through = user.client.send(other, "b")
        self.world.run(3)
        self.assertNoResult(waiting)
        self.successResultOf(through)
        waiting.addErrback(lambda failure: failure.trap(Stopped))

    def test_a_permanent_error_fails_that_message_and_those_behind_it_go_on(self):
        user = self.live()

        def refuse(peer, frame):
            if frame.send_message.content.text.text == "bad":
                peer.refuse(frame, "conflict")
                return True
            return False

        self.server.intercept = refuse
        bad, good = user.client.send(self.talk, "bad"), user.client.send(self.talk, "good")
        self.world.run(1)
        self.failureResultOf(bad, Conflict)
        self.assertEqual(self.successResultOf(good).seq, 1)
        self.assertEqual(user.store.saved.outbox, [])

    def test_a_text_that_cannot_be_sent_is_refused_here(self):
        user = self.live()
        self.failureResultOf(user.client.send(self.talk, "a\x00b"), InvalidRequest)
        self.failureResultOf(user.client.send(self.talk, "x" * 8001), InvalidRequest)
        self.assertEqual(user.store.saved.outbox, [])

    def test_what_was_not_acknowledged_is_sent_by_the_next_run(self):
        store = MemoryState()
        user = self.live(store=store)
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        sent = [user.client.send(self.talk, text) for text in ("a", "b")]
        self.world.run(1)
        user.client.stop()
        self.world.run(10)
        for deferred in sent:
            self.failureResultOf(deferred, Stopped)
        self.server.intercept = lambda peer, frame: False
        again = self.user(store=store)
        emptied = again.client.when_sent()
        self.world.run(2)
        self.successResultOf(emptied)
        self.assertEqual(self.server.texts(self.talk), ["a", "b"])

    def test_another_accounts_outbox_is_not_sent(self):
        store = MemoryState()
        user = self.live(store=store)
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        user.client.send(self.talk, "secret of alice").addErrback(lambda failure: failure.trap(Stopped))
        self.world.run(1)
        user.client.stop()
        self.world.run(10)
        self.server.intercept = lambda peer, frame: False
        self.live("bob", store=store)
        self.world.run(5)
        self.assertEqual(self.server.texts(self.talk), [])

    def test_requests_wait_for_a_connection_and_for_better_times(self):
        user = self.live()
        self.server.cut()
        opened = self.ensure(user.client.open_direct(3))
        self.assertNoResult(opened)
        tries = []

        def busy(peer, frame):
            if frame.HasField("open_direct") and not tries:
                tries.append(frame)
                peer.refuse(frame, "unavailable", 500)
                return True
            return False

        self.server.intercept = busy
        self.world.run(5)
        self.assertEqual(self.successResultOf(opened), self.server.direct(1, 3))

    def test_names(self):
        user = self.live()
        found = self.ensure(user.client.directory.by_name("bob"))
        missing = self.ensure(user.client.directory.by_name("nobody"))
        self.world.run(1)
        self.assertEqual(self.successResultOf(found).id, 2)
        self.failureResultOf(missing, NotFound)
        asked = len(self.server.peer(1).received)
        self.assertEqual(self.successResultOf(self.ensure(user.client.directory.by_name("bob"))).id, 2)
        self.assertEqual(len(self.server.peer(1).received), asked)

    def ensure(self, coroutine):
        return Deferred.fromCoroutine(coroutine)


class StateFaults(ClientCase):
    def test_a_state_that_cannot_be_saved_ends_the_client_with_the_reason(self):
        user = self.live()

        async def broken(change):
            raise Unavailable("disk full")

        user.store.commit = broken
        sent = user.client.send(self.talk, "hello")
        self.failureResultOf(sent, Unavailable)
        self.world.run(20)
        (failure,) = user.closed
        self.assertIsInstance(failure.value, Unavailable)
        self.assertEqual(self.server.texts(self.talk), [])
        self.assertEqual(len(self.flushLoggedErrors(Unavailable)), 1)
