"""The rules of contacts, requests and blocks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain import contacts as rules
from imchat.domain.contact_limits import check_counts, check_greeting, check_labels, check_remark
from imchat.domain.contacts import DAY_MS, EXPIRY_MS, Answer, AskedState, ContactEdit, Pair
from imchat.domain.errors import InvalidRequest, NotFound, RateLimited, TooLate, TooMany, ValueRefused
from imchat.domain.people import Contact, ContactRequest, RequestState

ANN, BOB = 1, 2
START = 1_800_000_000_000
STRANGERS = Pair(Contact(BOB), Contact(ANN))


def by_other(pair: Pair, act, *args, **more) -> Pair:
    """The same act by the other of the two."""
    return act(pair.turned(), *args, **more).turned()


class Case(SynchronousTestCase):
    def asked(self, greeting: str = "hi", remark: str = "Bobby") -> Pair:
        return rules.request(STRANGERS, greeting, remark, START)

    def befriended(self) -> Pair:
        return by_other(self.asked(), rules.answer, Answer.ACCEPT, "Annie", START + 5)

    def states(self, pair: Pair, now_ms: int = START):
        """What the first and the second are told of the requests."""
        return [[view.state for view in side.requests(now_ms)] for side in (pair, pair.turned())]


class RequestTests(Case):
    def test_both_see_it_and_only_the_one_who_asked_sees_the_remark(self) -> None:
        pair = self.asked()
        sent = ContactRequest(BOB, False, "hi", "Bobby", RequestState.PENDING, START, START)
        received = ContactRequest(ANN, True, "hi", "", RequestState.PENDING, START, START)
        self.assertEqual((sent,), pair.requests(START))
        self.assertEqual((received,), pair.turned().requests(START))
        self.assertFalse(pair.contacts)

    def test_the_same_again_changes_nothing_and_so_does_another_greeting(self) -> None:
        pair = self.asked()
        self.assertEqual(pair, rules.request(pair, "hi", "Bobby", START + 1))
        self.assertEqual(pair, rules.request(pair, "please", "B", START + EXPIRY_MS - 1))

    def test_crossing_requests_make_contacts_with_the_remarks_of_both(self) -> None:
        pair = by_other(self.asked(), rules.request, "hello", "Annie", START + 9)
        self.assertTrue(pair.contacts)
        self.assertEqual(Contact(BOB, True, remark="Bobby", since_ms=START + 9), pair.own)
        self.assertEqual(Contact(ANN, True, remark="Annie", since_ms=START + 9), pair.theirs)
        self.assertEqual([[RequestState.ACCEPTED]] * 2, self.states(pair))

    def test_an_expired_one_crosses_nothing(self) -> None:
        pair = by_other(self.asked(), rules.request, "hello", "", START + EXPIRY_MS)
        self.assertFalse(pair.contacts)

    def test_it_expires_after_thirty_days_by_itself_and_can_be_made_again(self) -> None:
        pair = self.asked()
        last, over = START + EXPIRY_MS - 1, START + EXPIRY_MS
        self.assertEqual([[RequestState.PENDING]] * 2, self.states(pair, last))
        self.assertEqual([[RequestState.EXPIRED]] * 2, self.states(pair, over))
        again = rules.request(pair, "hi again", "", over)
        self.assertEqual([[RequestState.PENDING]] * 2, self.states(again, over))
        self.assertEqual("hi again", again.requests(over)[0].greeting)

    def test_a_declined_one_can_be_repeated_after_a_day(self) -> None:
        declined = by_other(self.asked(), rules.answer, Answer.DECLINE, "", START)
        self.assertEqual([[RequestState.DECLINED]] * 2, self.states(declined))
        early = partial(rules.request, declined, "hi", "", START + DAY_MS - 7)
        self.assertEqual(7, self.assertRaises(RateLimited, early).retry_after_ms)
        again = rules.request(declined, "hi", "", START + DAY_MS)
        self.assertEqual([[RequestState.PENDING]] * 2, self.states(again, START + DAY_MS))

    def test_an_ignored_one_stays_pending_for_the_one_who_asked_until_it_expires(self) -> None:
        ignored = by_other(self.asked(), rules.answer, Answer.IGNORE, "", START + 5)
        self.assertEqual(self.asked().requests(START + 9), ignored.requests(START + 9))
        self.assertEqual([[RequestState.PENDING], [RequestState.IGNORED]], self.states(ignored))
        self.assertEqual(ignored, rules.request(ignored, "please", "", START + 9))
        over = START + EXPIRY_MS
        self.assertEqual(self.asked().requests(over), ignored.requests(over))
        self.assertEqual([[RequestState.PENDING]] * 2, self.states(rules.request(ignored, "hi", "", over), over))

    def test_one_to_somebody_who_blocks_looks_to_both_as_if_nothing_were_special(self) -> None:
        blocked = by_other(STRANGERS, rules.block, True, START)
        pair = rules.request(blocked, "hi", "Bobby", START)
        self.assertEqual(self.asked().requests(START), pair.requests(START))
        self.assertEqual((), pair.turned().requests(START))
        self.assertRaises(NotFound, by_other, pair, rules.answer, Answer.ACCEPT, "", START)
        # Nor after the block: only a new request tells.
        free = by_other(pair, rules.block, False, START)
        self.assertEqual((), free.turned().requests(START))
        again = rules.request(free, "hi", "", START + 1)
        self.assertEqual(pair.requests(START), again.requests(START))
        self.assertEqual([[RequestState.PENDING]] * 2, self.states(again))

    def test_who_blocks_hears_nothing_of_a_request_that_would_cross_theirs(self) -> None:
        pair = rules.block(self.asked(), True, START)
        crossing = by_other(pair, rules.request, "hello", "", START)
        self.assertFalse(crossing.contacts)
        self.assertEqual(pair.requests(START), crossing.requests(START))

    def test_contacts_ask_for_nothing(self) -> None:
        pair = self.befriended()
        self.assertEqual(pair, rules.request(pair, "again", "", START + 9))

    def test_asking_again_does_not_tell_a_block_from_a_removal(self) -> None:
        removed = rules.request(by_other(self.befriended(), rules.remove), "again", "", START + 9)
        blocked = rules.request(by_other(self.befriended(), rules.block, True, START + 8), "again", "", START + 9)
        self.assertEqual(removed.own, blocked.own)
        self.assertEqual(removed.requests(START + 9), blocked.requests(START + 9))
        # Whoever blocks is not told, and once they block no more nothing is left to answer.
        before = by_other(self.befriended(), rules.block, True, START + 8).turned()
        self.assertEqual((), blocked.turned().requests(START + 9))
        self.assertEqual(before.own, blocked.theirs)
        free = by_other(blocked, rules.block, False, START + 10)
        self.assertTrue(free.contacts)
        self.assertEqual([[RequestState.ACCEPTED]] * 2, self.states(free, START + 10))

    def test_whom_one_blocks_one_does_not_ask(self) -> None:
        blocked = rules.block(STRANGERS, True, START)
        self.assertRaises(ValueRefused, rules.request, blocked, "hi", "", START)

    def test_a_deleted_account_is_not_there(self) -> None:
        self.assertRaises(NotFound, rules.request, replace(STRANGERS, peer_gone=True), "hi", "", START)


class AnswerTests(Case):
    def test_accepting_makes_contacts(self) -> None:
        pair = self.befriended()
        self.assertEqual(Contact(BOB, True, remark="Bobby", since_ms=START + 5), pair.own)
        self.assertEqual(Contact(ANN, True, remark="Annie", since_ms=START + 5), pair.theirs)
        self.assertEqual([[RequestState.ACCEPTED]] * 2, self.states(pair))

    def test_the_same_answer_again_changes_nothing(self) -> None:
        for given in Answer:
            pair = by_other(self.asked(), rules.answer, given, "Annie", START + 5)
            self.assertEqual(pair, by_other(pair, rules.answer, given, "other", START + 6))

    def test_an_ignored_request_can_still_be_accepted_or_declined(self) -> None:
        ignored = by_other(self.asked(), rules.answer, Answer.IGNORE, "", START)
        self.assertTrue(by_other(ignored, rules.answer, Answer.ACCEPT, "", START).contacts)
        declined = by_other(ignored, rules.answer, Answer.DECLINE, "", START)
        self.assertEqual([[RequestState.DECLINED]] * 2, self.states(declined))

    def test_an_answered_one_has_its_answer(self) -> None:
        declined = by_other(self.asked(), rules.answer, Answer.DECLINE, "", START)
        for pair, given in (
            (declined, Answer.ACCEPT),
            (declined, Answer.IGNORE),
            (self.befriended(), Answer.DECLINE),
            (self.befriended(), Answer.IGNORE),
            (rules.remove(self.befriended()), Answer.ACCEPT),
        ):
            self.assertRaises(NotFound, by_other, pair, rules.answer, given, "", START)

    def test_nobody_answers_what_was_not_asked_or_ones_own_request(self) -> None:
        for given in Answer:
            self.assertRaises(NotFound, rules.answer, STRANGERS, given, "", START)
            self.assertRaises(NotFound, rules.answer, self.asked(), given, "", START)

    def test_an_expired_one_is_too_late(self) -> None:
        for given in Answer:
            self.assertRaises(TooLate, by_other, self.asked(), rules.answer, given, "", START + EXPIRY_MS)

    def test_whom_one_blocks_one_does_not_accept(self) -> None:
        blocked = by_other(self.asked(), rules.block, True, START)
        self.assertRaises(ValueRefused, by_other, blocked, rules.answer, Answer.ACCEPT, "", START)


class ListTests(Case):
    def test_removing_is_for_ones_own_list_alone_and_forgets_the_notes(self) -> None:
        noted = rules.edit(self.befriended(), ContactEdit("B", ("work",), True))
        removed = rules.remove(noted)
        self.assertEqual(Contact(BOB), removed.own)
        self.assertEqual(noted.theirs, removed.theirs)
        self.assertEqual(removed, rules.remove(removed))

    def test_who_was_removed_has_to_be_accepted_again(self) -> None:
        pair = by_other(self.befriended(), rules.remove)
        again = rules.request(pair, "sorry", "", START + 9)
        self.assertFalse(again.contacts)
        accepted = by_other(again, rules.answer, Answer.ACCEPT, "A", START + 10)
        self.assertTrue(accepted.contacts)
        self.assertEqual((START + 5, "Bobby"), (accepted.own.since_ms, accepted.own.remark))

    def test_a_remark_given_with_a_request_or_an_answer_counts_also_for_whom_one_has_still(self) -> None:
        asked = rules.request(by_other(self.befriended(), rules.remove), "sorry", "Rob", START + 9)
        self.assertEqual((START + 5, "Rob"), (asked.own.since_ms, asked.own.remark))
        # What is noted later is newer than the request.
        noted = rules.edit(asked, ContactEdit("Bert"))
        self.assertEqual("Bert", by_other(noted, rules.answer, Answer.ACCEPT, "A", START + 10).own.remark)
        self.assertEqual("Rob", by_other(asked, rules.answer, Answer.ACCEPT, "", START + 10).own.remark)
        # The one who is asked has the other still.
        kept = replace(self.befriended(), own=Contact(BOB), sent=self.asked().sent)
        for given, remark in (("", "Annie"), ("Nan", "Nan")):
            accepted = by_other(kept, rules.answer, Answer.ACCEPT, given, START + 9)
            self.assertEqual((START + 5, remark), (accepted.theirs.since_ms, accepted.theirs.remark))

    def test_who_is_in_the_others_list_still_is_a_contact_again_at_once(self) -> None:
        pair = rules.request(rules.remove(self.befriended()), "", "Rob", START + 9)
        self.assertTrue(pair.contacts)
        self.assertEqual("Rob", pair.own.remark)

    def test_but_not_while_the_other_blocks(self) -> None:
        pair = by_other(rules.remove(self.befriended()), rules.block, True, START)
        asked = rules.request(pair, "", "", START + 9)
        self.assertFalse(asked.own.is_contact)
        self.assertEqual(AskedState.WITHHELD, asked.sent.state if asked.sent else None)

    def test_what_is_not_told_stays(self) -> None:
        pair = rules.edit(self.befriended(), ContactEdit(remark="B"))
        pair = rules.edit(pair, ContactEdit(labels=("work", "team")))
        pair = rules.edit(pair, ContactEdit(starred=True))
        self.assertEqual(("B", ("work", "team"), True), (pair.own.remark, pair.own.labels, pair.own.starred))
        self.assertEqual(("", ()), rules_texts(rules.edit(pair, ContactEdit("", ()))))

    def test_notes_are_about_contacts(self) -> None:
        self.assertRaises(NotFound, rules.edit, self.asked(), ContactEdit("B"))

    def test_a_block_is_ones_own_and_leaves_the_list_as_it_is(self) -> None:
        pair = rules.block(self.befriended(), True, START)
        self.assertEqual(replace(self.befriended().own, blocked=True), pair.own)
        self.assertEqual(self.befriended().theirs, pair.theirs)
        self.assertTrue(rules.remove(pair).own.blocked)
        self.assertEqual(self.befriended(), rules.block(pair, False, START))

    def test_blocking_ignores_what_waits(self) -> None:
        pair = by_other(self.asked(), rules.block, True, START)
        self.assertEqual([[RequestState.PENDING], [RequestState.IGNORED]], self.states(pair))


def rules_texts(pair: Pair) -> tuple[str, tuple[str, ...]]:
    return pair.own.remark, pair.own.labels


class LimitTests(SynchronousTestCase):
    def test_lengths(self) -> None:
        check_greeting("\u4f60" * 200)
        check_remark("\U0001f600" * 32)
        self.assertEqual(("a" * 20, "b"), check_labels(["a" * 20, "b", "b"]))
        self.assertEqual((), check_labels([]))
        self.assertRaises(InvalidRequest, check_greeting, "x" * 201)
        self.assertRaises(InvalidRequest, check_remark, "x" * 33)
        for labels in (["x" * 21], [""], [" "], [str(number) for number in range(11)]):
            self.assertRaises(InvalidRequest, check_labels, labels)

    def test_nothing_that_cannot_be_seen_or_turns_the_line_round(self) -> None:
        for character in "\x00\n\t\x1f\x7f\x85\x9f\u061c\u200e\u200f\u2028\u202a\u202e\u2066\u2069":
            for check in (check_greeting, check_remark, lambda text: check_labels([text])):
                self.assertRaises(InvalidRequest, check, f"a{character}b")
        for blank in (" ", "\u200b", "\u200d\u200b", "\u3164", "\xad", "\ufeff", "\ue000"):
            for check in (check_greeting, check_remark, lambda text: check_labels(["a", text])):
                self.assertRaises(InvalidRequest, check, blank)

    def test_what_is_typed_in_another_form_is_the_same(self) -> None:
        self.assertEqual(("\xe9", ""), (check_remark(" e\u0301 "), check_remark("")))
        self.assertEqual(("\xe9", ""), (check_greeting("e\u0301"), check_greeting("")))
        self.assertEqual(("\xe9", "a"), check_labels(["e\u0301", "\xe9", "a", " a"]))

    def test_bounds(self) -> None:
        check_counts(5_000, 10_000)
        self.assertRaises(TooMany, check_counts, 5_001, 0)
        self.assertRaises(TooMany, check_counts, 0, 10_001)
