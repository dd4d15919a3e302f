"""Live sessions: Hello and its races, replacement, ending, the sweep, and the channels that are heard."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.delivery import Delivery
from imchat.chat.logic.fanout import FanOut
from imchat.chat.logic.hosting import Hosting
from imchat.chat.logic.members import Memberships
from imchat.chat.logic.pushes import Pushes
from imchat.chat.logic.quota import Quota
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.revalidation import Revalidation
from imchat.chat.logic.sessions import Sessions
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.domain.errors import Unauthenticated, Unavailable
from imchat.domain.sessions import hash_of_text, token_text
from imchat.net.background import spawn
from imchat.ports import SessionsClosed
from tests.fakes.chat import MemorySessions, MemoryStreams, RecordingBus, RecordingConnection

ANN, BOB = 1, 2


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.store, self.bus, self.registry = MemorySessions(), RecordingBus(), Registry()
        fan_out = FanOut(self.registry, lambda _: b"", self.clock, 10)
        self.streams, subscriptions = MemoryStreams(), Subscriptions(self.bus, spawn)
        self.hosting = Hosting(self.streams, subscriptions)
        delivery = Delivery(Pushes(fan_out, self.hosting), Memberships(self.streams, 10), self.bus, spawn)
        self.sessions = Sessions(
            self.store, self.registry, subscriptions, self.hosting, delivery, Quota(self.clock), self.clock
        )
        self.sweep = Revalidation(self.store, self.registry, self.sessions, self.clock, 3_600)
        self.count = 0

    def token(self, user_id: int = ANN, device_id: str = "phone") -> str:
        self.count += 1
        token = token_text(bytes([self.count]) * 32)
        self.store.add(hash_of_text(token), user_id, device_id)
        return token

    def connect(self) -> RecordingConnection:
        connection = RecordingConnection()
        connection.on_end = self.sessions.lost
        return connection

    def hello(self, token: str, connection: RecordingConnection | None = None, device_id: str = "phone"):
        connection = connection or self.connect()
        results: list[object] = []
        Deferred.fromCoroutine(self.sessions.hello(connection, token, device_id)).addBoth(results.append)
        return connection, results

    def join(self, user_id: int = ANN, device_id: str = "phone"):
        connection, results = self.hello(self.token(user_id, device_id), device_id=device_id)
        return connection, results[0]


class HelloTests(Case):
    def test_the_channel_of_the_user_is_heard_as_long_as_a_device_is_here(self) -> None:
        phone, _ = self.join()
        tablet, _ = self.join(device_id="tablet")
        self.assertEqual([("subscribe", "user:1")], self.bus.calls)
        self.sessions.lost(phone)
        self.assertEqual({"user:1"}, self.bus.channels)
        self.sessions.lost(tablet)
        self.assertEqual(set(), self.bus.channels)

    def test_who_has_no_session_is_refused(self) -> None:
        token = self.token()
        for wrong, device in (("nonsense", "phone"), (token_text(b"?" * 32), "phone"), (token, "tablet")):
            _, (failure,) = self.hello(wrong, device_id=device)
            failure.trap(Unauthenticated)
        self.assertEqual(0, len(self.registry))

    def test_welcome_waits_for_the_subscription_also_of_a_second_device(self) -> None:
        self.bus.held = []
        _, first = self.hello(self.token())
        _, second = self.hello(self.token(device_id="tablet"), device_id="tablet")
        self.assertEqual(([], []), (first, second))
        self.assertEqual(1, len(self.bus.held))
        self.bus.held[0].callback(None)
        self.assertEqual((1, 1), (len(first), len(second)))

    def test_a_bus_that_is_away_turns_nobody_away(self) -> None:
        self.bus.failure = Unavailable("gone")
        _, live = self.join()
        self.assertEqual(ANN, live.user_id)

    def test_other_nodes_are_told_whom_it_replaces(self) -> None:
        self.join()
        self.assertEqual([("user:1", SessionsClosed(ANN, ("phone",), "replaced", 1))], self.bus.published)

    def test_the_later_hello_stays_though_its_answer_comes_first(self) -> None:
        token = self.token()
        self.store.held = []
        first, first_result = self.hello(token)
        second, second_result = self.hello(token)
        early, late = self.store.held
        self.store.held = None
        late.callback(None)
        early.callback(None)
        self.assertEqual("replaced", first.ended)
        self.assertIsNone(second.ended)
        self.assertEqual([None], first_result)
        self.assertEqual(2, second_result[0].generation)
        # It never counted as one that hears the channel.
        self.assertEqual({"user:1"}, self.bus.channels)
        self.sessions.lost(second)
        self.assertEqual(set(), self.bus.channels)

    def test_a_replaced_connection_does_not_take_the_channel_with_it(self) -> None:
        token = self.token()
        first, _ = self.hello(token)
        second, _ = self.hello(token)
        self.assertEqual("replaced", first.ended)
        self.assertEqual([("subscribe", "user:1")], self.bus.calls)
        self.assertIsNotNone(self.registry.of_connection(second))

    def test_a_connection_lost_at_any_step_leaves_nothing(self) -> None:
        self.store.held, token = [], self.token()
        connection, results = self.hello(token)
        self.sessions.lost(connection)
        self.store.held.pop().callback(None)
        self.assertEqual([None], results)
        self.store.held, self.bus.held = None, []
        connection, results = self.hello(token)
        self.sessions.lost(connection)
        self.bus.held.pop().callback(None)
        self.assertEqual([None], results)
        self.assertEqual(0, len(self.registry))

    def test_what_ended_before_the_channel_was_heard_is_found_out(self) -> None:
        token = self.token()
        self.bus.held = []
        connection, results = self.hello(token)
        self.store.rows.clear()
        self.bus.held.pop().callback(None)
        self.assertEqual("session_ended", connection.ended)
        self.assertEqual([None], results)

    def test_so_is_a_replacement_on_another_node(self) -> None:
        token = self.token()
        self.bus.held = []
        connection, _ = self.hello(token)
        row = self.store.rows[hash_of_text(token)]
        self.store.rows[hash_of_text(token)] = replace(row, generation=row.generation + 1)
        self.bus.held.pop().callback(None)
        self.assertEqual("replaced", connection.ended)


class ClosingTests(Case):
    def test_those_devices_and_no_others(self) -> None:
        phone, _ = self.join()
        tablet, _ = self.join(device_id="tablet")
        bob, _ = self.join(BOB)
        self.sessions.closed(SessionsClosed(ANN, ("phone",), "session_ended"))
        self.assertEqual(["session_ended", None, None], [phone.ended, tablet.ended, bob.ended])
        self.sessions.closed(SessionsClosed(ANN, None, "session_ended"))
        self.assertEqual(["session_ended", None], [tablet.ended, bob.ended])

    def test_a_generation_as_high_as_told_is_spared(self) -> None:
        phone, live = self.join()
        self.sessions.closed(SessionsClosed(ANN, ("phone",), "replaced", live.generation))
        self.assertIsNone(phone.ended)
        self.sessions.closed(SessionsClosed(ANN, ("phone",), "replaced", live.generation + 1))
        self.assertEqual("replaced", phone.ended)


class SweepTests(Case):
    def run_sweep(self) -> None:
        results: list[object] = []
        Deferred.fromCoroutine(self.sweep.run()).addBoth(results.append)
        self.assertEqual([None], results)

    def test_what_the_store_no_longer_has_is_closed(self) -> None:
        phone, _ = self.join()
        tablet, live = self.join(device_id="tablet")
        bob, _ = self.join(BOB)
        rows = {row.device.device_id + str(row.user_id): key for key, row in self.store.rows.items()}
        del self.store.rows[rows["phone1"]]
        key = rows["tablet1"]
        self.store.rows[key] = replace(self.store.rows[key], generation=live.generation + 1)
        self.run_sweep()
        self.assertEqual(["session_ended", "replaced", None], [phone.ended, tablet.ended, bob.ended])

    def test_sessions_in_use_are_noted_once_an_hour(self) -> None:
        self.join()
        self.run_sweep()
        self.assertEqual([(ANN, "phone")], self.store.touched)
        self.clock.advance(3_599)
        self.run_sweep()
        self.assertEqual(1, len(self.store.touched))
        self.clock.advance(1)
        self.run_sweep()
        self.assertEqual(2, len(self.store.touched))

    def test_a_database_that_is_away_ends_nobody(self) -> None:
        phone, _ = self.join()
        self.store.failure = Unavailable("gone")
        self.run_sweep()
        self.assertIsNone(phone.ended)
