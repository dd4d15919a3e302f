"""Who may do what in a conversation."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Passing, by_code
from imchat.domain.models import ConversationKind, Draft, Member, Membership
from imchat.domain.permissions import ContactsPolicy, may_open_direct, may_see, may_send, may_speak_of, permit


def pair(one: Member, *others: Member) -> Membership:
    return Membership(9, ConversationKind.DIRECT, 1, {member.user_id: member for member in (one, *others)})


ANN, BOB = Member(1, 0, 1, has_contact=True), Member(2, 0, 5, has_contact=True)
PAIR = pair(ANN, BOB)


class PermissionTests(SynchronousTestCase):
    def test_members_send(self) -> None:
        self.assertIsNone(may_send(PAIR, 1))
        self.assertIsNone(may_send(PAIR, 2))

    def test_in_a_direct_conversation_both_may_write_or_none(self) -> None:
        required, everybody = ContactsPolicy.REQUIRED, ContactsPolicy.OPEN
        no = "not_contacts"
        for other, in_required, in_open in (
            (BOB, None, None),
            (replace(BOB, has_contact=False), no, None),
            (replace(BOB, blocks=True), no, no),
            (replace(BOB, gone=True), no, no),
        ):
            for user_id in (1, 2):
                self.assertEqual(in_required, may_send(pair(ANN, other), user_id, required))
                self.assertEqual(in_open, may_send(pair(ANN, other), user_id, everybody))
                self.assertEqual(in_required, permit(Draft(9, user_id, b"", 1, b"", b""), pair(ANN, other)))
        self.assertEqual(no, may_send(pair(ANN), 1, everybody))

    def test_groups_know_nothing_of_contacts(self) -> None:
        strangers = {1: Member(1, 0, 1), 2: Member(2, 0, 1, blocks=True), 3: Member(3, 0, 1, gone=True)}
        self.assertIsNone(may_send(Membership(9, ConversationKind.GROUP, 1, strangers), 1))

    def test_a_strangers_answer_is_that_for_a_conversation_that_does_not_exist(self) -> None:
        self.assertEqual("not_found", may_send(PAIR, 3))
        self.assertEqual("not_found", may_send(None, 3))

    def test_under_the_lock_the_senders_membership_counts(self) -> None:
        self.assertIsNone(permit(Draft(9, 1, b"", 1, b"", b""), PAIR))
        self.assertEqual("not_found", permit(Draft(9, 3, b"", 1, b"", b""), PAIR))

    def test_members_see_what_came_since_they_joined(self) -> None:
        self.assertTrue(may_see(PAIR, 2, 5))
        self.assertFalse(may_see(PAIR, 2, 4))
        self.assertFalse(may_see(PAIR, 3, 5))

    def test_one_speaks_of_what_one_sees_and_of_members(self) -> None:
        self.assertIsNone(may_speak_of(PAIR, 2, 5, (1, 2)))
        self.assertIsNone(may_speak_of(PAIR, 2, 0, ()))
        self.assertEqual("not_found", may_speak_of(PAIR, 2, 4, ()))
        self.assertEqual("not_found", may_speak_of(PAIR, 1, -1, ()))
        self.assertEqual("not_found", may_speak_of(PAIR, 1, 0, (2, 3)))
        self.assertEqual("not_found", may_speak_of(PAIR, 1, 0, (2**64 - 1,)))

    def test_so_it_is_under_the_lock(self) -> None:
        self.assertIsNone(permit(Draft(9, 2, b"", 32, b"", b"", target=5), PAIR))
        self.assertEqual("not_found", permit(Draft(9, 2, b"", 32, b"", b"", target=4), PAIR))
        self.assertEqual("not_found", permit(Draft(9, 2, b"", 1, b"", b"", mentions=(3,)), PAIR))

    def test_nobody_talks_to_oneself(self) -> None:
        self.assertIsNone(may_open_direct(1, 2))
        self.assertEqual("invalid_request", may_open_direct(1, 1))

    def test_no_refusal_is_for_a_passing_reason(self) -> None:
        for code in (may_send(None, 1), may_send(pair(ANN), 1), may_send(PAIR, 3), may_open_direct(1, 1)):
            self.assertFalse(issubclass(by_code()[code or ""], Passing))
