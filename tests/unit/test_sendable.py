"""What may be sent: every kind of message by its rules, and what is no emoji."""

from __future__ import annotations

import math

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.content import (
    Card,
    ContentKind,
    ConversationAdded,
    Custom,
    Edited,
    File,
    Location,
    Picture,
    Reacted,
    Recalled,
    Sticker,
    SystemLine,
    Text,
    check_sendable,
    is_message,
)
from imchat.domain.errors import IMError, InvalidRequest, NotFound, TooLarge
from imchat.domain.models import MAX_ID
from imchat.domain.sendable import MAX_CUSTOM, MAX_MENTIONS, check_act, check_emoji
from imchat.net.content import WireContentCodec

RLO = "\u202e"

GOOD = (
    Text("hello"),
    Text(f"direction {RLO} is the writer's in a text"),
    Text("a", reply_to=3, mentions=(1, 2), forwarded=True),
    Sticker("👍"),
    Sticker("cat waves", "stickers/1/2"),
    Picture("blob/1", "image/png"),
    Picture("blob/1", "IMAGE/svg+xml", 10, 100_000, 1, "Äpfel.png"),
    File("blob/1", "application/vnd.oasis.opendocument.text", 0, "報告.odt"),
    File("x" * 255, "a/b", MAX_ID, "n" * 255),
    Card(MAX_ID),
    Location(-90, 180),
    Location(52.5, 13.4, "Café", "Straße 1"),
    Custom("application/x-move", b"\x00\xff"),
    Custom("application/x-move", b"x" * MAX_CUSTOM),
)

BAD = (
    Text(""),
    Sticker(""),
    Sticker("hello"),
    Sticker("👍" * 17),
    Sticker("\x07", "stickers/1"),
    Sticker("", "stickers/1"),
    Sticker("👍", "with space"),
    Sticker("👍", "x" * 256),
    Picture("", "image/png"),
    Picture("blob\n1", "image/png"),
    Picture("blöb", "image/png"),
    Picture("blob", "text/html"),
    Picture("blob", "image"),
    Picture("blob", "image/png; charset=x"),
    Picture("blob", "image/png", size=MAX_ID + 1),
    Picture("blob", "image/png", size=-1),
    Picture("blob", "image/png", width=10**9),
    Picture("blob", "image/png", name=f"a{RLO}gpj.exe"),
    File("blob", "a/b", 1, ""),
    File("blob", "a/b", 1, "  "),
    File("blob", "a/b", 1, "n" * 256),
    File("blob", "a/b", 1, "line\nfeed"),
    File("blob", "a/b", 1, f"photo{RLO}gpj.exe"),
    File("blob", "a/b", 1, "photo\u2067gpj.exe"),
    File("", "a/b", 1, "name"),
    File("blob", "a/" + "b" * 126, 1, "name"),
    Card(0),
    Card(-1),
    Card(MAX_ID + 1),
    Location(90.1, 0),
    Location(0, -180.1),
    Location(math.nan, 0),
    Location(0, math.inf),
    Location(0, 0, "n" * 256),
    Location(0, 0, f"{RLO}"),
    Location(0, 0, "", "a" * 501),
    Location(0, 0, "", "\x00"),
    Custom("", b"x"),
    Custom("nonsense", b"x"),
    ConversationAdded(1, 1, (2,)),
    SystemLine("contacts_made", (1, 2), ()),
    Recalled(1),
    Reacted(1, "👍"),
)

EMOJI = (
    "👍",
    "👍🏽",
    "❤️",
    "❤",
    "👩‍👩‍👧",
    "🏴\U000e0067\U000e0062\U000e007f",
    "🇩🇪",
    "1️⃣",
    "#️⃣",
    "‼️",
    "™️",
    "↔️",
    "😀😀",
    "ℹ️",
)
NO_EMOJI = (
    "", "a", "ok", "1", "#", "+", "é", "你", " ", "👍 ", "\n", "\u200d", "\ufe0f", "👍a", "👍" * 17, "\x00", RLO,
    "👍" + RLO, "\u0301", "$", "^", "<b>", "\ud7ff", "\U000e0041",
)  # fmt: skip


class MessageTests(SynchronousTestCase):
    def test_every_kind_has_something_that_can_be_sent_and_comes_back_as_it_was(self) -> None:
        codec = WireContentCodec()
        for content in GOOD:
            check_sendable(content)
            self.assertEqual(content, codec.decode(content.kind, codec.encode(content)))
        self.assertEqual({kind for kind in ContentKind if is_message(kind)}, {content.kind for content in GOOD})

    def test_what_breaks_the_rules_of_its_kind_is_refused(self) -> None:
        for content in BAD:
            try:
                check_sendable(content)
            except InvalidRequest as error:
                self.assertIn(error.code, ("invalid_request", "too_large"))
            else:
                self.fail(f"{content} was taken")

    def test_every_control_character_is_refused_in_names(self) -> None:
        for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029):
            self.assertRaises(InvalidRequest, check_sendable, File("b", "a/b", 1, f"a{chr(number)}b"))

    def test_what_is_too_large_says_so(self) -> None:
        self.assertRaises(TooLarge, check_sendable, Custom("a/b", b"x" * (MAX_CUSTOM + 1)))
        check_sendable(Text("a", mentions=(5,) * MAX_MENTIONS))
        for count in (MAX_MENTIONS + 1, 10_000):
            self.assertRaises(TooLarge, check_sendable, Text("a", mentions=tuple(range(count))))
            self.assertRaises(TooLarge, check_act, Edited(1), Text("a", mentions=tuple(range(count))))

    def test_no_message_has_such_a_number(self) -> None:
        for seq in (-1, MAX_ID + 1, 2**64 - 1):
            self.assertRaises(NotFound, check_sendable, Text("a", reply_to=seq))


class ActTests(SynchronousTestCase):
    def test_acts_that_can_be_asked_for(self) -> None:
        check_act(Recalled(1), None)
        check_act(Edited(MAX_ID), Text("new"))
        check_act(Reacted(1, "👍"), None)

    def test_no_message_has_such_a_number(self) -> None:
        for seq in (0, -1, MAX_ID + 1, 2**64 - 1):
            for act, text in ((Recalled(seq), None), (Edited(seq), Text("new")), (Reacted(seq, "👍"), None)):
                self.assertRaises(NotFound, check_act, act, text)

    def test_an_edit_makes_a_text_that_could_be_sent(self) -> None:
        for content in (None, Text(""), Text("\x00"), Sticker("👍"), SystemLine("x", (), ())):
            self.assertRaises(InvalidRequest, check_act, Edited(1), content)

    def test_emoji(self) -> None:
        for text in EMOJI:
            check_emoji(text)
            self.assertLessEqual(len(text.encode()), 64, "the column's length")
        for text in NO_EMOJI:
            with self.assertRaises(IMError, msg=ascii(text)):
                check_emoji(text)
            self.assertRaises(InvalidRequest, check_act, Reacted(1, text), None)
