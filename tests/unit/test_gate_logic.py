"""Registration, codes, password reset and what an operator may do."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.accounts import RegistrationMode
from imchat.domain.errors import (
    CodeInvalid,
    EmailTaken,
    InvitationInvalid,
    NameTaken,
    RateLimited,
    RegistrationClosed,
    Unavailable,
    ValueRefused,
    WeakPassword,
)
from imchat.domain.models import Invitation
from imchat.gate.logic import Registration
from imchat.ports import Limit, MailKind, Purpose
from tests.fakes.gate import DEVICE, FakeVerify, GateWorld

PASSWORD = "kelp-forest-42"
REGISTRATION = Registration("Alice", "alice@example.org", PASSWORD, FakeVerify.CODE)


class GateCase(SynchronousTestCase):
    def world(self, **changes: object) -> GateWorld:
        return GateWorld(**changes)

    def result(self, coroutine):
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def failure(self, coroutine, *kinds):
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), *kinds).value

    def code_sent(self, world: GateWorld, email: str = "alice@example.org", purpose=Purpose.REGISTRATION):
        return self.result(world.gate.request_code(purpose, email, "en", world.PEER))

    def registered(self, world: GateWorld, request: Registration = REGISTRATION):
        self.code_sent(world, request.email)
        return self.result(world.gate.register(request, world.PEER))


class CodeTests(GateCase):
    def test_mail_tells_what_the_answer_hides(self) -> None:
        world = self.world()
        self.registered(world)
        for purpose, email, kind in (
            (Purpose.REGISTRATION, "new@example.org", MailKind.CODE),
            (Purpose.REGISTRATION, "ALICE@example.org", MailKind.ALREADY_REGISTERED),
            (Purpose.PASSWORD_RESET, "alice@example.org", MailKind.CODE),
            (Purpose.PASSWORD_RESET, "new@example.org", MailKind.NO_ACCOUNT),
        ):
            answer = self.result(world.gate.request_code(purpose, email, "zh-CN", world.PEER))
            self.assertEqual((answer.expires_in_ms, answer.retry_after_ms), (300_000, 60_000))
            self.assertEqual(world.verify.mails[-1], (purpose, email, kind, "zh-CN"))

    def test_a_peer_may_ask_so_often_only(self) -> None:
        world = self.world(codes_per_peer=Limit(2, 60_000))
        for number in range(2):
            self.code_sent(world, f"u{number}@example.org")
        refused = world.gate.request_code(Purpose.REGISTRATION, "u3@example.org", "en", world.PEER)
        self.assertEqual(self.failure(refused, RateLimited).retry_after_ms, 30_000)
        self.result(world.gate.request_code(Purpose.REGISTRATION, "u3@example.org", "en", "198.51.100.7"))

    def test_refused_addresses_get_no_mail(self) -> None:
        world = self.world()
        self.failure(world.gate.request_code(Purpose.REGISTRATION, "x@localhost", "en", world.PEER), ValueRefused)
        self.assertEqual(world.verify.mails, [])

    def test_closed_registration_still_resets_passwords(self) -> None:
        world = self.world(registration=RegistrationMode.CLOSED)
        request = world.gate.request_code(Purpose.REGISTRATION, "alice@example.org", "en", world.PEER)
        self.failure(request, RegistrationClosed)
        self.code_sent(world, purpose=Purpose.PASSWORD_RESET)


class RegistrationTests(GateCase):
    def test_a_code_makes_an_account_that_can_log_in(self) -> None:
        world = self.world()
        card = self.registered(world)
        login = self.result(world.gate.login("alice@Example.org", PASSWORD, DEVICE, world.PEER))
        self.assertEqual((login.user_id, login.name), (card.id, "Alice"))

    def test_a_code_is_good_once_and_for_its_address_only(self) -> None:
        world = self.world()
        self.code_sent(world, "other@example.org")
        self.failure(world.gate.register(REGISTRATION, world.PEER), CodeInvalid)
        self.registered(world)
        again = Registration("Alice2", "alice@example.org", PASSWORD, FakeVerify.CODE)
        self.failure(world.gate.register(again, world.PEER), CodeInvalid)

    def test_a_code_for_a_reset_is_no_good(self) -> None:
        world = self.world()
        self.registered(world)
        self.code_sent(world, purpose=Purpose.PASSWORD_RESET)
        other = Registration("Bob", "alice@example.org", PASSWORD, FakeVerify.CODE)
        self.failure(world.gate.register(other, world.PEER), CodeInvalid)

    def test_refusals_that_tell_no_secret_cost_no_code(self) -> None:
        world = self.world()
        self.registered(world, Registration("Bob", "bob@example.org", PASSWORD, FakeVerify.CODE))
        self.code_sent(world)
        for name, password, kind in (
            ("bOB", PASSWORD, NameTaken),
            ("<b>Alice</b>", PASSWORD, ValueRefused),
            ("Alice", "password1", WeakPassword),
            ("Alice Liddell", "alice liddell", WeakPassword),
        ):
            request = Registration(name, "alice@example.org", password, FakeVerify.CODE)
            self.failure(world.gate.register(request, world.PEER), kind)
        world.hasher.full = True
        self.failure(world.gate.register(REGISTRATION, world.PEER), Unavailable)
        world.hasher.full = False
        self.assertEqual(self.result(world.gate.register(REGISTRATION, world.PEER)).name, "Alice")

    def test_address_taken_is_told_after_a_right_code_only(self) -> None:
        world = self.world()
        self.code_sent(world)
        self.result(world.operators.create_user("Early", "alice@example.org", PASSWORD))
        wrong = Registration("Alice", "alice@example.org", PASSWORD, "000000")
        self.failure(world.gate.register(wrong, world.PEER), CodeInvalid)
        self.failure(world.gate.register(REGISTRATION, world.PEER), EmailTaken)

    def test_a_peer_may_try_so_often_only(self) -> None:
        world = self.world(registrations_per_peer=Limit(3, 60_000))
        for _ in range(3):
            self.failure(world.gate.register(REGISTRATION, world.PEER), CodeInvalid)
        self.failure(world.gate.register(REGISTRATION, world.PEER), RateLimited)
        self.assertEqual(world.verify.checked, 3)

    def test_closed_means_closed(self) -> None:
        world = self.world(registration=RegistrationMode.CLOSED)
        self.failure(world.gate.register(REGISTRATION, world.PEER), RegistrationClosed)

    def test_secrets_are_not_in_the_text_form(self) -> None:
        self.assertNotIn(PASSWORD, repr(REGISTRATION))
        self.assertNotIn(FakeVerify.CODE, repr(REGISTRATION))


class InvitationTests(GateCase):
    def invited(self, world: GateWorld, name: str, invitation: str | None):
        email = f"{name.lower()}@example.org"
        self.code_sent(world, email)
        return world.gate.register(Registration(name, email, PASSWORD, FakeVerify.CODE, invitation), world.PEER)

    def test_as_many_as_it_has_uses(self) -> None:
        world = self.world(registration=RegistrationMode.INVITATION)
        invitation = self.result(world.operators.invite(2, 7))
        self.assertEqual(invitation.expires_ms, world.now_ms() + 7 * 86_400_000)
        self.assertRegex(invitation.code, r"^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$")
        self.result(self.invited(world, "Anna", invitation.code))
        self.result(self.invited(world, "Bert", invitation.code.lower().replace("-", "")))
        self.failure(self.invited(world, "Carl", invitation.code), InvitationInvalid)

    def test_a_bad_one_costs_no_code(self) -> None:
        world = self.world(registration=RegistrationMode.INVITATION)
        for bad in (None, "", "---", "WRONG"):
            self.failure(self.invited(world, "Anna", bad), InvitationInvalid)
        self.assertEqual(world.verify.checked, 0)

    def test_an_expired_one_is_refused(self) -> None:
        world = self.world(registration=RegistrationMode.INVITATION)
        invitation = self.result(world.operators.invite(1, 1))
        world.clock.advance(86_400)
        self.failure(self.invited(world, "Anna", invitation.code), InvitationInvalid)

    def test_open_registration_uses_none_up(self) -> None:
        world = self.world()
        self.result(world.invitations.add(Invitation("ABCD", 1, world.now_ms() + 1), world.now_ms()))
        self.result(self.invited(world, "Anna", "ABCD"))
        self.assertTrue(self.result(world.invitations.usable("ABCD", world.now_ms())))


class ResetTests(GateCase):
    NEW = "other-kelp-43"

    def test_new_password_holds_and_all_sessions_end(self) -> None:
        world = self.world()
        card = self.registered(world)
        login = self.result(world.gate.login("Alice", PASSWORD, DEVICE, world.PEER))
        self.code_sent(world, purpose=Purpose.PASSWORD_RESET)
        self.result(world.gate.reset_password("alice@example.org", FakeVerify.CODE, self.NEW, world.PEER))
        self.assertEqual(world.status.ended, [(card.id, "password_reset")])
        self.assertNotIn(login.token, world.status.sessions)
        self.result(world.gate.login("Alice", self.NEW, DEVICE, world.PEER))

    def test_known_and_unknown_address_cost_and_answer_alike(self) -> None:
        world = self.world()
        self.registered(world)
        outcomes = []
        for email in ("alice@example.org", "nobody@example.org"):
            before = world.hasher.work
            error = self.failure(world.gate.reset_password(email, "000000", self.NEW, world.PEER), CodeInvalid)
            outcomes.append((str(error), error.retry_after_ms, world.hasher.work - before))
        self.assertEqual(outcomes[0], outcomes[1])

    def test_weak_password_costs_no_code(self) -> None:
        world = self.world()
        self.registered(world)
        self.code_sent(world, purpose=Purpose.PASSWORD_RESET)
        checked = world.verify.checked
        for weak in ("password", "alice@example.org"):
            reset = world.gate.reset_password("alice@example.org", FakeVerify.CODE, weak, world.PEER)
            self.failure(reset, WeakPassword)
        self.assertEqual(world.verify.checked, checked)

    def test_own_name_as_password_is_refused_and_only_after_the_code(self) -> None:
        world = self.world()
        self.registered(world, Registration("Alice Liddell", "alice@example.org", PASSWORD, FakeVerify.CODE))
        reset = world.gate.reset_password("alice@example.org", "000000", "alice liddell", world.PEER)
        self.failure(reset, CodeInvalid)
        self.code_sent(world, purpose=Purpose.PASSWORD_RESET)
        reset = world.gate.reset_password("alice@example.org", FakeVerify.CODE, "alice liddell", world.PEER)
        self.failure(reset, WeakPassword)
        self.result(world.gate.login("Alice Liddell", PASSWORD, DEVICE, world.PEER))

    def test_a_peer_may_try_so_often_only(self) -> None:
        world = self.world(registrations_per_peer=Limit(2, 60_000))
        for _ in range(2):
            reset = world.gate.reset_password("alice@example.org", "000000", self.NEW, world.PEER)
            self.failure(reset, CodeInvalid)
        self.failure(world.gate.reset_password("alice@example.org", "000000", self.NEW, world.PEER), RateLimited)


class OperatorTests(GateCase):
    def test_account_without_mail_even_where_registration_is_closed(self) -> None:
        world = self.world(registration=RegistrationMode.CLOSED)
        card = self.result(world.operators.create_user("Alice", "alice@example.org", PASSWORD))
        self.assertEqual(self.result(world.gate.login("alice", PASSWORD, DEVICE, world.PEER)).user_id, card.id)
        self.assertEqual(world.verify.mails, [])

    def test_same_rules_as_for_everybody(self) -> None:
        world = self.world()
        self.result(world.operators.create_user("Alice", "alice@example.org", PASSWORD))
        for name, email, password, kind in (
            ("ALICE", "b@example.org", PASSWORD, NameTaken),
            ("Bob", "Alice@example.org", PASSWORD, EmailTaken),
            ("B", "b@example.org", PASSWORD, ValueRefused),
            ("Bob", "b@", PASSWORD, ValueRefused),
            ("Bob", "b@example.org", "password", WeakPassword),
        ):
            self.failure(world.operators.create_user(name, email, password), kind)
