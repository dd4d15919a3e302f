"""Who may recall, edit, react and reply: the table."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.acts import (
    EDIT_MS,
    MAX_OWN_REACTIONS,
    MAX_REACTION_KINDS,
    RECALL_MS,
    edited,
    may_edit,
    may_react,
    may_recall,
    may_reply,
    reacted,
    recalled,
    with_target,
)
from imchat.domain.errors import Passing, by_code
from imchat.domain.kinds import ContentKind
from imchat.domain.models import Event, EventState

ANN, BOB = 1, 2
THEN = 1_000_000
MINE = Event(9, 5, ANN, b"", ContentKind.TEXT, b"text", 3, THEN)
THUMB = "👍".encode()

EVENTS = {
    "own text": MINE,
    "own picture": replace(MINE, kind=ContentKind.PICTURE),
    "edited": replace(MINE, state=EventState.EDITED),
    "recalled": replace(MINE, state=EventState.RECALLED, content=b""),
    "expired": replace(MINE, state=EventState.EXPIRED, content=b""),
    "another's": replace(MINE, sender_id=BOB),
    "an act": replace(MINE, kind=ContentKind.REACTED),
    "a line": replace(MINE, sender_id=0, kind=ContentKind.SYSTEM_LINE),
    "nothing": None,
}

# recall, edit, react, reply
TABLE = {
    "own text": (None, None, None, None),
    "own picture": (None, "forbidden", None, None),
    "edited": (None, None, None, None),
    "recalled": ("unchanged", "too_late", "too_late", None),
    "expired": ("too_late", "too_late", "too_late", None),
    "another's": ("forbidden", "forbidden", None, None),
    "an act": ("not_found",) * 4,
    "a line": ("not_found",) * 4,
    "nothing": ("not_found",) * 4,
}


class TableTests(SynchronousTestCase):
    def asked(self, target: Event | None, now_ms: int = THEN) -> tuple[str | None, ...]:
        react = may_react(target, THUMB, False, (), ())
        return may_recall(ANN, target, now_ms), may_edit(ANN, target, now_ms), react, may_reply(target)

    def test_who_may(self) -> None:
        self.assertEqual(TABLE, {name: self.asked(target) for name, target in EVENTS.items()})

    def test_for_how_long(self) -> None:
        ages = (RECALL_MS, RECALL_MS + 1, EDIT_MS, EDIT_MS + 1)
        codes = [(may_recall(ANN, MINE, THEN + age), may_edit(ANN, MINE, THEN + age)) for age in ages]
        late = "too_late"
        self.assertEqual([(None, None), (late, None), (late, None), (late, late)], codes)
        self.assertEqual((120_000, 900_000), (RECALL_MS, EDIT_MS))

    def test_a_clock_that_was_set_back_makes_nobody_late(self) -> None:
        self.assertEqual((None, None, None, None), self.asked(MINE, THEN - 10_000_000))

    def test_no_refusal_is_for_a_passing_reason(self) -> None:
        for codes in TABLE.values():
            for code in filter(None, (*codes, "too_many", "unchanged")):
                self.assertFalse(issubclass(by_code()[code], Passing), code)


class ReactionTests(SynchronousTestCase):
    def test_one_of_each_and_taken_away_once(self) -> None:
        self.assertEqual("unchanged", may_react(MINE, THUMB, False, {THUMB}, {THUMB}))
        self.assertEqual("unchanged", may_react(MINE, THUMB, True, set(), {THUMB}))
        self.assertIsNone(may_react(MINE, THUMB, True, {THUMB}, {THUMB}))
        self.assertIsNone(may_react(MINE, THUMB, False, set(), {THUMB}))

    def test_bounds(self) -> None:
        some = {b"%d" % n for n in range(MAX_REACTION_KINDS)}
        own = set(sorted(some)[:MAX_OWN_REACTIONS])
        self.assertEqual("too_many", may_react(MINE, THUMB, False, own, own))
        self.assertEqual("too_many", may_react(MINE, THUMB, False, set(), some))
        self.assertIsNone(may_react(MINE, THUMB, False, set(sorted(own)[1:]), own))
        self.assertIsNone(may_react(MINE, b"3", False, set(), some))
        self.assertIsNone(may_react(MINE, b"3", True, {b"3"} | own, some))


class ChangeTests(SynchronousTestCase):
    def test_what_becomes_of_the_target(self) -> None:
        gone, other, liked = recalled(MINE, 8), edited(MINE, 8, b"new"), reacted(MINE, 8)
        self.assertEqual((b"", EventState.RECALLED, 8), (gone.content, gone.state, gone.changed_seq))
        self.assertEqual((b"new", EventState.EDITED, 8), (other.content, other.state, other.changed_seq))
        self.assertEqual(replace(MINE, changed_seq=8), liked)

    def test_what_goes_out_with_an_event(self) -> None:
        reply, edit = replace(MINE, seq=6), replace(MINE, seq=6, kind=ContentKind.EDITED)
        reaction = replace(edit, kind=ContentKind.REACTED)
        self.assertEqual((MINE, None), (with_target(reply, MINE).quote, with_target(reply, MINE).target))
        self.assertEqual((None, MINE), (with_target(edit, MINE).quote, with_target(edit, MINE).target))
        self.assertEqual(reaction, with_target(reaction, MINE))
