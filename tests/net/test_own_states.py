"""Own states, positions and receipts over two nodes: what one device does, the user's others and the peer see."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.gathering import INTERVAL
from imchat.domain.conversations import MAX_DELETED
from imchat.domain.models import ConversationKind, Member, Membership
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, WireClient
from tests.fakes.stores import full_disk

FOREIGN = 4711


class Case(SynchronousTestCase):
    """Ann has a phone on one node and a tablet on another, where Bob is too; Cat is a stranger."""

    def setUp(self) -> None:
        self.rig = NodeRig()
        self.other = self.rig.make_node("node-2")
        self.phone = self.rig.client("ann")
        self.tablet = self.rig.client("ann", "tablet", node=self.other)
        self.bob = self.rig.client("bob", node=self.other)
        self.cat = self.rig.client("cat")
        self.talk = self.rig.talk(self.phone, "bob")
        self.count = 0
        self.forget()

    def forget(self) -> None:
        for client in (self.phone, self.tablet, self.bob, self.cat):
            client.take()

    def say(self, client: WireClient | None = None, count: int = 1, talk: int | None = None) -> None:
        for _ in range(count):
            self.count += 1
            answer = (client or self.bob).say(talk or self.talk, f"m{self.count}", self.count)
            self.assertEqual("accepted", answer.WhichOneof("body"), answer)

    def later(self, client: WireClient, **body: Any) -> pb.Frame:
        """The answer to a request that waits for others of its kind; other frames stay for the test."""
        request_id = client.send(**body)
        self.rig.clock.advance(INTERVAL)
        self.rig.run()
        frames = client.take()
        (answer,) = [frame for frame in frames if frame.request_id == request_id]
        self.rest = [frame for frame in frames if frame.request_id != request_id]
        return answer

    def read(self, client: WireClient, seq: int, talk: int | None = None) -> pb.Frame:
        return self.later(client, mark_read=pb.MarkRead(conversation_id=talk or self.talk, seq=seq))

    def deliver(self, client: WireClient, *positions: tuple[int, int]) -> pb.Frame:
        body = pb.MarkDelivered(positions=[pb.Position(stream_id=talk, seq=seq) for talk, seq in positions])
        return self.later(client, mark_delivered=body)

    def listed(self, client: WireClient, **body: Any) -> list[pb.Conversation]:
        answer = client.ask(list_conversations=pb.ListConversations(**body))
        self.assertEqual("conversations", answer.WhichOneof("body"), answer)
        return list(answer.conversations.conversations)

    def refused(self, code: str, answer: pb.Frame) -> None:
        self.assertEqual(("error", code), (answer.WhichOneof("body"), answer.error.code))

    def done(self, answer: pb.Frame) -> None:
        self.assertEqual("done", answer.WhichOneof("body"), answer)

    def notes(self, client: WireClient, kind: str) -> list[Any]:
        """What came in the private stream, of one kind."""
        contents = [frame.event.content for frame in client.take() if frame.event.stream_id == client.user_id]
        return [getattr(content, kind) for content in contents if content.WhichOneof("body") == kind]


class ListTests(Case):
    def test_what_is_listed(self) -> None:
        self.say(count=2)
        (found,) = self.listed(self.phone)
        self.assertEqual(
            (self.talk, pb.DIRECT, [self.bob.user_id]), (found.conversation_id, found.kind, found.member_ids)
        )
        self.assertEqual(("bob", 2, 2, 2), (found.title, found.unread, found.last_seq, found.last_message_seq))
        self.assertEqual(("m2", 2), (found.newest.content.text.text, found.newest.seq))
        self.assertEqual([], self.listed(self.cat))

    def test_it_tells_a_device_from_where_to_go_on_counting(self) -> None:
        self.say()
        content = pb.Content(text=pb.Text(text="you"), mentions=[self.phone.user_id])
        message = pb.SendMessage(conversation_id=self.talk, client_id=bytes(16), content=content)
        self.assertEqual(2, self.bob.ask(send_message=message).accepted.seq)
        self.say()
        self.done(self.read(self.phone, 2))
        (found,) = self.listed(self.phone)
        self.assertEqual((1, False), (found.unread, found.mentioned))
        # Of those that were read, too.
        self.assertEqual((3, 2), (found.counted, found.mention_seq))
        (found,) = self.listed(self.bob)
        self.assertEqual((3, 0), (found.counted, found.mention_seq))

    def test_a_newest_message_whose_content_was_kept_long_enough(self) -> None:
        self.say()
        self.rig.database.pool.connection.execute("UPDATE event SET content = x'', state = 3 WHERE kind = 1")
        newest = self.listed(self.phone)[0].newest
        self.assertEqual((1, pb.EXPIRED, None), (newest.seq, newest.state, newest.content.WhichOneof("body")))

    def test_pages(self) -> None:
        talks = []
        for name in ("dan", "eve", "fay"):
            self.rig.add_user(name)
            talks.append(self.rig.talk(self.phone, name))
            self.rig.clock.advance(1)
            self.say(self.phone, talk=talks[-1])
        first = self.phone.ask(list_conversations=pb.ListConversations(limit=2)).conversations
        second = self.phone.ask(
            list_conversations=pb.ListConversations(limit=2, cursor=first.next_cursor)
        ).conversations
        found = [one.conversation_id for one in (*first.conversations, *second.conversations)]
        self.assertEqual((talks[::-1], b""), (found, second.next_cursor))

    def test_what_breaks_the_rules(self) -> None:
        for body in ({"cursor": b"x"}, {"cursor": b"\xff" * 16}, {"cursor": bytes(16), "conversation_ids": [1]}):
            self.refused("invalid_request", self.phone.ask(list_conversations=pb.ListConversations(**body)))
        ids = list(range(1, 102))
        self.refused("too_large", self.phone.ask(list_conversations=pb.ListConversations(conversation_ids=ids)))

    def test_foreign_ones_are_not_there(self) -> None:
        self.say()
        ids = [self.talk, FOREIGN, self.cat.user_id, 0, 2**64 - 1]
        self.assertEqual([], self.listed(self.cat, conversation_ids=ids))
        self.assertEqual([self.talk], [one.conversation_id for one in self.listed(self.phone, conversation_ids=ids)])


class StateTests(Case):
    def change(self, client: WireClient, talk: int | None = None, **change: bool) -> pb.Frame:
        return client.ask(set_conversation=pb.SetConversation(conversation_id=talk or self.talk, **change))

    def test_what_one_device_pins_the_other_sees(self) -> None:
        self.say()
        self.forget()
        self.phone.send(set_conversation=pb.SetConversation(conversation_id=self.talk, pinned=True, muted=True))
        for client in (self.phone, self.tablet):
            (state,) = self.notes(client, "conversation_state")
            self.assertEqual((self.talk, True), (state.conversation_id, state.muted))
            self.assertGreater(state.pinned_ms, 0)
        self.assertEqual([], self.bob.take())
        self.done(self.change(self.tablet, pinned=False))
        (state,) = self.notes(self.phone, "conversation_state")
        self.assertEqual((0, True), (state.pinned_ms, state.muted))
        self.assertEqual([], self.listed(self.phone, pinned=True))
        self.done(self.change(self.tablet, pinned=False))
        self.assertEqual([], self.phone.take())

    def test_hidden_until_the_next_message(self) -> None:
        self.say()
        self.done(self.change(self.phone, hidden=True))
        self.assertEqual([], self.listed(self.tablet))
        self.assertEqual(1, self.listed(self.tablet, hidden=True)[0].state.hidden_seq)
        self.say()
        self.assertEqual(1, len(self.listed(self.tablet)))

    def test_a_device_that_was_away_catches_up(self) -> None:
        self.say()
        self.done(self.change(self.phone, pinned=True))
        late = self.rig.client("ann", "laptop", node=self.other)
        streams = late.ask(sync=pb.Sync()).sync_result.streams
        (private,) = [state for state in streams if state.stream_id == late.user_id]
        self.assertTrue(private.events[-1].content.conversation_state.pinned_ms)

    def test_foreign_ones_are_as_those_that_do_not_exist(self) -> None:
        for client, talk in ((self.cat, self.talk), (self.cat, FOREIGN), (self.phone, self.phone.user_id)):
            self.refused("not_found", self.change(client, talk, pinned=True))
        for talk in (2**53, 2**64 - 1):
            self.refused("not_found", self.change(self.phone, talk, pinned=True))


class DeletionTests(Case):
    def delete(self, client: WireClient, *seqs: int, through: int = 0, talk: int | None = None) -> pb.Frame:
        body = pb.DeleteMessages(conversation_id=talk or self.talk, seqs=seqs, through_seq=through)
        return client.ask(delete_messages=body)

    def test_the_other_device_is_told_once(self) -> None:
        self.say(count=3)
        self.forget()
        self.done(self.delete(self.phone, 1, 3))
        self.done(self.delete(self.phone, 3))
        (deleted,) = self.notes(self.tablet, "messages_deleted")
        self.assertEqual((self.talk, [1, 3], 0), (deleted.conversation_id, deleted.seqs, deleted.through_seq))
        self.assertEqual([], self.bob.take())
        self.done(self.delete(self.tablet, through=2))
        (deleted,) = self.notes(self.phone, "messages_deleted")
        self.assertEqual(([], 2), (deleted.seqs, deleted.through_seq))
        (found,) = self.listed(self.phone)
        self.assertEqual((2, False), (found.state.cleared_seq, found.HasField("newest")))
        self.assertTrue(self.listed(self.bob)[0].HasField("newest"))

    def test_what_breaks_the_rules(self) -> None:
        self.say(count=3)
        self.forget()
        for seqs, through in (((), 0), ((1,), 1), ((0,), 0), ((4,), 0), ((), 4), ((2**64 - 1,), 0), ((), 2**64 - 1)):
            self.refused("invalid_request", self.delete(self.phone, *seqs, through=through))
        self.refused("too_large", self.delete(self.phone, *range(1, MAX_DELETED + 2)))
        for client, talk in ((self.cat, self.talk), (self.cat, FOREIGN), (self.phone, 2**64 - 1)):
            self.refused("not_found", self.delete(client, 1, talk=talk))
        self.assertEqual([], self.tablet.take())


class PositionTests(Case):
    def receipts(self, client: WireClient) -> list[tuple[int, int, int]]:
        """What came of receipts: who, delivered, read."""
        found = [frame.receipt for frame in client.take() if frame.WhichOneof("body") == "receipt"]
        self.assertEqual({self.talk} if found else set(), {one.conversation_id for one in found})
        return [(one.user_id, one.delivered_seq, one.read_seq) for one in found]

    def test_what_one_device_read_the_other_knows_and_the_sender_is_told(self) -> None:
        self.say(count=3)
        self.forget()
        self.done(self.read(self.phone, 2))
        (position,) = self.notes(self.tablet, "read_position")
        self.assertEqual((self.talk, 2, 2), (position.conversation_id, position.seq, position.ordinal))
        (found,) = self.listed(self.tablet)
        self.assertEqual((1, 2), (found.unread, found.state.read_seq))
        self.assertEqual([(self.phone.user_id, 2, 2)], self.receipts(self.bob))
        self.assertEqual([], self.cat.take())

    def test_and_where_it_is_on_the_same_node(self) -> None:
        self.say(self.bob, 2)
        self.forget()
        self.done(self.read(self.tablet, 2))
        self.assertEqual([(self.phone.user_id, 2, 2)], self.receipts(self.bob))
        self.assertEqual(2, self.notes(self.phone, "read_position")[0].seq)

    def test_nothing_is_told_of_one_that_does_not_move(self) -> None:
        self.say(count=3)
        self.done(self.read(self.phone, 3))
        self.forget()
        self.done(self.read(self.phone, 2))
        self.done(self.read(self.tablet, 3))
        self.assertEqual(([], []), (self.bob.take(), self.tablet.take()))

    def test_delivered_is_told_to_the_sender_alone(self) -> None:
        self.say(count=3)
        self.forget()
        self.done(self.deliver(self.phone, (self.talk, 3)))
        self.assertEqual([(self.phone.user_id, 3, 0)], self.receipts(self.bob))
        self.assertEqual([], self.tablet.take())
        answer = self.bob.ask(get_receipts=pb.GetReceipts(conversation_id=self.talk)).receipts
        expected = pb.Receipt(conversation_id=self.talk, user_id=self.phone.user_id, delivered_seq=3)
        self.assertEqual([expected], list(answer.receipts))

    def test_many_marks_are_one_transaction(self) -> None:
        self.say(count=9)
        self.forget()
        for seq in range(1, 10):
            self.phone.send(mark_read=pb.MarkRead(conversation_id=self.talk, seq=seq))
        self.assertEqual([], self.phone.take())
        self.rig.clock.advance(INTERVAL)
        self.rig.run()
        self.assertEqual(9, self.phone.names().count("done"))
        self.assertEqual([9], [position.seq for position in self.notes(self.tablet, "read_position")])
        self.assertEqual([(self.phone.user_id, 9, 9)], self.receipts(self.bob))

    def test_who_waits_for_marks_is_read_from(self) -> None:
        self.say()
        for _ in range(20):
            self.phone.send(mark_read=pb.MarkRead(conversation_id=self.talk, seq=1))
        self.assertEqual("accepted", self.phone.say(self.talk, "at once", 99).WhichOneof("body"))

    def test_an_answer_only_when_it_is_durable(self) -> None:
        self.say()
        self.rig.database.pool.before.append(full_disk())
        self.refused("unavailable", self.read(self.phone, 1))
        self.assertEqual(1, self.listed(self.phone)[0].unread)
        self.done(self.read(self.phone, 1))
        self.assertEqual(0, self.listed(self.phone)[0].unread)

    def test_what_breaks_the_rules(self) -> None:
        self.say(count=3)
        self.forget()
        for seq in (0, 4, 2**53, 2**64 - 1):
            self.refused("invalid_request", self.read(self.phone, seq))
            self.refused("invalid_request", self.deliver(self.phone, (self.talk, seq)))
        for client, talk in ((self.cat, self.talk), (self.cat, FOREIGN), (self.phone, 2**64 - 1)):
            self.refused("not_found", self.read(client, 1, talk))
            self.refused("not_found", self.deliver(client, (talk, 1)))
            self.refused("not_found", client.ask(get_receipts=pb.GetReceipts(conversation_id=talk)))
        self.refused("too_large", self.deliver(self.phone, *((self.talk, 1) for _ in range(101))))
        self.assertEqual(([], []), (self.bob.take(), self.tablet.take()))

    def test_of_several_positions_those_that_are_right_are_kept(self) -> None:
        self.say(count=3)
        self.refused("not_found", self.deliver(self.phone, (FOREIGN, 1), (self.talk, 2)))
        self.assertEqual([(self.phone.user_id, 2, 0)], self.receipts(self.bob))

    def test_none_are_told_where_one_side_sends_none(self) -> None:
        self.say(count=3)
        for name in ("ann", "bob"):
            update = "UPDATE account SET receipts_off = (user_id = ?)"
            self.rig.database.pool.connection.execute(update, (self.rig.users[name],))
            self.forget()
            self.done(self.read(self.phone, 1 if name == "ann" else 2))
            self.assertEqual([], self.receipts(self.bob))
            for client in (self.phone, self.bob):
                answer = client.ask(get_receipts=pb.GetReceipts(conversation_id=self.talk))
                self.assertEqual([], list(answer.receipts.receipts))

    def test_nothing_is_told_to_whom_one_blocks(self) -> None:
        self.say()
        blocking = Member(self.phone.user_id, 0, 1, blocks=True)
        members = {self.phone.user_id: blocking, self.bob.user_id: Member(self.bob.user_id, 0, 1)}
        membership = Membership(self.talk, ConversationKind.DIRECT, 0, members)
        self.rig.node.factory._services.positions._memberships.put(membership)
        self.forget()
        self.done(self.read(self.phone, 1))
        self.assertEqual([], self.receipts(self.bob))

    def test_nor_where_they_ask(self) -> None:
        self.say()
        self.done(self.read(self.phone, 1))
        self.phone.ask(set_blocked=pb.SetBlocked(user_id=self.bob.user_id, blocked=True))
        for client in (self.phone, self.bob):
            answer = client.ask(get_receipts=pb.GetReceipts(conversation_id=self.talk))
            self.assertEqual([], list(answer.receipts.receipts))

    def test_a_node_that_ends_writes_what_it_has_taken(self) -> None:
        self.say()
        self.phone.send(mark_read=pb.MarkRead(conversation_id=self.talk, seq=1))
        drained = Deferred.fromCoroutine(self.rig.node.drain())
        self.rig.clock.advance(INTERVAL)
        self.rig.run()
        self.assertIn("done", self.phone.names())
        self.assertTrue(drained.called)


class TypingTests(Case):
    def type(self, client: WireClient, talk: int | None = None) -> pb.Frame:
        return client.ask(typing=pb.Typing(conversation_id=talk or self.talk))

    def test_the_others_are_told_on_every_node_and_device(self) -> None:
        self.done(self.type(self.bob))
        for client in (self.phone, self.tablet):
            (frame,) = client.take()
            notice = frame.typing_notice
            self.assertEqual((self.talk, self.bob.user_id), (notice.conversation_id, notice.user_id))
        self.assertEqual(([], []), (self.bob.take(), self.cat.take()))

    def test_of_several_on_one_node_each_is_told_once(self) -> None:
        group, execute = 9_000, self.rig.database.pool.connection.execute
        execute("INSERT INTO head VALUES (?, 0, 0, 0, 0, 0)", (group,))
        execute("INSERT INTO conversation VALUES (?, 2, 0)", (group,))
        for name in ("ann", "bob", "cat"):
            execute("INSERT INTO member VALUES (?, ?, 0)", (group, self.rig.users[name]))
            execute("INSERT INTO period VALUES (?, ?, 1, NULL)", (group, self.rig.users[name]))
        laptop = self.rig.client("cat", "laptop", node=self.other)
        self.done(self.type(self.phone, group))
        for client in (self.bob, laptop, self.cat):
            self.assertEqual(["typing_notice"], client.names())
        self.assertEqual([], self.tablet.names())

    def test_one_in_two_seconds_for_each_conversation_and_connection(self) -> None:
        talk = self.rig.talk(self.phone, "cat")
        self.forget()
        for _ in range(3):
            self.done(self.type(self.phone))
        self.done(self.type(self.phone, talk))
        self.done(self.type(self.tablet))
        self.assertEqual((2, 1), (len(self.bob.take()), len(self.cat.take())))
        self.rig.clock.advance(2)
        self.done(self.type(self.phone))
        self.assertEqual(["typing_notice"], self.bob.names())

    def test_nothing_is_stored(self) -> None:
        self.done(self.type(self.bob))
        for query in ("SELECT * FROM event WHERE stream_id = ?", "SELECT * FROM reading WHERE conversation_id = ?"):
            self.assertEqual([], self.rig.database.pool.connection.execute(query, (self.talk,)).fetchall())

    def test_who_reads_slowly_goes_without(self) -> None:
        self.bob.transport.room = 10
        self.say(self.phone)
        self.forget()
        self.done(self.type(self.phone))
        self.bob.transport.room = None
        self.bob.transport.drain()
        self.rig.run()
        self.assertEqual([], self.bob.names())
        self.rig.clock.advance(2)
        self.done(self.type(self.phone))
        self.assertEqual(["typing_notice"], self.bob.names())

    def test_who_may_not_write(self) -> None:
        for client, talk in ((self.cat, self.talk), (self.cat, FOREIGN), (self.phone, 2**64 - 1)):
            self.refused("not_found", self.type(client, talk))
        self.assertEqual([], self.bob.take())


class DateTests(Case):
    def setUp(self) -> None:
        super().setUp()
        self.times = []
        for _ in range(4):
            self.rig.clock.advance(10)
            self.times.append(int(self.rig.clock.seconds() * 1000))
            self.say()

    def history(self, client: WireClient | None = None, **body: Any) -> pb.Frame:
        return (client or self.phone).ask(history=pb.History(stream_id=self.talk, **body))

    def seqs(self, **body: Any) -> list[int]:
        return [event.seq for event in self.history(**body).history_result.events]

    def test_from_a_time_on(self) -> None:
        self.assertEqual([2, 3, 4], self.seqs(since_ms=self.times[1]))
        self.assertEqual([3], self.seqs(since_ms=self.times[1] + 1, limit=1))
        self.assertEqual([1, 2, 3, 4], self.seqs(since_ms=1))
        self.assertEqual([], self.seqs(since_ms=2**64 - 1))

    def test_up_to_a_time(self) -> None:
        self.assertEqual([1, 2], self.seqs(before_ms=self.times[2]))
        self.assertEqual([2, 3], self.seqs(before_ms=self.times[2] + 1, limit=2))
        self.assertEqual([], self.seqs(before_ms=1))
        self.assertEqual([3, 4], self.seqs(before_ms=2**64 - 1, limit=2))

    def test_between_two(self) -> None:
        self.assertEqual([2, 3], self.seqs(since_ms=self.times[1], before_ms=self.times[3]))
        self.assertEqual([], self.seqs(since_ms=self.times[3], before_ms=self.times[1]))

    def test_what_breaks_the_rules(self) -> None:
        for body in ({"after": 1}, {"before": 3}, {"until": 3}):
            self.refused("invalid_request", self.history(since_ms=self.times[1], **body))
        self.refused("not_found", self.history(self.cat, since_ms=1))
        self.refused("not_found", self.history(self.cat, before_ms=2**64 - 1))
