"""What people may say of themselves, and what a search means."""

from __future__ import annotations

from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import InvalidRequest
from imchat.domain.models import MAX_ID, UserCard
from imchat.domain.people import Profile, ProfileChange, Settings
from imchat.domain.profiles import SearchQuery, changed, check_change, check_text, nickname_key, search_query

LENGTHS = {"nickname": 32, "signature": 100, "region": 64}

GARBAGE = {
    "a line feed": "a\nb",
    "a tab": "a\tb",
    "a line feed at the end": "ab\n",
    "a NUL": "a\x00b",
    "a C1 control": "a\x85b",
    "a line separator": "a\u2028b",
    "a paragraph separator": "a\u2029b",
    "a right-to-left override": "nac\u202egnp.exe",
    "a left-to-right override": "a\u202db",
    "an embedding": "a\u202bb\u202c",
    "an isolate": "a\u2067b\u2069",
    "a mark of direction": "a\u200fb",
    "an Arabic letter mark": "a\u061cb",
    "only blanks": "   ",
    "only a joiner": "\u200d",
    "only a soft hyphen": "\u00ad",
    "only a variation selector": "\ufe0f",
    "only Hangul fillers": "\u3164\u115f\uffa0",
    "only an empty Braille cell": "\u2800",
    "only a no-break space": "\u00a0",
    "only marks": "\u0301\u0302",
}


class TextTests(SynchronousTestCase):
    def refused(self, **wanted: object) -> str:
        return str(self.assertRaises(InvalidRequest, check_change, ProfileChange(**wanted)))

    def test_lengths_count_characters(self) -> None:
        for field, most in LENGTHS.items():
            for character in ("a", "汉", "🙂"):
                whole = ProfileChange(**{field: character * most})
                self.assertEqual(check_change(whole), whole)
                self.assertIn(f"at most {most}", self.refused(**{field: character * (most + 1)}))

    def test_garbage_is_refused_in_every_text(self) -> None:
        for field in LENGTHS:
            for name, text in GARBAGE.items():
                self.assertIn(field, self.refused(**{field: text}), name)

    def test_what_people_write_is_taken(self) -> None:
        for text in ("", "Ännchen", "可爱的猫", "مریم‌ها", "דנה", "👩‍👩‍👧", "a_b 'c' <d>", "❤️", "@home", "نور\u200cا"):
            self.assertEqual(check_text("nickname", text, 32), text)

    def test_the_stored_form_is_composed_and_without_white_space_around(self) -> None:
        self.assertEqual(check_text("nickname", "  A\u0308nnchen ", 8), "Ännchen")

    def test_genders(self) -> None:
        for gender in range(4):
            self.assertEqual(check_change(ProfileChange(gender=gender)).gender, gender)
        for gender in (-1, 4, 2**31 - 1):
            self.refused(gender=gender)

    def test_an_avatar_is_a_reference(self) -> None:
        for reference in ("", "a" * 255, "https://example.org/a%20b?c=d#~!"):
            self.assertEqual(check_change(ProfileChange(avatar=reference)).avatar, reference)
        for wrong in ("a" * 256, "a b", "ä", "a\n", "a\x7f", "\u202e"):
            self.refused(avatar=wrong)

    def test_the_key_of_a_nickname_fits_its_column(self) -> None:
        longest = "\ufdfa" * 32
        self.assertLessEqual(len(nickname_key(check_text("nickname", longest, 32)).encode()), 600)
        self.assertEqual(nickname_key("ÄNN"), nickname_key("änn"))


class ChangedTests(SynchronousTestCase):
    BEFORE = Profile(UserCard(1, "Ann", "Nan", "x", 1, "here", "p"), "ann@example.org", Settings(receipts_off=True))

    def test_none_leaves_everything(self) -> None:
        self.assertEqual(changed(self.BEFORE, ProfileChange()), self.BEFORE)

    def test_every_field_of_a_change_changes_something(self) -> None:
        wanted = {"nickname": "", "signature": "y", "gender": 0, "region": "", "avatar": "q"}
        wanted |= {"hidden_from_search": True, "presence_hidden": True, "receipts_off": False}
        self.assertEqual(set(wanted), {field.name for field in fields(ProfileChange)})
        for name, value in wanted.items():
            after = changed(self.BEFORE, ProfileChange(**{name: value}))
            self.assertNotEqual(after, self.BEFORE, name)
            holder = after.settings if hasattr(after.settings, name) else after.card
            self.assertEqual(getattr(holder, name), value)
            self.assertEqual((after.card.id, after.card.name, after.email), (1, "Ann", "ann@example.org"))


class SearchQueryTests(SynchronousTestCase):
    def test_what_is_meant(self) -> None:
        for text, user_id, prefix in (
            ("an", None, "an"),
            ("  ANN ", None, "ann"),
            ("Ｍａｘ", None, "max"),
            ("张", None, "张"),
            ("か", None, "か"),
            ("김", None, "김"),
            ("1234", 1234, "1234"),
            ("7", 7, None),
            (str(MAX_ID), MAX_ID, str(MAX_ID)),
            (str(MAX_ID + 1), None, str(MAX_ID + 1)),
            ("9" * 20, None, "9" * 20),
            ("00", None, "00"),
            ("-5", None, "-5"),
            ("a_", None, "a_"),
        ):
            self.assertEqual(search_query(text), SearchQuery(user_id, prefix), text)

    def test_what_is_refused(self) -> None:
        for text in (
            "",
            " ",
            "a",
            " a ",
            "é",
            "0",
            "a" * 129,
            "ann@example.org",
            "@ann",
            "ann＠example.org",
            "a\uff20",
        ):
            self.assertRaises(InvalidRequest, search_query, text)

    def test_a_long_prefix_is_cut_as_keys_are(self) -> None:
        self.assertEqual(search_query("\ufdfa" * 32).prefix, nickname_key("\ufdfa" * 32))
