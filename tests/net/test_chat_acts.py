"""Messages of every kind, replies and acts, as frames: what is answered, pushed and read, and what bad ones get."""

from __future__ import annotations

from dataclasses import replace

from imchat.chat.settings import ChatSettings
from imchat.domain.limits import Limit
from imchat.domain.rates import SESSION_RATES
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import MAX_FRAME
from tests.fakes.chat_node import message_id, now
from tests.net.test_chat_adapter import Case

THUMB = "👍"
BAD_SEQS = (0, 99, 2**53, 2**63, 2**64 - 1)


class ActCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.ann, self.bob, self.talk = self.pair()
        self.number = 100

    def new_id(self, number: int | None = None) -> bytes:
        self.number += 1
        return message_id(self.number if number is None else number)

    def send(self, client, content: pb.Content, number: int | None = None, talk: int | None = None) -> pb.Frame:
        where = self.talk if talk is None else talk
        body = pb.SendMessage(conversation_id=where, client_id=self.new_id(number), content=content)
        return client.ask(send_message=body)

    def say(self, client, text: str = "hello", **more) -> int:
        answer = self.send(client, pb.Content(text=pb.Text(text=text), **more))
        self.assertEqual("accepted", answer.WhichOneof("body"), answer)
        return answer.accepted.seq

    def recall(self, client, seq: int, number: int | None = None, talk: int | None = None) -> pb.Frame:
        where = self.talk if talk is None else talk
        body = pb.RecallMessage(conversation_id=where, client_id=self.new_id(number), seq=seq)
        return client.ask(recall_message=body)

    def edit(self, client, seq: int, text: str = "other", number: int | None = None, talk=None, **more) -> pb.Frame:
        content = pb.Content(text=pb.Text(text=text), **more)
        where, client_id = self.talk if talk is None else talk, self.new_id(number)
        body = pb.EditMessage(conversation_id=where, client_id=client_id, seq=seq, content=content)
        return client.ask(edit_message=body)

    def react(self, client, seq: int, emoji: str = THUMB, remove=False, number: int | None = None, talk=None):
        where, client_id = self.talk if talk is None else talk, self.new_id(number)
        body = pb.React(conversation_id=where, client_id=client_id, seq=seq, emoji=emoji, remove=remove)
        return client.ask(react=body)

    def accepted(self, answer: pb.Frame) -> int:
        self.assertEqual("accepted", answer.WhichOneof("body"), answer)
        return answer.accepted.seq

    def pushed(self, client) -> pb.Event:
        """The one event that was pushed."""
        [message] = client.take()
        return message.event

    def read(self, client, seq: int) -> pb.Event:
        [event] = client.ask(history=pb.History(stream_id=self.talk, after=seq - 1, limit=1)).history_result.events
        return event


class KindTests(ActCase):
    def test_messages_of_every_kind_arrive_as_they_were_sent(self) -> None:
        contents = (
            pb.Content(text=pb.Text(text="hi"), forwarded=True),
            pb.Content(sticker=pb.Sticker(emoji="🎉")),
            pb.Content(picture=pb.Picture(reference="blob/1", media_type="image/png", size=5, width=3, height=2)),
            pb.Content(file=pb.File(reference="blob/2", media_type="text/plain", size=9, name="notes.txt")),
            pb.Content(card=pb.Card(user_id=self.rig.users["bob"]), mentions=[self.rig.users["bob"]]),
            pb.Content(location=pb.Location(latitude=52.5, longitude=13.25, name="Berlin")),
            pb.Content(custom=pb.Custom(media_type="application/x-chess", data=b"e4\x00"), forwarded=True),
        )
        for seq, content in enumerate(contents, 1):
            self.assertEqual(seq, self.accepted(self.send(self.ann, content)))
            self.assertEqual(content, self.pushed(self.bob).content)
            self.assertEqual(content, self.read(self.bob, seq).content)

    def test_bad_contents(self) -> None:
        contents = (
            (pb.Content(sticker=pb.Sticker(emoji="no")), "invalid_request"),
            (pb.Content(picture=pb.Picture(reference="x", media_type="text/html")), "invalid_request"),
            (pb.Content(file=pb.File(reference="x", media_type="a/b", name="a\u202egpj.exe")), "invalid_request"),
            (pb.Content(file=pb.File(reference="x", media_type="a/b", name="n" * 300)), "invalid_request"),
            (pb.Content(card=pb.Card(user_id=2**64 - 1)), "invalid_request"),
            (pb.Content(location=pb.Location(latitude=91)), "invalid_request"),
            (pb.Content(location=pb.Location(latitude=float("nan"))), "invalid_request"),
            (pb.Content(custom=pb.Custom(media_type="a/b", data=b"x" * 40_000)), "too_large"),
            (pb.Content(text=pb.Text(text="a"), mentions=range(1, 10_001)), "too_large"),
            (pb.Content(system_line=pb.SystemLine(code="contacts_made")), "invalid_request"),
            (pb.Content(reacted=pb.Reacted(seq=1, emoji=THUMB)), "invalid_request"),
            (pb.Content(recalled=pb.Recalled(seq=1)), "invalid_request"),
            (pb.Content(edited=pb.Edited(seq=1)), "invalid_request"),
            (pb.Content(forwarded=True), "unsupported"),
        )
        self.say(self.ann)
        self.bob.take()
        for content, code in contents:
            self.assertError(self.send(self.ann, content), code)
        self.assertEqual([], self.bob.take())
        self.assertServes(self.ann)

    def test_those_who_are_no_members_cannot_be_mentioned(self) -> None:
        eve = self.rig.add_user("eve")
        for mentioned in (eve, 12345, 0, 2**64 - 1):
            content = pb.Content(text=pb.Text(text="hi"), mentions=[self.rig.users["bob"], mentioned])
            self.assertError(self.send(self.ann, content), "not_found")
            self.assertError(self.edit(self.ann, 1, mentions=[mentioned]), "not_found")


class ActTests(ActCase):
    def test_a_recall_reaches_the_other_with_the_message_as_it_stands(self) -> None:
        seq = self.say(self.ann, "oops")
        self.bob.take()
        self.assertEqual(2, self.accepted(self.recall(self.ann, seq)))
        event = self.pushed(self.bob)
        self.assertEqual((2, seq), (event.seq, event.content.recalled.seq))
        self.assertEqual((seq, pb.RECALLED, 2), (event.target.seq, event.target.state, event.target.changed_seq))
        self.assertIsNone(event.target.content.WhichOneof("body"))
        self.assertEqual(event.target, self.read(self.bob, seq))
        self.assertEqual(event, self.read(self.bob, 2))
        self.assertError(self.recall(self.ann, seq), "unchanged")

    def test_an_edit_keeps_to_what_its_message_replies(self) -> None:
        question = self.say(self.bob, "question")
        seq = self.say(self.ann, "answr", reply_to=question)
        self.bob.take()
        self.accepted(self.edit(self.ann, seq, "answer", reply_to=77))
        event = self.pushed(self.bob)
        self.assertEqual((seq, "answer", question, pb.EDITED),
                         (event.target.seq, event.target.content.text.text, event.target.content.reply_to,
                          event.target.state))  # fmt: skip
        shown = self.read(self.bob, seq)
        self.assertEqual(("answer", question, "question"),
                         (shown.content.text.text, shown.content.reply_to, shown.quote.content.text.text))  # fmt: skip

    def test_reactions_are_pushed_by_themselves_and_counted_in_history(self) -> None:
        seq = self.say(self.ann)
        self.ann.take()
        self.accepted(self.react(self.bob, seq))
        event = self.pushed(self.ann)
        self.assertEqual(pb.Reacted(seq=seq, emoji=THUMB), event.content.reacted)
        self.assertFalse(event.HasField("target"))
        shown = self.read(self.ann, seq)
        self.assertEqual([(THUMB, 1, False)], [(one.emoji, one.count, one.own) for one in shown.reactions])
        self.assertEqual((event.seq, pb.NORMAL), (shown.changed_seq, shown.state))
        self.assertTrue(self.read(self.bob, seq).reactions[0].own)
        self.accepted(self.react(self.bob, seq, remove=True))
        self.assertEqual([], list(self.read(self.bob, seq).reactions))

    def test_a_reply_is_pushed_with_a_preview_of_what_it_replies_to(self) -> None:
        seq = self.say(self.bob, "x" * 5_000)
        self.bob.take()
        reply = self.say(self.ann, "yes", reply_to=seq)
        event = self.pushed(self.bob)
        self.assertEqual((seq, seq, "x" * 100),
                         (event.content.reply_to, event.quote.seq, event.quote.content.text.text))  # fmt: skip
        self.assertEqual(event.quote, self.read(self.ann, reply).quote)
        self.assertEqual("x" * 5_000, self.read(self.ann, seq).content.text.text)

    def test_a_page_of_the_longest_stays_below_the_largest_frame(self) -> None:
        name, address = "名" * 255, "址" * 500
        place = self.accepted(self.send(self.ann, pb.Content(location=pb.Location(name=name, address=address))))
        text = self.say(self.ann, "👍" * 8_000, mentions=[self.rig.users["bob"]] * 50)
        for number in range(60):
            self.say(self.ann, f"{number}", reply_to=place)
            self.accepted(self.edit(self.ann, text, "👎" * 8_000))
            self.ann, _ = self.rig.client("ann"), self.rig.clock.advance(1)
        seen, after = 0, 0
        while seen < 122:
            page = self.ann.ask(history=pb.History(stream_id=self.talk, after=after, limit=500)).history_result
            self.assertLess(page.ByteSize(), MAX_FRAME)
            seen, after = seen + len(page.events), page.to_seq

    def test_other_nodes_push_the_same(self) -> None:
        node = self.rig.make_node("node-2")
        cats = self.rig.client("bob", "tablet", node=node)
        seq = self.say(self.ann, "one")
        self.accepted(self.edit(self.ann, self.say(self.ann, "two", reply_to=seq), "three"))
        self.accepted(self.recall(self.ann, seq))
        self.rig.clock.advance(1)
        there = [message.event for message in cats.take() if message.WhichOneof("body") == "event"]
        here = [message.event for message in self.bob.take()]
        self.assertEqual(here, there)
        self.assertEqual([1, 2, 3, 4], [event.seq for event in there])
        self.assertEqual(
            (seq, "three", seq), (there[1].quote.seq, there[2].target.content.text.text, there[3].target.seq)
        )

    def test_sync_brings_acts_to_a_device_that_was_away(self) -> None:
        seq = self.say(self.ann, "one")
        self.edit(self.ann, seq, "two")
        sync = self.bob.ask(sync=pb.Sync(positions=[pb.Position(stream_id=self.talk, seq=1)]))
        [state] = [one for one in sync.sync_result.streams if one.stream_id == self.talk]
        self.assertEqual(["two"], [event.target.content.text.text for event in state.events])


class ResendTests(ActCase):
    def acts(self, client, seq, number):
        return (
            self.react(client, seq, number=number),
            self.edit(client, seq, number=number + 1),
            self.recall(client, seq, number=number + 2),
        )

    def test_a_resend_gets_the_first_answer_whatever_speaks_against_it_by_now(self) -> None:
        seq = self.say(self.ann)
        first = self.acts(self.ann, seq, 1)
        self.rig.clock.advance(3_600)
        self.ann, self.bob = self.rig.client("ann"), self.rig.client("bob")
        again = self.acts(self.ann, seq, 1)
        self.assertEqual([2, 3, 4], [answer.accepted.seq for answer in again])
        resent = [[answer.accepted.resent for answer in answers] for answers in (first, again)]
        self.assertEqual([[False] * 3, [True] * 3], resent)

    def test_the_same_id_for_something_else_is_a_conflict(self) -> None:
        seq = self.say(self.ann)
        self.acts(self.ann, seq, 1)
        for answer in (
            self.react(self.ann, seq, "🎉", number=1),
            self.react(self.ann, seq, remove=True, number=1),
            self.edit(self.ann, seq, "else", number=2),
            self.recall(self.ann, seq, number=1),
            self.send(self.ann, pb.Content(text=pb.Text(text="hello")), number=3),
        ):
            self.assertError(answer, "conflict")

    def test_twice_before_the_first_is_stored_is_one(self) -> None:
        seq = self.say(self.ann)
        self.ann.take()
        self.rig.database.pool.hold()
        body = pb.React(conversation_id=self.talk, client_id=message_id(9), seq=seq, emoji=THUMB)
        self.ann.send(react=body)
        self.ann.send(react=body)
        self.ann.send(react=pb.React(conversation_id=self.talk, client_id=message_id(9), seq=seq, emoji="🎉"))
        self.assertError(self.ann.take()[0], "conflict")
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual([2, 2], [message.accepted.seq for message in self.ann.take()])


class LimitTests(ActCase):
    settings = ChatSettings(limits=replace(SESSION_RATES, acts=Limit(2, 60_000)))

    def test_acts_are_limited_and_their_resends_are_not(self) -> None:
        seq = self.say(self.ann)
        self.accepted(self.react(self.ann, seq, number=1))
        self.accepted(self.edit(self.ann, seq))
        for answer in (self.react(self.ann, seq, "🎉"), self.recall(self.ann, seq), self.edit(self.ann, seq)):
            self.assertError(answer, "rate_limited")
            self.assertGreater(answer.error.retry_after_ms, 0)


class ForbiddenTests(ActCase):
    """Whatever is not one's own business."""

    def everything(self, client, seq: int, talk: int | None = None):
        reply = pb.Content(text=pb.Text(text="a"), reply_to=seq)
        return (
            self.recall(client, seq, talk=talk),
            self.edit(client, seq, talk=talk),
            self.react(client, seq, talk=talk),
            self.send(client, reply, talk=talk) if seq else self.recall(client, seq, talk=talk),
        )

    def test_a_foreign_conversation_is_one_that_does_not_exist(self) -> None:
        seq = self.say(self.ann)
        eve = self.rig.client("eve")
        for talk in (self.talk, 12345, self.rig.users["ann"], 0, 2**64 - 1):
            for answer in self.everything(eve, seq, talk):
                self.assertError(answer, "not_found")
        self.assertEqual(1, self.read(self.ann, 1).seq)
        self.assertEqual(0, self.read(self.ann, 1).changed_seq)

    def test_a_conversation_that_the_node_does_not_remember_is_not_open_either(self) -> None:
        seq = self.say(self.ann)
        node = self.rig.make_node("node-2")
        for answer in self.everything(self.rig.client("eve", node=node), seq):
            self.assertError(answer, "not_found")
        self.accepted(self.react(self.rig.client("bob", "tablet", node=node), seq))

    def test_numbers_that_no_message_has(self) -> None:
        self.say(self.ann)
        for seq in BAD_SEQS:
            for answer in self.everything(self.ann, seq):
                self.assertError(answer, "not_found")
        self.assertServes(self.ann)

    def test_no_reply_to_itself(self) -> None:
        self.assertError(self.send(self.ann, pb.Content(text=pb.Text(text="a"), reply_to=1)), "not_found")
        self.say(self.ann, "b")
        self.assertError(self.send(self.ann, pb.Content(text=pb.Text(text="a"), reply_to=2)), "not_found")

    def test_anothers_message_is_not_changed(self) -> None:
        seq = self.say(self.ann)
        self.assertError(self.recall(self.bob, seq), "forbidden")
        self.assertError(self.edit(self.bob, seq), "forbidden")
        self.assertEqual("hello", self.read(self.ann, seq).content.text.text)

    def test_too_late(self) -> None:
        seq = self.say(self.ann)
        self.rig.clock.advance(121)
        self.ann = self.rig.client("ann")
        self.assertError(self.recall(self.ann, seq), "too_late")
        self.accepted(self.edit(self.ann, seq))
        self.rig.clock.advance(15 * 60)
        self.ann = self.rig.client("ann")
        self.assertError(self.edit(self.ann, seq, "third"), "too_late")

    def test_what_a_member_came_too_late_to_see_does_not_exist_for_them(self) -> None:
        seq = self.say(self.ann)
        later = self.say(self.ann, "later")
        move = "UPDATE period SET from_seq = 2 WHERE user_id = ?"
        bob_id = self.rig.users["bob"]
        now(self.rig.database.writer.run("arrange", lambda tx: tx.execute(move, (bob_id,))))
        node = self.rig.make_node("node-2")
        bob, ann = self.rig.client("bob", "tablet", node=node), self.rig.client("ann", "tablet", node=node)
        self.assertError(self.react(bob, seq), "not_found")
        self.assertError(self.send(bob, pb.Content(text=pb.Text(text="a"), reply_to=seq)), "not_found")
        self.accepted(self.react(bob, later))
        bob.take()
        self.accepted(self.edit(ann, seq, "secret"))
        self.say(ann, "see above", reply_to=seq)
        edit, reply = (message.event for message in bob.take())
        self.assertEqual((seq, False), (edit.content.edited.seq, edit.HasField("target")))
        self.assertEqual((seq, False), (reply.content.reply_to, reply.HasField("quote")))

    def test_bad_reactions_and_edits(self) -> None:
        seq = self.say(self.ann)
        for emoji in ("", "a", "\x00", "👍" * 17, "\u202e👍"):
            self.assertError(self.react(self.ann, seq, emoji), "invalid_request")
        for text in ("", "\x00", "x" * 8_001, "  "):
            self.assertError(self.edit(self.ann, seq, text), "invalid_request")
        body = pb.EditMessage(conversation_id=self.talk, client_id=message_id(1), seq=seq)
        self.assertError(self.ann.ask(edit_message=body), "unsupported")
        body.content.sticker.emoji = THUMB
        self.assertError(self.ann.ask(edit_message=body), "invalid_request")
        for name, kind in (("recall_message", pb.RecallMessage), ("react", pb.React), ("edit_message", pb.EditMessage)):
            answer = self.ann.ask(**{name: kind(conversation_id=self.talk, client_id=b"short", seq=seq)})
            self.assertEqual("error", answer.WhichOneof("body"))
        self.assertEqual(0, self.read(self.bob, seq).changed_seq)

    def test_reactions_beyond_what_one_may_have(self) -> None:
        seq = self.say(self.ann)
        for n in range(8):
            self.accepted(self.react(self.bob, seq, chr(0x1F600 + n)))
        self.assertError(self.react(self.bob, seq), "too_many")
        self.assertError(self.react(self.bob, seq, chr(0x1F600)), "unchanged")
        self.assertError(self.react(self.ann, seq, chr(0x1F600), remove=True), "unchanged")
