"""Login: its limits, its cost, and what happens beside it."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from imchat.domain.errors import BadCredentials, InvalidRequest, RateLimited, Unauthenticated, Unavailable
from imchat.domain.models import Device
from imchat.ports import Limit
from tests.fakes.gate import DEVICE, GateWorld
from tests.unit.test_gate_logic import PASSWORD, GateCase

STRANGER = "203.0.113.9"


class LoginCase(GateCase):
    def world(self, **changes: object) -> GateWorld:
        world = GateWorld(**changes)
        self.result(world.operators.create_user("Alice", "alice@example.org", PASSWORD))
        return world

    def login(self, world: GateWorld, password: str = PASSWORD, login: str = "Alice", peer: str = GateWorld.PEER):
        return world.gate.login(login, password, DEVICE, peer)

    def fail_until_limited(self, world: GateWorld, login: str = "Alice", peer: str = GateWorld.PEER) -> int:
        error, number = None, -1
        while not isinstance(error, RateLimited):
            error, number = (
                self.failure(self.login(world, "wrong", login, peer), BadCredentials, RateLimited),
                number + 1,
            )
            self.assertLess(number, 1_000, "never limited")
        self.assertGreater(error.retry_after_ms, 0)
        return number


class CostTests(LoginCase):
    def test_wrong_password_and_unknown_account_do_the_same_work_and_say_the_same(self) -> None:
        world = self.world()
        seen = []
        for login in ("Alice", "alice@example.org", "Nobody", "nobody@example.org", "x" * 254, "\x00'--@"):
            before = (world.hasher.hashed, world.hasher.verified)
            error = self.failure(self.login(world, "wrong", login), BadCredentials)
            seen.append((world.hasher.hashed - before[0], world.hasher.verified - before[1], str(error)))
        self.assertEqual(set(seen), {(0, 1, "wrong name or password")})

    def test_unknown_account_is_limited_like_a_known_one(self) -> None:
        world = self.world()
        self.assertEqual(self.fail_until_limited(world, "Alice"), self.fail_until_limited(world, "Nobody"))

    def test_failures_under_an_address_do_not_tell_whose_it_is(self) -> None:
        world = self.world()
        self.fail_until_limited(world, "alice@example.org")
        self.failure(self.login(world, "wrong", "Alice"), BadCredentials)

    def test_a_full_queue_is_no_failure(self) -> None:
        world = self.world()
        world.hasher.full = True
        for _ in range(30):
            self.failure(self.login(world), Unavailable)
        world.hasher.full = False
        self.result(self.login(world))

    def test_a_client_that_goes_away_leaves_no_failure(self) -> None:
        world = self.world()
        for _ in range(30):
            world.hasher.hold = Deferred()
            pending = Deferred.fromCoroutine(self.login(world))
            pending.cancel()
            self.failureResultOf(pending, CancelledError)
        world.hasher.hold = None
        self.result(self.login(world))


class LimitTests(LoginCase):
    def test_success_costs_nothing_per_account(self) -> None:
        world = self.world()
        for _ in range(40):
            self.result(self.login(world))

    def test_failures_of_one_account_from_one_peer(self) -> None:
        world = self.world()
        self.assertEqual(self.fail_until_limited(world), 10)
        self.failure(self.login(world), RateLimited)
        world.clock.advance(30)
        self.result(self.login(world))

    def test_a_stranger_does_not_lock_the_owner_out(self) -> None:
        world = self.world()
        self.fail_until_limited(world, peer=STRANGER)
        self.result(self.login(world))

    def test_many_strangers_get_slower_and_do_not_lock_the_owner_out(self) -> None:
        world = self.world()
        counts = [self.fail_until_limited(world, peer=f"203.0.113.{number}") for number in range(20)]
        self.assertEqual(counts[:9], [10] * 9)
        self.assertEqual(set(counts[11:]), {2})
        self.failure(self.login(world, "mistyped"), BadCredentials)
        self.result(self.login(world))

    def test_tries_that_are_refused_postpone_nothing(self) -> None:
        world = self.world()
        for number in range(20):
            self.fail_until_limited(world, peer=f"203.0.113.{number}")
        for _ in range(2):
            self.failure(self.login(world, "mistyped"), BadCredentials)
        for _ in range(30):
            self.failure(self.login(world), RateLimited)
        world.clock.advance(3)
        self.result(self.login(world))

    def test_many_at_once_do_not_slip_through(self) -> None:
        world = self.world()
        world.hasher.hold = Deferred()
        attempts = [Deferred.fromCoroutine(self.login(world, "wrong")) for _ in range(40)]
        limited = [d for d in attempts if d.called]
        self.assertEqual(len(limited), 30)
        for attempt in limited:
            self.failureResultOf(attempt, RateLimited)
        world.hasher.hold.callback(None)
        for attempt in attempts:
            if attempt not in limited:
                self.failureResultOf(attempt, BadCredentials)

    def test_all_logins_of_a_peer(self) -> None:
        world = self.world(logins_per_peer=Limit(5, 60_000))
        for _ in range(5):
            self.result(self.login(world))
        self.assertEqual(self.failure(self.login(world), RateLimited).retry_after_ms, 12_000)
        self.result(self.login(world, peer=STRANGER))

    def test_limits_hold_no_names(self) -> None:
        world = self.world()
        keys = []
        world.limiter.take = self._recording(world.limiter.take, keys)
        self.failure(self.login(world, "wrong", "alice@example.org"), BadCredentials)
        self.assertTrue(keys)
        self.assertFalse([key for key in keys if "alice" in key])

    def _recording(self, take, keys):
        async def record(key, limit):
            keys.append(key)
            return await take(key, limit)

        return record


class SessionTests(LoginCase):
    def test_route_and_logout(self) -> None:
        world = self.world()
        login = self.result(self.login(world))
        session, route, expires_ms = self.result(world.gate.route(login.token))
        self.assertEqual((session.name, route, expires_ms), ("Alice", login.route, login.expires_ms))
        self.result(world.gate.logout(login.token))
        self.failure(world.gate.route(login.token), Unauthenticated)
        self.failure(world.gate.logout(login.token), Unauthenticated)

    def test_no_session_without_a_node(self) -> None:
        world = self.world()
        world.status.down = True
        self.assertEqual(self.failure(self.login(world), Unavailable).retry_after_ms, 3_000)

    def test_bad_device_is_refused_before_anything_counts(self) -> None:
        world = self.world(logins_per_peer=Limit(1, 60_000))
        self.failure(world.gate.login("Alice", PASSWORD, Device("a/b", "x", "y"), world.PEER), InvalidRequest)
        self.result(self.login(world))

    def test_a_reset_while_logging_in_leaves_no_session_of_the_old_password(self) -> None:
        world = self.world()
        user = self.result(world.user())

        async def reset() -> None:
            await world.accounts.set_password(user.id, "v2:another-kelp")
            await world.status.end_all_sessions(user.id, "password_reset")

        world.status.before_open = reset
        self.failure(self.login(world), BadCredentials)
        self.assertEqual(world.status.sessions, {})


class RehashTests(LoginCase):
    def outdated(self) -> GateWorld:
        world = self.world()
        world.hasher.version = "v3"
        return world

    def stored(self, world: GateWorld) -> str:
        return self.result(world.user()).password_hash

    def test_old_parameters_are_renewed_at_login(self) -> None:
        world = self.outdated()
        self.result(self.login(world))
        self.assertEqual(self.stored(world), f"v3:{PASSWORD}")
        before = world.hasher.hashed
        self.result(self.login(world))
        self.assertEqual(world.hasher.hashed, before)

    def test_wrong_password_renews_nothing(self) -> None:
        world = self.outdated()
        self.failure(self.login(world, "wrong"), BadCredentials)
        self.assertEqual(self.stored(world), f"v2:{PASSWORD}")

    def test_login_succeeds_where_renewal_must_wait(self) -> None:
        world = self.outdated()

        async def fill() -> None:
            world.hasher.full = True

        world.status.before_open = fill
        self.result(self.login(world))
        self.assertEqual(self.stored(world), f"v2:{PASSWORD}")

    def test_another_login_may_renew_meanwhile(self) -> None:
        world = self.outdated()
        user = self.result(world.user())

        async def other() -> None:
            await world.accounts.set_password(user.id, f"v3:{PASSWORD}")

        world.status.before_open = other
        self.result(self.login(world))
        self.assertEqual(self.stored(world), f"v3:{PASSWORD}")
