"""Commands about a user's own states of a conversation, replies, forwarding, and what refusals say."""

from imchat.cli.exits import exit_for
from imchat.domain.errors import Forbidden, NotContacts, RateLimited, TooLate, Unchanged
from imchat.wire import imchat_pb2 as pb
from tests.fakes.client_people import FakePeople
from tests.fakes.terminal_case import CliCase


class TalkCase(CliCase):
    def setUp(self):
        super().setUp()
        self.people = FakePeople(self.server)
        self.login()
        self.server.say(self.talk, 2, "question")
        self.server.say(self.talk, 2, "another")

    def last(self, name):
        return self.people.asked(name)[-1]

    def refuse(self, body, error):
        """The server answers this kind of request with an error that has no words of its own."""
        self.server.intercept = lambda peer, frame: frame.HasField(body) and (peer.refuse(frame, error.code) or True)


class States(TalkCase):
    def test_pinned_muted_hidden_and_no_more(self):
        for name, field in (("pin", "pinned"), ("mute", "muted"), ("hide", "hidden")):
            self.assertIn(field, self.ok("conversations", name, "bob").out)
            asked = self.last("set_conversation")
            self.assertEqual((asked.conversation_id, getattr(asked, field)), (self.talk, True))
            self.assertEqual(len(asked.ListFields()), 2)
            self.assertIn("no longer", self.ok("conversations", name, f"#{self.talk}", "--off").out)
            self.assertIs(getattr(self.last("set_conversation"), field), False)

    def test_read_up_to_the_newest_or_to_a_number(self):
        self.assertEqual(self.ok("conversations", "read", "bob", "1").out, "bob: read up to 1\n")
        self.assertEqual(self.ok("conversations", "read", "bob").out, "bob: read up to 2\n")
        self.assertEqual([asked.seq for asked in self.people.asked("mark_read")], [1, 2])
        self.assertEqual(self.ok("conversations", "--json").json[0]["unread"], 0)
        self.assertIn("newest message is 2", self.refused(1, "conversations", "read", "bob", "3"))
        self.assertIn("nothing was said", self.refused(1, "conversations", "read", "carol"))

    def test_deleted_for_oneself(self):
        self.ok("conversations", "delete", "bob", "1", "2")
        self.assertEqual(list(self.last("delete_messages").seqs), [1, 2])
        self.ok("conversations", "delete", "bob", "--all")
        self.assertEqual(self.last("delete_messages").through_seq, 2)
        asked = len(self.people.asked("delete_messages"))
        for more in ((), ("1", "--all")):
            self.assertIn("--all", self.refused(2, "conversations", "delete", "bob", *more))
        self.assertEqual(len(self.people.asked("delete_messages")), asked)

    def test_the_list_by_either_name(self):
        for command in (("conversations", "--limit", "1"), ("conversations", "list", "--limit", "1")):
            self.assertEqual(len(self.ok(*command, "--json").json), 1)

    def test_the_list_tells_what_is_hidden(self):
        self.people.states[1, self.talk] = pb.ConversationState(hidden_seq=9)
        self.assertIn("hidden]", self.ok("conversations", "--hidden").out)
        (line,) = self.ok("conversations", "--hidden", "--json").json
        self.assertEqual((line["hidden"], line["avatar"], line["mention_seq"]), (True, "", 0))

    def test_how_far_the_others_are(self):
        receipt = pb.Receipt(conversation_id=self.talk, user_id=2, delivered_seq=5, read_seq=3)
        self.server.answers["get_receipts"] = lambda peer, frame: {"receipts": pb.Receipts(receipts=[receipt])}
        command = self.ok("conversations", "receipts", "bob")
        self.assertEqual(command.out, "bob: received up to 5, read up to 3\n")
        (told,) = self.ok("conversations", "receipts", "bob", "--json").json
        self.assertEqual((told["name"], told["delivered_seq"], told["read_seq"]), ("bob", 5, 3))
        self.server.answers["get_receipts"] = lambda peer, frame: {"receipts": pb.Receipts()}
        command = self.terminal.run("conversations", "receipts", "bob")
        self.assertEqual((command.code, command.out, len(command.err.splitlines())), (0, "", 1))

    def test_what_is_not_there(self):
        self.assertIn("conversation #77", self.refused(1, "conversations", "pin", "#77"))
        self.assertIn("nobody", self.refused(1, "conversations", "pin", "nobody"))
        self.server.streams.pop(self.talk)
        self.assertIn("no conversations", self.nothing("conversations"))


class Sent(TalkCase):
    def sent(self):
        return next(e for e in reversed(self.server.streams[self.talk].events) if e.sender_id == 1).content

    def test_a_reply_that_mentions_somebody(self):
        self.ok("send", "bob", "answer", "--reply", "1", "--mention", "bob")
        self.assertEqual((self.sent().text.text, self.sent().reply_to, list(self.sent().mentions)), ("answer", 1, [2]))

    def test_what_a_reply_needs_is_named(self):
        self.refuse("send_message", type("NotFound", (), {"code": "not_found"}))
        told = self.refused(1, "send", "bob", "x", "--reply", "9", "--mention", "carol")
        self.assertIn("the conversation with 'bob' has no message 9 to reply to, or not all who are mentioned", told)
        told = self.refused(1, "send", f"#{self.talk}", "x", "--reply", "9")
        self.assertIn(f"no conversation #{self.talk} that you are in, or it has no message 9 to reply to", told)
        self.assertIn("nobody", self.refused(1, "send", "bob", "x", "--mention", "nobody"))

    def test_forwarding(self):
        other = self.server.direct(1, 3)
        self.server.append(other, 3, pb.Content(text=pb.Text(text="news"), reply_to=1, mentions=[1]))
        self.assertEqual(self.ok("forward", "carol", "1", "bob").out, "3\n")
        self.assertEqual(self.sent(), pb.Content(text=pb.Text(text="news"), forwarded=True))
        self.assertIn(": news (forwarded)\n", self.ok("history", "bob").out)
        self.assertIn("no message 9", self.refused(1, "forward", "carol", "9", "bob"))
        self.assertIn("conversation #77", self.refused(1, "forward", "#77", "1", "bob"))


class Refusals(TalkCase):
    def test_too_much_is_told_with_the_time_to_wait(self):
        for milliseconds, words in ((600, "in 1 s"), (59_001, "in 1 min"), (86_399_000, "in 24 h"), (0, "too much")):
            end = exit_for(RateLimited("too much", milliseconds))
            self.assertEqual(1, end.code)
            self.assertTrue(end.message.endswith(words), end.message)

    def test_who_may_not_write_is_told_what_to_do(self):
        self.refuse("send_message", NotContacts)
        self.assertIn("imchat contacts add bob", self.refused(1, "send", "bob", "hi"))
        self.assertIn("imchat contacts add NAME", self.refused(1, "send", f"#{self.talk}", "hi"))
        self.assertIn("imchat contacts add bob", self.refused(1, "forward", "bob", "1", "bob"))
        self.refuse("react", NotContacts)
        self.assertIn("imchat contacts add bob", self.refused(1, "react", "bob", "1", "👍"))

    def test_who_never_talked_has_no_conversation_to_read(self):
        self.refuse("open_direct", NotContacts)
        self.assertIn("imchat contacts add carol", self.refused(1, "history", "carol"))

    def test_acts(self):
        for body, command, error, words in (
            ("recall_message", ("recall", "bob", "1"), Forbidden, "message 1 is not your own"),
            ("recall_message", ("recall", "bob", "1"), Unchanged, "recalled already"),
            ("edit_message", ("edit", "bob", "1", "x"), Forbidden, "not your own, or no text"),
            ("edit_message", ("edit", "bob", "1", "x"), TooLate, "15 minutes"),
            ("react", ("react", "bob", "1", "👍"), TooLate, "message 1 is gone"),
            ("react", ("react", "bob", "1", "👍"), Unchanged, "has this reaction"),
        ):
            self.refuse(body, error)
            self.assertIn(words, self.refused(1, *command))
