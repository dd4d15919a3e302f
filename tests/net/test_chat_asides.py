"""Typing and receipts between two on different nodes: how they stand with each other now decides, not before."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import WireClient
from tests.net import test_chat_contacts


class AsideTests(test_chat_contacts.Case):
    def setUp(self) -> None:
        super().setUp()
        self.talk = self.befriend()
        self.assertEqual(["typing_notice"], self.typing())

    def typing(self, client: WireClient | None = None) -> list[str]:
        """Bob types; returns what comes to Ann of it, or the error."""
        self.rig.clock.advance(3)
        self.ann.take()
        answer = (client or self.bob).ask(typing=pb.Typing(conversation_id=self.talk))
        return [answer.error.code] if answer.HasField("error") else self.ann.names()

    def say(self) -> int:
        """Ann says something; returns its seq."""
        self.count += 1
        return int(self.ann.say(self.talk, "hello", self.count).accepted.seq)

    def read(self, seq: int) -> list[str]:
        """Bob reads up to there; returns what comes to Ann of it."""
        self.ann.take()
        self.bob.send(mark_read=pb.MarkRead(conversation_id=self.talk, seq=seq))
        self.rig.clock.advance(3)
        self.rig.run()
        return self.ann.names()

    def test_who_is_blocked_is_not_seen_typing_and_seen_again_when_they_are_not(self) -> None:
        self.block()
        self.assertEqual(["not_contacts"], self.typing())
        self.block(False)
        self.assertEqual(["typing_notice"], self.typing())

    def test_nor_who_was_taken_out_of_the_list(self) -> None:
        self.remove()
        self.assertEqual(["not_contacts"], self.typing())

    def test_nor_who_was_blocked_while_they_were_not_there(self) -> None:
        self.bob.transport.protocol.connectionLost(Failure(ConnectionDone()))
        self.rig.run()
        self.block()
        self.assertEqual(["not_contacts"], self.typing(self.rig.client("bob", node=self.other)))

    def test_receipts_are_told_again_to_whom_one_blocks_no_more(self) -> None:
        first, second = self.say(), self.say()
        self.assertEqual(["receipt"], self.read(first))
        self.block()
        # So that his node learns of it.
        self.bob.ask(get_receipts=pb.GetReceipts(conversation_id=self.talk))
        self.block(False)
        self.assertEqual(["receipt"], self.read(second))
