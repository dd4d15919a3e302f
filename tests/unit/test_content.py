"""What may be sent, and what a resend of the same is."""

from __future__ import annotations

import unicodedata

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.content import (
    MAX_TEXT,
    ConversationAdded,
    Custom,
    SessionsEnded,
    Text,
    check_sendable,
    digest,
    is_message,
    passed_on,
)
from imchat.domain.errors import InvalidRequest, Unsupported
from imchat.net.content import WireContentCodec, from_wire
from imchat.wire import imchat_pb2 as pb


class SendableTests(SynchronousTestCase):
    def test_text_in_any_script_with_line_feeds_and_tabs(self) -> None:
        for text in ("a", "第一行\n第二行\t完", "👩‍👩‍👧", "x" * MAX_TEXT):
            check_sendable(Text(text))

    def test_length_is_counted_in_code_points(self) -> None:
        check_sendable(Text("👍" * MAX_TEXT))
        self.assertRaises(InvalidRequest, check_sendable, Text("👍" * (MAX_TEXT + 1)))

    def test_empty_and_blank_texts_are_refused(self) -> None:
        for text in ("", " ", "\n\t ", "\u3000"):
            self.assertRaises(InvalidRequest, check_sendable, Text(text))

    def test_exactly_the_control_characters_of_unicode_are_refused(self) -> None:
        for number in range(0x300):
            char = chr(number)
            if unicodedata.category(char) == "Cc" and char not in "\n\t":
                self.assertRaises(InvalidRequest, check_sendable, Text(f"a{char}b"))
            else:
                check_sendable(Text(f"a{char}b"))

    def test_what_the_server_makes_nobody_sends(self) -> None:
        for content in (ConversationAdded(1, 1, (2,)), SessionsEnded(("d",), "logout")):
            self.assertRaises(InvalidRequest, check_sendable, content)
            self.assertFalse(is_message(content.kind))


class PassedOnTests(SynchronousTestCase):
    def test_the_same_without_what_belongs_to_its_conversation(self) -> None:
        for message in (Text("hi", reply_to=3, mentions=(7,)), Text("hi"), Text("hi", forwarded=True)):
            self.assertEqual(Text("hi", forwarded=True), passed_on(message))
        self.assertEqual(Custom("a/b", b"\0", forwarded=True), passed_on(Custom("a/b", b"\0", reply_to=1)))


class CodecTests(SynchronousTestCase):
    def test_every_kind_comes_back_as_it_was(self) -> None:
        codec = WireContentCodec()
        for content in (Text("hällo 你好"), ConversationAdded(5, 1, (7, 9)), SessionsEnded(("a", "b"), "logout")):
            self.assertEqual(content, codec.decode(content.kind, codec.encode(content)))

    def test_a_kind_from_the_future_is_none(self) -> None:
        self.assertIsNone(WireContentCodec().decode(60, b"anything"))

    def test_empty_content_is_unsupported(self) -> None:
        self.assertRaises(Unsupported, from_wire, pb.Content())

    def test_the_digest_tells_kinds_and_contents_apart(self) -> None:
        self.assertEqual(digest(1, b"abc"), digest(1, b"abc"))
        self.assertEqual(3, len({digest(1, b"abc"), digest(2, b"abc"), digest(1, b"abd")}))
