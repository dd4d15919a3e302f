"""Clients that read slowly or not at all."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.settings import ChatSettings
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig


class SlowReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig(ChatSettings(idle_timeout=600))
        self.ann, self.bob, self.cat = (self.rig.client(name) for name in ("ann", "bob", "cat"))
        self.first = self.rig.talk(self.ann, "bob")
        self.second = self.rig.talk(self.cat, "bob")
        self.bob.take()

    def fill(self) -> None:
        """Bob reads no more; one push fills his transport."""
        self.bob.transport.room = 10
        self.ann.say(self.first, "x" * 100, 1)
        self.assertEqual([1], [message.event.seq for message in self.bob.take()])

    def test_missed_pushes_become_one_marker_for_each_stream_once_it_reads_again(self) -> None:
        self.fill()
        for number in (2, 3, 4):
            self.ann.say(self.first, "hi", number)
        self.cat.say(self.second, "hi", 1)
        self.assertEqual([], self.bob.take())
        self.bob.transport.room = None
        self.bob.transport.drain()
        self.rig.run()
        markers = [(message.stream_at.stream_id, message.stream_at.last_seq) for message in self.bob.take()]
        self.assertEqual([(self.first, 4), (self.second, 1)], markers)
        self.ann.say(self.first, "hi", 5)
        self.assertEqual([5], [message.event.seq for message in self.bob.take()])

    def test_nothing_is_lost_by_it(self) -> None:
        self.fill()
        for number in (2, 3):
            self.ann.say(self.first, f"m{number}", number)
        self.bob.transport.room = None
        self.bob.transport.drain()
        found = self.bob.ask(history=pb.History(stream_id=self.first, after=1)).history_result
        self.assertEqual(["m2", "m3"], [event.content.text.text for event in found.events])

    def test_who_does_not_take_answers_is_not_read_from(self) -> None:
        self.bob.transport.room = 10
        self.bob.send(sync=pb.Sync())
        self.bob.send(sync=pb.Sync())
        self.assertFalse(self.bob.transport.reading)
        self.assertTrue(self.ann.transport.reading)
        self.bob.transport.room = None
        self.bob.transport.drain()
        self.rig.run()
        self.assertTrue(self.bob.transport.reading)
        self.assertEqual(["sync_result", "sync_result"], self.bob.names())

    def test_who_reads_nothing_for_half_a_minute_is_closed_and_the_others_notice_nothing(self) -> None:
        self.fill()
        self.rig.clock.advance(29)
        self.assertFalse(self.bob.lost)
        self.assertEqual(2, self.ann.say(self.first, "hi", 2).accepted.seq)
        self.rig.clock.advance(1)
        self.assertTrue(self.bob.transport.aborted)
        self.assertEqual(3, self.ann.say(self.first, "hi", 3).accepted.seq)

    def test_much_in_one_turn_is_bounded_before_the_transport_says_so(self) -> None:
        # All of it is one flush and one turn: 60 messages of 24,000 bytes are more than anybody should have in memory.
        connection = self.bob.transport.protocol
        for number in range(1, 61):
            self.ann.transport.protocol.dataReceived(
                _framed(self.ann.message(self.first, "长" * 8_000, number), number)
            )
        self.rig.run()
        frames = self.bob.take()
        events = [message for message in frames if message.WhichOneof("body") == "event"]
        self.assertLess(len(events), 20)
        self.assertEqual(60, frames[-1].stream_at.last_seq)
        self.assertFalse(connection.slow)


def _framed(body: pb.SendMessage, request_id: int) -> bytes:
    payload = pb.Frame(request_id=request_id, send_message=body).SerializeToString()
    return len(payload).to_bytes(4, "big") + payload
