from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.content import ContentKind, SessionsEnded
from imchat.domain.errors import Unauthenticated, Unavailable
from imchat.domain.models import Device, NodeAddress, NodeReport, User
from imchat.domain.sessions import DAY_MS, hash_of_text, token_bytes, token_hash
from imchat.net.background import spawn
from imchat.net.content import WireContentCodec
from imchat.ports import EventsAppended, PersonChanged, SessionsClosed
from imchat.status.logic import Nodes, StatusLogic
from imchat.status.settings import StatusSettings
from imchat.store.memory import MemoryNodeCopy
from tests.fakes.bus import RecordingPublisher
from tests.fakes.ids import SeededIds
from tests.fakes.stores import MemoryDatabase, full_disk

ADA, BOB = 101, 202
PHONE = Device("phone-1", "Ada's phone", "android")
LAPTOP = Device("laptop-1", "Ada's laptop", "linux")
A, B = NodeAddress("a.example", 8090), NodeAddress("b.example", 8090, tls=True)
CODEC = WireContentCodec()


class StatusCase(SynchronousTestCase):
    def setUp(self):
        self.database = MemoryDatabase()
        self.addCleanup(self.database.pool.close)
        self.clock = self.database.clock
        self.clock.advance(1_800_000_000)
        for user_id, name in ((ADA, "ada"), (BOB, "bob")):
            user = User(user_id, name, f"{name}@example.org", "hash", self.now_ms())
            self.run_now(self.database.accounts.create(user, name, user.email, None, self.now_ms()))
        self.publisher = RecordingPublisher()
        self.nodes = Nodes(MemoryNodeCopy(self.now_ms), self.clock, 3_000, spawn)
        self.ids = SeededIds(9)
        self.status = StatusLogic(
            self.ids, self.database.sessions, CODEC, self.publisher, self.nodes, self.now_ms, StatusSettings()
        )

    def now_ms(self):
        return self.database.now_ms()

    def run_now(self, coroutine):
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def fails(self, coroutine, error):
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), error).value

    def report(self, node_id="a", address=A, connections=0, draining=False):
        self.run_now(self.status.report(NodeReport(node_id, address, connections, draining)))

    def login(self, user_id=ADA, name="ada", device=PHONE):
        return self.run_now(self.status.open_session(user_id, name, device, self.ids.token()))

    def private_stream(self, user_id=ADA):
        stretch = self.run_now(
            self.database.streams.read(user_id, user_id, after=0, before=None, limit=100, max_bytes=10**6)
        )
        return stretch.events

    def session_count(self):
        return self.database.pool.connection.execute("SELECT COUNT(*) FROM session").fetchone()[0]


class LoginTests(StatusCase):
    def test_a_login_has_a_token_that_opens_its_session_and_a_node(self):
        self.report()
        login = self.login()
        self.assertEqual((login.user_id, login.name, login.route.nodes), (ADA, "ada", (A,)))
        self.assertEqual(login.expires_ms, self.now_ms() + 30 * DAY_MS)
        session = self.run_now(self.status.authenticate(login.token))
        self.assertEqual((session.user_id, session.name, session.device), (ADA, "ada", PHONE))

    def test_the_store_never_sees_the_token(self):
        self.report()
        token = token_bytes(self.login().token)
        dump = "\n".join(self.database.pool.connection.iterdump())
        self.assertNotIn(token.hex().upper(), dump.upper())

    def test_without_a_node_no_session_is_opened(self):
        error = self.fails(self.status.open_session(ADA, "ada", PHONE, self.ids.token()), Unavailable)
        self.assertGreater(error.retry_after_ms, 0)
        self.report(draining=True)
        self.fails(self.status.open_session(ADA, "ada", PHONE, self.ids.token()), Unavailable)
        self.assertEqual(self.session_count(), 0)

    def test_a_new_login_of_the_device_ends_the_older_token_and_no_other(self):
        self.report()
        older, other, newer = self.login(), self.login(device=LAPTOP), self.login()
        self.fails(self.status.authenticate(older.token), Unauthenticated)
        for token in (other.token, newer.token):
            self.run_now(self.status.authenticate(token))

    def test_who_is_connected_with_the_older_token_is_shown_out(self):
        self.report()
        older = self.login()
        self.assertEqual(self.publisher.published, [])
        present = self.run_now(self.database.sessions.hello(hash_of_text(older.token), "phone-1", self.now_ms()))
        newer = self.login()
        ((channel, notice),) = self.publisher.published
        self.assertEqual((channel, notice.device_ids, notice.code), ("user:101", ("phone-1",), "replaced"))
        coming = self.run_now(self.database.sessions.hello(hash_of_text(newer.token), "phone-1", self.now_ms()))
        self.assertTrue(present.generation < notice.below_generation <= coming.generation)

    def test_a_store_that_is_away_is_unavailable(self):
        self.report()
        self.database.pool.before.append(full_disk())
        self.fails(self.status.open_session(ADA, "ada", PHONE, self.ids.token()), Unavailable)


class TokenTests(StatusCase):
    def test_garbage_and_strangers_are_unauthenticated_everywhere(self):
        self.report()
        good = self.login().token
        bad = ["", "x", good[:-1], good + "=", good.swapcase(), "A" * 43, "é" * 43, "' OR 1=1 --", "\0", "A" * 100_000]
        for token in bad:
            self.fails(self.status.authenticate(token), Unauthenticated)
            self.fails(self.status.route(token), Unauthenticated)
            self.run_now(self.status.end_session(token))
        self.run_now(self.status.authenticate(good))

    def test_a_session_lasts_thirty_days_after_its_last_use(self):
        self.report()
        token = self.login().token
        for _ in range(3):
            self.clock.advance(29 * DAY_MS / 1000)
            self.run_now(self.status.authenticate(token))
        self.clock.advance(30 * DAY_MS / 1000 + 1)
        self.fails(self.status.authenticate(token), Unauthenticated)
        self.fails(self.status.route(token), Unauthenticated)


class RouteTests(StatusCase):
    def test_a_token_gets_a_node_without_the_password(self):
        self.report()
        login = self.login()
        self.report("b", B)
        self.report(connections=10)
        session, route, expires_ms = self.run_now(self.status.route(login.token))
        self.assertEqual((session.user_id, route.nodes), (ADA, (B, A)))
        self.assertEqual(expires_ms, self.now_ms() + 30 * DAY_MS)

    def test_without_a_node_unavailable_and_the_token_stays_good(self):
        self.report()
        token = self.login().token
        self.clock.advance(9.001)
        self.fails(self.status.route(token), Unavailable)
        self.report()
        self.run_now(self.status.route(token))

    def test_a_wave_of_logins_and_reconnects_spreads(self):
        self.report()
        self.report("b", B)
        tokens = [self.login(device=Device(f"d{n}", "d", "linux")) for n in range(10)]
        firsts = [login.route.nodes[0] for login in tokens]
        firsts += [self.run_now(self.status.route(login.token))[1].nodes[0] for login in tokens]
        self.assertEqual((firsts.count(A), firsts.count(B)), (10, 10))

    def test_a_node_that_is_silent_gets_nobody_and_is_missed_once(self):
        self.report()
        self.report("b", B)
        with capturedLogs() as events:
            first = []
            for _ in range(5):
                self.clock.advance(3)
                self.report("b", B, connections=1_000)
                first.append(self.login().route.nodes[0])
        self.assertEqual(first, [A, A, A, B, B])
        self.assertEqual([event["node"] for event in events if "gone" in event["log_format"]], ["a"])

    def test_a_node_is_missed_without_anybody_asking_for_one(self):
        self.report()
        self.clock.advance(10)
        with capturedLogs() as events:
            self.report("b", B)
        self.assertEqual([event["node"] for event in events], ["a", "b"])

    def test_a_draining_node_is_left_out(self):
        self.report()
        self.report("b", B, connections=50)
        self.report(draining=True)
        self.assertEqual(self.login().route.nodes, (B,))

    def test_workers_of_one_address_are_given_once(self):
        self.report("a1", A, 30)
        self.report("a2", A, 30)
        self.report("b", B, 50)
        self.assertEqual(self.login().route.nodes, (B, A))


class EndTests(StatusCase):
    def setUp(self):
        super().setUp()
        self.report()
        self.phone, self.laptop = self.login(), self.login(device=LAPTOP)
        self.bob = self.login(BOB, "bob")

    def test_logging_out_ends_this_session_only(self):
        self.run_now(self.status.end_session(self.phone.token))
        self.fails(self.status.authenticate(self.phone.token), Unauthenticated)
        for login in (self.laptop, self.bob):
            self.run_now(self.status.authenticate(login.token))

    def test_the_users_other_devices_learn_of_it_for_good(self):
        self.run_now(self.status.end_session(self.phone.token))
        (event,) = self.private_stream()
        self.assertEqual((event.kind, event.sender_id, event.ordinal), (ContentKind.SESSIONS_ENDED, 0, 0))
        self.assertEqual(CODEC.decode(event.kind, event.content), SessionsEnded(("phone-1",), "logout"))
        self.assertEqual(self.private_stream(BOB), ())

    def test_the_nodes_are_told_and_a_later_session_of_the_device_is_not_meant(self):
        generation = self.run_now(self.status.authenticate(self.phone.token)).generation
        self.run_now(self.status.end_session(self.phone.token))
        (event,) = self.private_stream()
        self.assertEqual(
            self.publisher.published,
            [
                ("user:101", EventsAppended(ADA, 0, (event,))),
                ("user:101", SessionsClosed(ADA, ("phone-1",), "session_ended", generation + 1)),
            ],
        )

    def test_logging_out_twice_is_once(self):
        for _ in range(2):
            self.run_now(self.status.end_session(self.phone.token))
        self.assertEqual(len(self.private_stream()), 1)
        self.assertEqual(len(self.publisher.published), 2)

    def test_a_log_out_that_meets_a_new_login_of_the_device_leaves_the_new_session(self):
        pool = self.database.pool
        pool.hold()
        ended = Deferred.fromCoroutine(self.status.end_session(self.phone.token))
        opened = Deferred.fromCoroutine(self.status.open_session(ADA, "ada", PHONE, self.ids.token()))
        pool.step()
        pool.release()
        self.successResultOf(ended)
        self.run_now(self.status.authenticate(self.successResultOf(opened).token))
        self.assertEqual(self.private_stream(), ())
        self.assertEqual([notice.code for _, notice in self.publisher.published], ["replaced"])

    def test_a_login_that_a_server_carries_out_late_does_not_end_the_session_that_it_opened_elsewhere(self):
        token = self.ids.token()
        login = self.run_now(self.status.open_session(ADA, "ada", PHONE, token))
        hello = self.run_now(self.database.sessions.hello(token_hash(token), PHONE.device_id, self.database.now_ms()))
        self.publisher.published.clear()
        self.clock.advance(3)
        late = self.run_now(self.status.open_session(ADA, "ada", PHONE, token))
        self.assertEqual(late.token, login.token)
        self.assertEqual(self.run_now(self.status.authenticate(login.token)).generation, hello.generation)
        for _, notice in self.publisher.published:
            self.assertLessEqual(notice.below_generation, hello.generation)

    def test_ending_all_leaves_other_users_alone(self):
        self.run_now(self.status.end_all_sessions(ADA, "password_reset"))
        for login in (self.phone, self.laptop):
            self.fails(self.status.authenticate(login.token), Unauthenticated)
        self.run_now(self.status.authenticate(self.bob.token))
        (event,) = self.private_stream()
        self.assertEqual(CODEC.decode(event.kind, event.content), SessionsEnded((), "password_reset"))
        ((channel, notice),) = self.publisher.published[1:]
        self.assertEqual((channel, notice.user_id, notice.device_ids), ("user:101", ADA, None))
        self.clock.advance(0.01)
        session = self.run_now(self.status.authenticate(self.login().token))
        self.assertGreaterEqual(session.generation, notice.below_generation)

    def test_ending_all_again_tells_the_nodes_again_and_writes_nothing(self):
        self.run_now(self.status.end_all_sessions(ADA, "operator"))
        self.publisher.published.clear()
        self.run_now(self.status.end_all_sessions(ADA, "operator"))
        self.assertEqual(self.publisher.published, [("user:101", SessionsClosed(ADA, None, "session_ended"))])
        self.assertEqual(len(self.private_stream()), 1)

    def test_ending_all_others_spares_the_device_and_other_users(self):
        generation = self.run_now(self.status.authenticate(self.laptop.token)).generation
        self.run_now(self.status.end_other_sessions(ADA, "phone-1", "password_change"))
        self.fails(self.status.authenticate(self.laptop.token), Unauthenticated)
        for login in (self.phone, self.bob):
            self.run_now(self.status.authenticate(login.token))
        (event,) = self.private_stream()
        self.assertEqual(CODEC.decode(event.kind, event.content), SessionsEnded(("laptop-1",), "password_change"))
        self.assertEqual(
            self.publisher.published,
            [
                ("user:101", EventsAppended(ADA, 0, (event,))),
                ("user:101", SessionsClosed(ADA, ("laptop-1",), "session_ended", generation + 1)),
            ],
        )

    def test_ending_all_others_where_there_is_none_says_nothing(self):
        for _ in range(2):
            self.run_now(self.status.end_other_sessions(BOB, "phone-1", "password_change"))
        self.assertEqual((self.private_stream(BOB), self.publisher.published), ((), []))
        self.run_now(self.status.authenticate(self.bob.token))

    def test_with_the_account_its_sessions_end_and_those_who_watch_it_are_told(self):
        self.assertTrue(self.run_now(self.database.accounts.delete(ADA, "hash", lambda notes: [], self.now_ms())))
        self.run_now(self.status.end_all_sessions(ADA, "account_deleted"))
        self.assertEqual(
            self.publisher.published,
            [
                ("user:101", SessionsClosed(ADA, None, "session_ended")),
                ("person:101", PersonChanged(ADA, profile=True, presence=True)),
            ],
        )

    def test_a_bus_that_is_away_fails_no_request_and_is_told_by_itself_alone(self):
        self.publisher.failure = Unavailable("Redis is away")
        with capturedLogs() as events:
            self.run_now(self.status.end_session(self.phone.token))
            self.run_now(self.status.end_all_sessions(ADA, "operator"))
            self.publisher.failure = None
            self.run_now(self.status.end_all_sessions(BOB, "operator"))
            self.run_now(self.status.end_all_sessions(BOB, "operator"))
        self.fails(self.status.authenticate(self.phone.token), Unauthenticated)
        self.assertEqual(events, [])

    def test_a_fault_of_the_bus_fails_no_request_either(self):
        self.publisher.failure = RuntimeError("planted")
        self.run_now(self.status.end_session(self.phone.token))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_no_token_is_logged(self):
        with capturedLogs() as events:
            self.login()
            self.run_now(self.status.end_session(self.laptop.token))
        self.assertNotIn(self.laptop.token, repr(events))

    def test_where_nothing_was_stored_nothing_is_told(self):
        self.database.pool.before.extend([None, full_disk()])
        self.fails(self.status.end_session(self.phone.token), Unavailable)
        self.assertEqual(self.publisher.published, [])
        self.run_now(self.status.authenticate(self.phone.token))
