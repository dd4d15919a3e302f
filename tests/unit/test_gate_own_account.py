"""Another password, and the end of an account: who may, what it costs to guess, and what is left."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imchat.domain.errors import BadCredentials, RateLimited, Unauthenticated, Unavailable, ValueRefused, WeakPassword
from imchat.domain.models import Device
from imchat.ports import Limit
from tests.fakes.gate import DEVICE, GateWorld
from tests.unit.test_gate_logic import PASSWORD
from tests.unit.test_gate_logic_login import STRANGER, LoginCase

FRESH = "another-kelp-43"
LAPTOP = Device("device-2", "a laptop", "linux")


class OwnAccountCase(LoginCase):
    def setUp(self) -> None:
        self.gate_world = self.world()
        self.token = self.opened()

    def opened(self, password: str = PASSWORD, device: Device = DEVICE) -> str:
        return self.result(self.gate_world.gate.login("Alice", password, device, GateWorld.PEER)).token

    def change(self, old: str = PASSWORD, new: str = FRESH, token: str | None = None, peer: str = GateWorld.PEER):
        return self.gate_world.gate.own_account.change_password(token or self.token, old, new, peer)

    def delete(self, password: str = PASSWORD, token: str | None = None):
        return self.gate_world.gate.own_account.delete(token or self.token, password, GateWorld.PEER)

    def authenticate(self, token: str):
        return self.gate_world.status.authenticate(token)


class ChangeTests(OwnAccountCase):
    def test_the_new_password_is_good_and_the_old_one_is_not(self) -> None:
        self.result(self.change())
        self.failure(self.login(self.gate_world), BadCredentials)
        self.result(self.login(self.gate_world, FRESH))

    def test_other_sessions_end_and_the_own_one_stays(self) -> None:
        other = self.opened(device=LAPTOP)
        self.result(self.change())
        self.result(self.authenticate(self.token))
        self.failure(self.authenticate(other), Unauthenticated)
        user = self.result(self.gate_world.user())
        self.assertEqual(self.gate_world.status.ended, [(user.id, "password_change")])

    def test_a_wrong_old_password_changes_nothing(self) -> None:
        other = self.opened(device=LAPTOP)
        self.failure(self.change("wrong"), BadCredentials)
        self.result(self.authenticate(other))
        self.result(self.login(self.gate_world))

    def test_without_a_session_nothing_is_looked_at(self) -> None:
        verified = self.gate_world.hasher.verified
        self.failure(self.change(token="A" * 43), Unauthenticated)
        self.assertEqual(self.gate_world.hasher.verified, verified)

    def test_the_rules_for_passwords_hold(self) -> None:
        self.failure(self.change(new="password123"), WeakPassword)
        self.failure(self.change(new="alice@example.org"), WeakPassword)
        refused = self.failure(self.change(new="e\u0301" * 4), ValueRefused)
        self.assertEqual(refused.field, "new_password")
        self.result(self.login(self.gate_world))

    def test_guessing_is_limited_as_failed_logins_are_and_with_them(self) -> None:
        for _ in range(10):
            self.failure(self.change("wrong"), BadCredentials)
        self.failure(self.change("wrong"), RateLimited)
        self.failure(self.login(self.gate_world), RateLimited)
        self.result(self.login(self.gate_world, peer=STRANGER))

    def test_what_is_right_or_fails_for_another_reason_costs_no_try(self) -> None:
        for number in range(12):
            self.result(self.change(PASSWORD if not number else f"{FRESH}{number - 1}", f"{FRESH}{number}"))
            self.failure(self.change(f"{FRESH}{number}", "password123"), WeakPassword)

    def test_it_counts_among_the_logins_of_a_network(self) -> None:
        self.gate_world = self.world(logins_per_peer=Limit(2, 60_000))
        self.token = self.opened()
        self.result(self.change())
        self.failure(self.change(FRESH, PASSWORD), RateLimited)

    def test_after_an_outage_the_same_again_ends_the_sessions(self) -> None:
        other = self.opened(device=LAPTOP)
        held = self.gate_world.status.end_other_sessions

        async def fail(*args: object) -> None:
            raise Unavailable("status is down")

        self.gate_world.status.end_other_sessions = fail
        self.failure(self.change(), Unavailable)
        self.result(self.authenticate(other))
        self.gate_world.status.end_other_sessions = held
        self.result(self.change())
        self.failure(self.authenticate(other), Unauthenticated)
        self.result(self.login(self.gate_world, FRESH))

    def test_a_reset_at_the_same_time_is_not_undone(self) -> None:
        hasher, user = self.gate_world.hasher, self.result(self.gate_world.user())
        hasher.hold = Deferred()
        pending = Deferred.fromCoroutine(self.change())
        self.assertTrue(self.result(self.gate_world.accounts.set_password(user.id, "v2:by-mail-44")))
        held, hasher.hold = hasher.hold, None
        held.callback(None)
        self.failureResultOf(pending, Unavailable)
        self.result(self.login(self.gate_world, "by-mail-44"))


class DeleteTests(OwnAccountCase):
    def test_nobody_can_log_in_and_all_sessions_end(self) -> None:
        other = self.opened(device=LAPTOP)
        user = self.result(self.gate_world.user())
        self.result(self.delete())
        for token in (self.token, other):
            self.failure(self.authenticate(token), Unauthenticated)
        for login in ("Alice", "alice@example.org", f"deleted-{user.id}", f"deleted/{user.id}"):
            for password in (PASSWORD, "", "x"):
                self.failure(self.login(self.gate_world, password, login), BadCredentials)
        self.assertEqual(self.gate_world.status.ended, [(user.id, "account_deleted")])

    def test_name_and_address_can_be_registered_again(self) -> None:
        before = self.result(self.gate_world.user())
        self.result(self.delete())
        self.result(self.gate_world.operators.create_user("Alice", "alice@example.org", PASSWORD))
        self.assertNotEqual(self.result(self.gate_world.user()).id, before.id)
        self.result(self.login(self.gate_world))

    def test_a_token_of_the_old_account_does_nothing_to_the_new_one_of_its_name(self) -> None:
        session = self.gate_world.status.sessions[self.token]
        self.result(self.delete())
        self.result(self.gate_world.operators.create_user("Alice", "alice@example.org", PASSWORD))
        self.gate_world.status.sessions[self.token] = session
        self.failure(self.delete(), Unauthenticated)
        self.failure(self.change(), Unauthenticated)
        self.result(self.login(self.gate_world))

    def test_a_wrong_password_deletes_nothing_and_is_limited(self) -> None:
        for _ in range(10):
            self.failure(self.delete("wrong"), BadCredentials)
        self.failure(self.delete(), RateLimited)
        self.result(self.login(self.gate_world, peer=STRANGER))

    def test_without_a_session_nothing_happens(self) -> None:
        self.failure(self.delete(token="A" * 43), Unauthenticated)
        self.result(self.login(self.gate_world))

    def test_a_deletion_while_logging_in_leaves_no_session(self) -> None:
        async def delete() -> None:
            self.gate_world.status.before_open = None
            await self.delete()

        self.gate_world.status.before_open = delete
        self.failure(self.login(self.gate_world), BadCredentials)
        self.assertEqual(self.gate_world.status.sessions, {})
