"""The rules for what a user decides about conversations."""

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.conversations import (
    MAX_DELETED,
    StateChange,
    changed_state,
    check_deletion,
    direct_title,
    is_hidden,
    position_refusal,
    told_of_receipts,
    unread,
)
from imchat.domain.errors import InvalidRequest, TooLarge
from imchat.domain.models import ConversationKind, Head, Member, Membership
from imchat.domain.notes import ConversationState
from imchat.domain.permissions import may_be_told

TALK, NOW = 5, 1_000


def head(last_seq: int, last_message_seq: int) -> Head:
    return Head(TALK, last_seq, last_message_seq, last_message_seq, 0, NOW)


class StateTests(SynchronousTestCase):
    def changed(self, state: ConversationState, at: Head | None = None, **change: bool) -> ConversationState:
        return changed_state(state, StateChange(**change), at or head(9, 7), NOW)

    def test_nothing_given_changes_nothing(self) -> None:
        state = ConversationState(TALK, 4, True, 3, 2)
        self.assertEqual(state, self.changed(state))

    def test_pinned_since_the_first_time(self) -> None:
        pinned = self.changed(ConversationState(TALK), pinned=True)
        self.assertEqual(NOW, pinned.pinned_ms)
        self.assertEqual(4, self.changed(ConversationState(TALK, 4), pinned=True).pinned_ms)
        self.assertEqual(0, self.changed(pinned, pinned=False).pinned_ms)

    def test_hidden_up_to_the_end_as_it_is_now(self) -> None:
        hidden = self.changed(ConversationState(TALK), hidden=True)
        self.assertEqual(9, hidden.hidden_seq)
        self.assertEqual(hidden, self.changed(hidden, head(12, 7), hidden=True))
        self.assertEqual(12, self.changed(hidden, head(12, 11), hidden=True).hidden_seq)
        self.assertEqual(0, self.changed(hidden, hidden=False).hidden_seq)

    def test_what_has_no_event_cannot_be_hidden(self) -> None:
        self.assertEqual(ConversationState(TALK), self.changed(ConversationState(TALK), head(0, 0), hidden=True))

    def test_until_the_next_message(self) -> None:
        self.assertEqual([True, True, False], [is_hidden(9, seq) for seq in (7, 9, 10)])
        self.assertFalse(is_hidden(0, 0))


class NumberTests(SynchronousTestCase):
    def test_unread_is_never_below_zero(self) -> None:
        self.assertEqual([3, 0, 0], [unread(5, ordinal) for ordinal in (2, 5, 9)])

    def test_positions_lie_within_the_conversation(self) -> None:
        refusals = [position_refusal(seq, 5) for seq in (-1, 0, 1, 5, 6)]
        self.assertEqual(["invalid_request", "invalid_request", None, None, "invalid_request"], refusals)
        self.assertEqual("invalid_request", position_refusal(0, 0))

    def test_what_can_be_deleted(self) -> None:
        check_deletion(range(1, MAX_DELETED + 1), 0)
        check_deletion((), 1)
        for seqs, through_seq in (
            ((), 0),
            ((1,), 1),
            ((0,), 0),
            ((-1,), 0),
            ((), -1),
            ((1, 2**53), 0),
            ((), 2**64 - 1),
        ):
            self.assertRaises(InvalidRequest, check_deletion, seqs, through_seq)
        self.assertRaises(TooLarge, check_deletion, range(1, MAX_DELETED + 2), 0)


class ToldTests(SynchronousTestCase):
    def test_the_title(self) -> None:
        self.assertEqual("mine", direct_title("mine", "Bobby", "bob"))
        self.assertEqual("Bobby", direct_title("", "Bobby", "bob"))
        self.assertEqual("bob", direct_title("", "", "bob"))

    def test_receipts_go_to_those_who_send_them(self) -> None:
        self.assertEqual((2, 3), told_of_receipts(1, frozenset((3, 2, 1))))
        self.assertEqual((), told_of_receipts(1, frozenset((2, 3))))
        self.assertEqual((), told_of_receipts(1, frozenset((1,))))

    def test_nothing_is_told_between_those_who_block_and_are_blocked_nor_to_strangers(self) -> None:
        def told(of_id: int, user_id: int, blocks: bool = False) -> bool:
            members = {1: Member(1, 0, 1, blocks=blocks), 2: Member(2, 0, 1)}
            return may_be_told(Membership(TALK, ConversationKind.DIRECT, 0, members), of_id, user_id)

        self.assertTrue(told(1, 2))
        self.assertFalse(told(1, 2, blocks=True))
        self.assertFalse(told(2, 1, blocks=True))
        self.assertFalse(told(1, 3))
        self.assertFalse(told(3, 1))
        self.assertFalse(may_be_told(None, 1, 2))
