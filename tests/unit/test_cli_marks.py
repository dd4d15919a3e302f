"""Commands for what one decides about conversations, and for messages that speak of others."""

from imchat.domain.errors import NotFound
from imchat.domain.models import EventState
from imchat.wire import imchat_pb2 as pb
from tests.unit.test_cli_people import PeopleCase


class Deciding(PeopleCase):
    def decided(self):
        state = self.people.asked("set_conversation")[-1]
        names = ("pinned", "muted", "hidden")
        return state.conversation_id, {name: getattr(state, name) for name in names if state.HasField(name)}

    def test_pinned_muted_hidden_and_back(self):
        for name, field in (("pin", "pinned"), ("mute", "muted"), ("hide", "hidden")):
            self.assertEqual(self.ok(name, "bob").out, f"#{self.talk} {field}\n")
            self.assertEqual(self.ok(name, "bob", "--off").out, f"#{self.talk} not {field}\n")
            self.ok(name, "bob")
            self.assertEqual(self.decided(), (self.talk, {field: True}))
            (told,) = self.ok(name, f"#{self.talk}", "--off", "--json").json
            self.assertEqual(told, {"conversation_id": self.talk, field: False})
            self.assertEqual(self.decided(), (self.talk, {field: False}))

    def test_read_up_to_the_newest_or_to_a_number(self):
        for text in ("one", "two", "three"):
            self.server.say(self.talk, 2, text)
        self.assertEqual(self.ok("read", "bob", "2").out, "2\n")
        self.assertEqual(self.ok("read", "bob").out, "3\n")
        self.assertEqual([mark.seq for mark in self.people.asked("mark_read")], [2, 3])

    def test_nothing_to_read(self):
        self.assertEqual(self.ok("read", "bob").out, "0\n")
        self.assertEqual(self.people.asked("mark_read"), [])

    def test_deletion_for_oneself(self):
        self.assertEqual(self.ok("delete", "bob", "2", "1").out, f"#{self.talk} deleted for oneself: 2, 1\n")
        self.assertEqual(
            self.ok("delete", "bob", "--through", "3").out, f"#{self.talk} deleted for oneself: all up to 3\n"
        )
        asked = [(list(one.seqs), one.through_seq) for one in self.people.asked("delete_messages")]
        self.assertEqual(asked, [([1, 2], 0), ([], 3)])

    def test_a_deletion_says_what_goes(self):
        for wrong in ((), ("1", "--through", "3")):
            self.refused(2, "delete", "bob", *wrong)
        self.assertEqual(self.people.asked("delete_messages"), [])

    def test_how_far_the_others_are(self):
        receipt = pb.Receipt(conversation_id=self.talk, user_id=2, delivered_seq=5, read_seq=3)
        self.server.answers["get_receipts"] = lambda peer, frame: {"receipts": pb.Receipts(receipts=[receipt])}
        self.assertEqual(self.ok("receipts", "bob").out, "bob: received up to 5, read up to 3\n")
        (told,) = self.ok("receipts", "bob", "--json").json
        expected = {"user_id": 2, "name": "bob", "conversation_id": self.talk, "delivered_seq": 5, "read_seq": 3}
        self.assertEqual(told, expected)

    def test_what_is_not_there_is_named(self):
        def nothing(peer, frame):
            raise NotFound

        self.server.answers.update(dict.fromkeys(("set_conversation", "mark_read", "delete_messages"), nothing))
        for command in (("pin", "#999"), ("read", "#999", "1"), ("delete", "#999", "1")):
            self.assertIn("conversation #999", self.refused(1, *command))


class Speaking(PeopleCase):
    def said(self):
        return self.server.streams[self.talk].events[-1].content

    def test_a_reply_with_mentions(self):
        self.server.say(self.talk, 2, "question")
        self.ok("send", "bob", "answer", "--reply", "1", "--mention", "bob", "--mention", "alice")
        content = self.said()
        self.assertEqual((content.text.text, content.reply_to, list(content.mentions)), ("answer", 1, [2, 1]))

    def test_what_cannot_be_replied_to_is_named(self):
        def nothing(peer, frame):
            raise NotFound

        self.server.answers["send_message"] = nothing
        text = self.refused(1, "send", "bob", "hi", "--reply", "7", "--mention", "carol")
        self.assertIn("message 7, or not all who are mentioned", text)

    def test_whoever_is_mentioned_is_there(self):
        self.assertIn("nobody", self.refused(1, "send", "bob", "hi", "--mention", "nobody"))
        self.assertEqual(self.server.texts(self.talk), [])

    def test_a_message_is_passed_on_without_what_it_replied_to(self):
        self.server.say(self.talk, 2, "question")
        content = pb.Content(text=pb.Text(text="answer"), reply_to=1, mentions=[2])
        self.server.append(self.talk, 2, content)
        other = self.server.direct(1, 3)
        self.assertEqual(self.ok("forward", "bob", "2", "carol").out, "1\n")
        passed = self.server.streams[other].events[-1].content
        self.assertEqual(passed, pb.Content(text=pb.Text(text="answer"), forwarded=True))
        self.assertIn("(forwarded) answer", self.ok("history", "carol").out)

    def test_what_is_gone_or_no_message_is_not_passed_on(self):
        self.server.append(self.talk, 0, pb.Content(system_line=pb.SystemLine(code="contacts_made", user_ids=[1, 2])))
        gone = self.server.say(self.talk, 2, "secret")
        gone.content.Clear()
        gone.state = int(EventState.RECALLED)
        for seq in ("1", "2", "9"):
            self.assertIn(f"message {seq}", self.refused(1, "forward", "bob", seq, "carol"))

    def test_the_list_tells_what_is_hidden_and_the_avatar(self):
        self.server.say(self.talk, 2, "hello")
        self.fake.run(1)
        self.people.states[1, self.talk] = pb.ConversationState(hidden_seq=1)
        command = self.ok("conversations", "--hidden")
        self.assertIn("hidden]", command.out)
        (line,) = self.ok("conversations", "--hidden", "--json").json
        self.assertEqual((line["hidden"], line["avatar"], line["mention_seq"]), (True, "", 0))
