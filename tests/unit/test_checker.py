"""The checker finds each kind of violation, and none in a right history."""

from collections.abc import Sequence
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.simulation.checker import AT_MOST, check
from tests.simulation.history import (
    Acknowledgement,
    Attempt,
    Connection,
    Failure,
    HeadRow,
    History,
    Period,
    Row,
    Shown,
)

ALICE, BOB, TALK = 1, 2, 100


def cid(number: int) -> bytes:
    return number.to_bytes(16, "big")


def attempt(number: int, device: str = "alice-1", user: int = ALICE, text: str | None = None) -> Attempt:
    return Attempt(number, device, user, TALK, cid(number), text or f"m{number}")


def ack(number: int, seq: int, device: str = "alice-1", user: int = ALICE, created_ms: int | None = None):
    return Acknowledgement(number, device, user, TALK, cid(number), seq, created_ms or 1000 + seq)


def row(seq: int, number: int, user: int = ALICE, ordinal: int | None = None) -> Row:
    return Row(TALK, seq, user, cid(number), f"m{number}", ordinal or seq, 1000 + seq)


def show(device: str, seq: int, number: int, user: int = BOB, sender: int = ALICE) -> Shown:
    return Shown(seq, device, user, TALK, seq, sender, cid(number), f"m{number}")


def right(count: int = 3) -> History:
    """Alice says some messages, which her device and Bob's show."""
    numbers = range(1, count + 1)
    return History(
        attempts=[attempt(n) for n in numbers],
        acknowledgements=[ack(n, n) for n in numbers],
        shown=[show(d, n, n, u) for d, u in (("alice-1", ALICE), ("bob-1", BOB)) for n in numbers],
        rows=[row(n, n) for n in numbers],
        heads=[HeadRow(TALK, count, count, count, 1000 + count), HeadRow(ALICE, 0, 0, 0, 1)],
        members={TALK: {ALICE: [Period(1, None)], BOB: [Period(1, None)]}},
        settled={"alice-1": ALICE, "bob-1": BOB},
    )


class CheckerTests(SynchronousTestCase):
    def codes(self, history: History) -> list[str]:
        return [violation.code for violation in check(history)]

    def assert_found(self, history: History, *codes: str) -> None:
        self.assertEqual(sorted(set(self.codes(history))), sorted(codes))

    def test_a_right_history(self):
        self.assertEqual(check(right()), [])

    def test_an_acknowledged_message_is_not_stored(self):
        history = right()
        history.attempts.append(attempt(4))
        history.acknowledgements.append(ack(4, 4))
        self.assert_found(history, "lost")

    def test_an_acknowledged_message_is_stored_elsewhere(self):
        history = right()
        history.acknowledgements[2] = ack(3, 2)
        self.assert_found(history, "lost")

    def test_a_resend_is_answered_otherwise(self):
        history = right()
        history.acknowledgements.append(ack(3, 3, created_ms=5))
        self.assert_found(history, "answered_unalike")

    def test_the_acknowledged_time_is_not_the_stored_one(self):
        history = right()
        history.acknowledgements[0] = ack(1, 1, created_ms=5)
        self.assert_found(history, "answered_unalike")

    def test_a_stored_message_is_refused_for_good(self):
        history = right()
        history.failures = [Failure(1, "alice-1", ALICE, TALK, cid(2), "forbidden")]
        self.assert_found(history, "answered_unalike")

    def test_a_message_whose_id_was_used_before_is_refused(self):
        self.assert_found(replace(right(), failures=[Failure(1, "alice-1", ALICE, TALK, cid(2), "conflict")]))

    def test_a_saved_message_is_never_sent(self):
        history = right()
        history.attempts.append(attempt(4))
        self.assert_found(history)
        history.saved = {"alice-1": {cid(number) for number in range(1, 5)}}
        self.assert_found(history, "dropped")
        history.failures = [Failure(1, "alice-1", ALICE, TALK, cid(4), "forbidden")]
        self.assert_found(history)

    def test_a_device_that_is_off_has_something_to_send(self):
        history = right()
        history.attempts.append(attempt(4))
        history.saved, history.settled = {"alice-1": {cid(4)}}, {"bob-1": BOB}
        self.assert_found(history)

    def test_a_hole_in_the_sequence(self):
        history = right()
        history.rows = [row(1, 1), row(3, 3)]
        history.acknowledgements.pop(1)
        self.assertIn("hole", self.codes(history))

    def test_a_head_beyond_its_stream(self):
        history = right()
        history.heads = [HeadRow(TALK, 4, 3, 3, 1003)]
        self.assert_found(history, "hole")

    def test_a_head_without_a_stream(self):
        history = right()
        history.heads = [*history.heads, HeadRow(BOB, 1, 0, 0, 1)]
        self.assert_found(history, "hole")

    def test_a_message_at_two_places(self):
        history = right()
        history.rows = [row(1, 1), row(2, 2), row(3, 3), row(4, 3)]
        history.heads = [HeadRow(TALK, 4, 4, 4, 1004)]
        history.settled = {}
        self.assert_found(history, "doubled")

    def test_a_message_that_nobody_said(self):
        history = right()
        history.attempts.pop()
        self.assert_found(history, "forged")

    def test_a_message_that_was_said_otherwise(self):
        history = right()
        history.attempts[0] = attempt(1, text="something else")
        self.assert_found(history, "forged")

    def test_a_message_under_another_name(self):
        history = right()
        history.attempts[0] = attempt(1, "bob-1", BOB)
        self.assert_found(history, "forged")

    def test_an_event_of_the_server_under_a_persons_name(self):
        history = right(1)
        history.rows = [row(1, 1), Row(TALK, 2, ALICE, cid(2), None, 1, 1002)]
        history.heads = [HeadRow(TALK, 2, 1, 1, 1002)]
        history.settled = {}
        self.assert_found(history, "forged")

    def test_a_message_of_one_who_is_no_member(self):
        history = right()
        history.members = {TALK: {ALICE: [Period(1, 2)], BOB: [Period(1, None)]}}
        history.shown = history.shown[3:]
        history.settled = {"bob-1": BOB}
        self.assert_found(history, "forged")

    def test_messages_of_a_device_in_another_order(self):
        history = right()
        history.attempts[:2] = [attempt(2), attempt(1)]
        self.assert_found(history, "reordered")

    def test_a_resend_has_the_place_of_the_first_try(self):
        self.assert_found(replace(right(), attempts=[*right().attempts, attempt(1)]))

    def test_two_devices_of_a_user_have_no_order_between_them(self):
        history = right()
        history.attempts = [attempt(3), attempt(2, "alice-2"), attempt(1, "alice-3")]
        self.assert_found(history)

    def test_a_message_that_was_given_up_may_be_stored_late(self):
        history = right()
        history.attempts[:2] = [attempt(2), attempt(1)]
        history.failures = [Failure(1, "alice-1", ALICE, TALK, cid(2), "unavailable")]
        self.assert_found(history)

    def test_a_wrong_ordinal(self):
        history = right()
        history.rows = [row(1, 1), row(2, 2, ordinal=3), row(3, 3)]
        self.assert_found(history, "miscounted")

    def test_wrong_counts_of_a_head(self):
        history = right()
        history.heads = [HeadRow(TALK, 3, 3, 2, 1003)]
        self.assert_found(history, "miscounted")

    def test_a_device_shows_something_else(self):
        history = right()
        history.shown[-1] = show("bob-1", 3, 3, sender=BOB)
        self.assert_found(history, "shown_differently")

    def test_a_device_shows_what_is_not_stored(self):
        history = right()
        history.shown.append(show("bob-1", 4, 4))
        self.assert_found(history, "shown_differently")

    def test_a_device_shows_an_event_again(self):
        history = right()
        history.shown.append(show("bob-1", 3, 3))
        self.assert_found(history, "shown_twice")

    def test_a_device_leaves_an_event_out(self):
        history = right()
        history.shown.pop(4)
        self.assert_found(history, "skipped")

    def test_a_device_does_not_begin_at_the_beginning(self):
        history = right()
        history.shown.pop(3)
        self.assert_found(history, "skipped")

    def test_a_settled_device_lacks_the_last_event(self):
        history = right()
        history.shown.pop()
        self.assert_found(history, "not_shown")

    def test_a_device_that_is_off_may_lack_events(self):
        history = right()
        history.shown.pop()
        history.settled = {"alice-1": ALICE}
        self.assert_found(history)

    def test_a_settled_device_lacks_a_whole_conversation(self):
        history = right()
        history.settled = {**history.settled, "bob-2": BOB}
        self.assert_found(history, "not_shown")

    def test_somebody_else_sees_it(self):
        history = right()
        history.shown.append(show("carol-1", 1, 1, user=3))
        self.assert_found(history, "intruded")

    def test_a_former_member_sees_their_periods_alone(self):
        history = right(6)
        history.members = {TALK: {ALICE: [Period(1, None)], BOB: [Period(1, 2), Period(5, None)]}}
        history.shown = [*history.shown[:6], *(show("bob-1", n, n) for n in (1, 2, 5, 6))]
        self.assert_found(history)
        history.shown.insert(8, show("bob-1", 3, 3))
        self.assert_found(history, "intruded")

    def test_private_streams_are_their_users_alone(self):
        history = right()
        history.rows = [*history.rows, Row(ALICE, 1, 0, cid(9), None, 0, 1)]
        history.heads = [HeadRow(TALK, 3, 3, 3, 1003), HeadRow(ALICE, 1, 0, 0, 1)]
        event = Shown(1, "bob-1", BOB, ALICE, 1, 0, cid(9), None)
        self.assert_found(history, "not_shown")
        history.shown.append(event._replace(device="alice-1", user_id=ALICE))
        self.assert_found(history)
        history.shown.append(event)
        self.assert_found(history, "intruded")

    def test_a_connection_that_is_none(self):
        self.assert_ghost([Connection(1, "a"), Connection(2, "b")], [Connection(1, "a")])

    def test_a_connection_that_two_nodes_claim(self):
        self.assert_ghost([Connection(1, "a"), Connection(1, "a")], [Connection(1, "a")])

    def test_two_connections_of_one_session(self):
        history = right()
        history.claimed = history.connected = [Connection(1, "a"), Connection(1, "a")]
        self.assert_found(history, "ghost")

    def test_a_connection_that_no_node_knows(self):
        self.assert_ghost([], [Connection(1, "a")])

    def assert_ghost(self, claimed: Sequence[Connection], connected: Sequence[Connection]) -> None:
        history = right()
        history.claimed, history.connected = claimed, connected
        self.assert_found(history, "ghost")
        history.claimed = connected
        self.assert_found(history)

    def test_a_session_that_was_ended_is_served(self):
        history = right()
        history.claimed = history.connected = [Connection(1, "a"), Connection(2, "b")]
        history.sessions = [Connection(1, "a"), Connection(2, "b"), Connection(2, "c")]
        self.assert_found(history)
        history.sessions = [Connection(1, "a")]
        self.assert_found(history, "revoked")

    def test_what_does_not_come_to_rest(self):
        history = right()
        history.unsettled = ["bob-1 is not connected"]
        self.assert_found(history, "unsettled")

    def test_many_violations_are_told_in_few_lines(self):
        history = right(50)
        history.rows, history.settled = [], {}
        history.shown.clear()
        history.heads = []
        found = check(history)
        self.assertEqual(len(found), AT_MOST + 1)
        self.assertEqual(str(found[-1]), "lost: and 40 more of these")
