"""send, listen and history, as people and scripts use them."""

from imchat.cli.exits import Code, Exit
from imchat.wire import imchat_pb2 as pb
from tests.fakes.terminal_case import CliCase


class Sending(CliCase):
    def setUp(self):
        super().setUp()
        self.login()

    def test_send_prints_the_number_and_ends(self):
        self.assertEqual(self.ok("send", "bob", "hello", "there").out, "1\n")
        self.assertEqual(self.server.texts(self.talk), ["hello there"])
        (sent,) = self.ok("send", f"#{self.talk}", "again", "--json").json
        self.assertEqual((sent["seq"], sent["conversation_id"]), (2, self.talk))

    def test_lines_are_sent_in_order(self):
        lines = [str(n) for n in range(200)]
        self.terminal.lines = type(self.terminal.lines)([*lines[:100], "", *lines[100:], None])
        command = self.ok("send", "bob", "-")
        self.assertEqual(self.server.texts(self.talk), lines)
        self.assertEqual(command.out.split(), [str(n) for n in range(1, 201)])

    def test_a_typed_line_is_acknowledged_before_the_next(self):
        command = self.terminal.start("send", "bob", "-")
        self.fake.run(1)
        self.terminal.lines.type("hello")
        self.fake.run(1)
        self.assertEqual(command.out, "1\n")
        self.terminal.lines.type(None)
        self.fake.run(1)
        self.assertEqual(command.code, 0)

    def test_a_refused_line_is_told_and_the_others_go_on(self):
        self.terminal.lines = type(self.terminal.lines)(["a", "x" * 9000, "b", None])
        command = self.terminal.run("send", "bob", "-")
        self.assertEqual(command.code, 1)
        self.assertEqual(self.server.texts(self.talk), ["a", "b"])
        self.assertEqual(len(command.err.splitlines()), 1)

    def test_lines_before_one_that_cannot_be_read_are_finished_and_reported(self):
        self.server.latency = 0.5
        self.terminal.lines = type(self.terminal.lines)(["a", "b", Exit(Code.USAGE, "line 3 is not UTF-8")])
        command = self.terminal.run("send", "bob", "-")
        self.assertEqual((command.code, command.out), (2, "1\n2\n"))
        self.assertEqual(command.err, "imchat: line 3 is not UTF-8\n")
        self.assertEqual(self.server.texts(self.talk), ["a", "b"])

    def test_what_is_not_there_is_named(self):
        self.assertIn("nobody", self.refused(1, "send", "nobody", "hi"))
        self.assertIn("conversation #999", self.refused(1, "send", "#999", "hi"))
        self.assertIn("conversation #999", self.refused(1, "history", "#999"))

    def test_a_target_that_is_none(self):
        self.refused(2, "send", "#x", "hi")

    def test_no_chat_node(self):
        self.server.down = set(self.fake.gate.nodes)
        self.assertIn("5 s", self.refused(3, "send", "bob", "hi", "--timeout", "5"))

    def test_without_an_acknowledgement_it_is_kept_and_sent_first_next_time(self):
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        self.assertIn("kept", self.refused(5, "send", "bob", "first", "--timeout", "5"))
        self.server.intercept = lambda peer, frame: False
        self.assertEqual(self.ok("send", "bob", "second").out, "2\n")
        self.assertEqual(self.server.texts(self.talk), ["first", "second"])

    def test_a_number_that_cannot_be_written_is_an_error(self):
        command = self.terminal.start("send", "bob", "hi")

        def full(text):
            raise OSError(28, "No space left on device")

        command.out_file.write = full
        self.fake.run(5)
        self.assertEqual((command.code, command.err), (1, "imchat: No space left on device\n"))

    def test_a_server_that_restarts_meanwhile(self):
        command = self.terminal.start("send", "bob", "-")
        self.fake.run(1)
        self.terminal.lines.type("one")
        self.fake.run(1)
        self.server.down = set(self.fake.gate.nodes)
        self.server.cut()
        self.terminal.lines.type("two")
        self.fake.run(4)
        self.server.down = set()
        self.terminal.lines.type(None)
        self.fake.run(20)
        self.assertEqual((command.code, command.out), (0, "1\n2\n"))

    def test_a_second_send_waits_for_the_first(self):
        first = self.terminal.start("send", "bob", "-")
        self.fake.run(1)
        second = self.terminal.start("send", "bob", "second")
        self.fake.run(3)
        self.assertEqual(second.codes, [])
        self.terminal.lines.type("first")
        self.terminal.lines.type(None)
        self.fake.run(3)
        self.assertEqual((first.code, second.code), (0, 0))
        self.assertEqual(self.server.texts(self.talk), ["first", "second"])

    def test_ctrl_c(self):
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        command = self.terminal.start("send", "bob", "hi")
        self.fake.run(1)
        command.task.cancel()
        self.fake.run(10)
        self.assertEqual(command.code, 130)
        self.assertIn("kept", command.err)


class Listening(CliCase):
    def setUp(self):
        super().setUp()
        self.login("bob")

    def test_messages_are_shown_as_they_come(self):
        command = self.terminal.start("listen")
        self.fake.run(1)
        self.server.say(self.talk, 1, "hello\nworld \x1b[31m")
        self.fake.run(1)
        self.assertRegex(command.out, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d alice: hello\n    world \ufffd\[31m\n$")

    def test_a_text_cannot_turn_or_break_the_line_that_shows_it(self):
        command = self.terminal.start("listen")
        self.fake.run(1)
        self.server.say(self.talk, 1, "a\u202eb\u2066c\u2069d\u2028e\u2029f \u05d0\u200e\u200f")
        self.fake.run(1)
        self.assertIn(": a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf \u05d0\u200e\u200f\n", command.out)

    def test_json(self):
        command = self.terminal.start("listen", "--json")
        self.fake.run(1)
        self.server.say(self.talk, 1, "héllo")
        self.fake.run(1)
        (message,) = command.json
        self.assertEqual((message["sender"], message["text"], message["own"]), ("alice", "héllo", False))

    def test_exactly_once_over_restarts_of_the_command(self):
        seen = []
        for n in range(6):
            self.server.say(self.talk, 1, f"{n}a")
            self.server.say(self.talk, 1, f"{n}b")
            command = self.ok("listen", "--count", "1", "--json")
            seen += [message["text"] for message in command.json]
        command = self.ok("listen", "--timeout", "3", "--json")
        seen += [message["text"] for message in command.json]
        self.assertEqual(seen, [f"{n}{x}" for n in range(6) for x in "ab"])

    def test_a_count_holds_over_conversations_that_talk_at_once(self):
        other = self.server.direct(2, 3)
        for n in range(3):
            self.server.say(self.talk, 1, f"alice {n}")
            self.server.say(other, 3, f"carol {n}")
        seen = []
        for _ in range(6):
            (message,) = self.ok("listen", "--count", "1", "--json").json
            seen.append(message["text"])
        self.assertEqual(sorted(seen), [f"{name} {n}" for name in ("alice", "carol") for n in range(3)])
        self.assertEqual([text for text in seen if "alice" in text], ["alice 0", "alice 1", "alice 2"])

    def test_count_that_is_not_reached_in_time(self):
        self.server.say(self.talk, 1, "one")
        command = self.terminal.run("listen", "--count", "2", "--timeout", "3")
        self.assertEqual(command.code, 5)
        self.assertIn("one", command.out)

    def test_own_messages_only_where_asked_for(self):
        self.server.append(self.talk, 2, self.server.say(self.talk, 1, "theirs").content)
        self.assertEqual(len(self.ok("listen", "--timeout", "2").out.splitlines()), 1)
        self.login("bob", "--profile", "second")
        self.assertEqual(len(self.ok("--profile", "second", "listen", "--own", "--timeout", "2").out.splitlines()), 2)

    def test_the_first_time_only_the_newest(self):
        for n in range(5):
            self.server.say(self.talk, 1, str(n))
        command = self.ok("listen", "--last", "2", "--timeout", "2", "--json")
        self.assertEqual([message["text"] for message in command.json], ["3", "4"])

    def test_it_survives_the_server_and_says_so_once(self):
        command = self.terminal.start("listen", "--json")
        self.fake.run(1)
        self.server.down = set(self.fake.gate.nodes)
        self.server.cut()
        self.fake.run(20)
        self.server.say(self.talk, 1, "meanwhile")
        self.server.down = set()
        self.fake.run(40)
        self.assertEqual([message["text"] for message in command.json], ["meanwhile"])
        self.assertEqual(len(command.err.splitlines()), 2)

    def test_listen_and_send_work_side_by_side(self):
        listening = self.terminal.start("listen", "--own")
        self.fake.run(1)
        self.ok("send", "alice", "hi")
        self.fake.run(1)
        self.assertEqual(listening.codes, [])
        self.assertIn("bob: hi", listening.out)

    def test_a_second_listen_is_refused(self):
        self.terminal.start("listen")
        self.fake.run(1)
        self.assertIn("another imchat listen", self.refused(1, "listen"))

    def test_a_session_that_is_ended_ends_it(self):
        command = self.terminal.start("listen")
        self.fake.run(1)
        goodbye = pb.Goodbye(code="session_ended", message="You logged out")
        self.server.peer(2).send(pb.Frame(goodbye=goodbye))
        self.fake.run(10)
        self.assertEqual((command.code, command.err), (4, "imchat: You logged out\n"))

    def test_ctrl_c_is_clean_and_nothing_is_lost(self):
        command = self.terminal.start("listen")
        self.fake.run(1)
        command.task.cancel()
        self.fake.run(10)
        self.assertEqual((command.code, command.err), (130, ""))
        self.server.say(self.talk, 1, "later")
        self.assertIn("later", self.ok("listen", "--count", "1").out)

    def test_a_reader_that_goes_away_loses_nothing(self):
        command = self.terminal.start("listen")
        self.fake.run(1)

        def broken(text):
            raise BrokenPipeError

        command.out_file.write = broken
        self.server.say(self.talk, 1, "unseen")
        self.fake.run(10)
        self.assertEqual((command.code, command.err), (1, ""))
        self.assertIn("unseen", self.ok("listen", "--count", "1").out)


class Histories(CliCase):
    def test_the_newest_oldest_first(self):
        self.login()
        self.server.history_events = 7
        for n in range(30):
            self.server.say(self.talk, 1 + n % 2, str(n))
        command = self.ok("history", "bob", "--limit", "20", "--format", "json")
        self.assertEqual([m["text"] for m in command.json], [str(n) for n in range(10, 30)])
        command = self.ok("history", f"#{self.talk}", "--limit", "3", "--before", "6", "--json")
        self.assertEqual([(m["seq"], m["sender"]) for m in command.json], [(3, "alice"), (4, "bob"), (5, "alice")])
        self.assertIn("bob: 29", self.ok("history", "bob").out)

    def test_upwards_from_a_number(self):
        self.login()
        self.server.history_events = 7
        for n in range(1, 31):
            self.server.say(self.talk, 2, str(n))
        seqs = [m["seq"] for m in self.ok("history", "bob", "--after", "3", "--limit", "20", "--json").json]
        self.assertEqual(seqs, list(range(4, 24)))
        seqs = [m["seq"] for m in self.ok("history", "bob", "--after", "0", "--before", "3", "--json").json]
        self.assertEqual(seqs, [1, 2])
        command = self.terminal.run("history", "bob", "--after", "30")
        self.assertEqual((command.code, command.out), (0, ""))

    def test_upwards_between_two_dates(self):
        self.login()
        for n in range(6):
            self.server.say(self.talk, 2, str(n))
            self.fake.run(86_400)
        dates = ("--since", "1970-01-13T12:00+00:00", "--until", "1970-01-16T12:00+00:00")
        told = self.ok("history", "bob", "--after", "0", "--limit", "2", *dates, "--json").json
        self.assertEqual([m["text"] for m in told], ["1", "2"])
        told = self.ok("history", "bob", "--after", "0", *dates, "--json").json
        self.assertEqual([m["text"] for m in told], ["1", "2", "3"])

    def test_an_empty_conversation(self):
        self.login()
        self.assertIn("no messages", self.nothing("history", "carol"))
