"""The command, as people and scripts use it: output, one line of error, exit codes, files."""

import contextlib
import io
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat.cli.main import main
from imchat.wire import imchat_pb2 as pb
from tests.fakes.client import FakeWorld
from tests.fakes.terminal import FakeTerminal, NobodyListens


class CliCase(SynchronousTestCase):
    def setUp(self):
        self.directory = Path(self.mktemp())
        self.fake = FakeWorld()
        self.server = self.fake.server
        self.talk = self.server.direct(1, 2)
        self.terminal = FakeTerminal(self.directory, self.fake)

    def tearDown(self):
        for command in self.terminal.running:
            command.task.cancel()
        self.fake.run(30)
        self.assertEqual(self.fake.clock.getDelayedCalls(), [])

    def ok(self, *argv, **options):
        command = self.terminal.run(*argv, **options)
        self.assertEqual((command.code, command.err), (0, ""))
        return command

    def refused(self, code, *argv, **options):
        command = self.terminal.run(*argv, **options)
        self.assertEqual(command.code, code, command.err)
        self.assertEqual(command.out, "")
        self.assertEqual(len(command.err.splitlines()), 1, command.err)
        self.assertTrue(command.err.startswith("imchat: "))
        return command.err

    def login(self, name="alice", *options):
        self.ok(*options, "login", name, "--password-stdin", stdin="correct horse\n")


class Accounts(CliCase):
    def test_registering_asks_for_everything_and_sends_a_code(self):
        self.terminal.answers.extend(["dora", "dora@x.test", "long enough", "long enough", " 123456 "])
        command = self.ok("register")
        self.assertEqual(command.out, "registered dora\n")
        self.assertEqual(self.terminal.gate.codes, [("registration", "dora@x.test")])
        self.assertIn("5 min", self.terminal.questions[-1])

    def test_registering_from_a_script(self):
        self.ok("register", "--send-code", "dora@x.test")
        command = self.ok(
            "register", "dora", "dora@x.test", "--code", "123456", "--invitation", "I", "--password-stdin", "--json",
            stdin="long enough\n",
        )  # fmt: skip
        self.assertEqual(command.json, [{"user_id": 9, "name": "dora"}])
        self.assertEqual(len(self.terminal.gate.codes), 1)
        self.assertEqual(self.terminal.gate.bodies[-1]["invitation"], "I")

    def test_two_different_passwords(self):
        self.terminal.answers.extend(["one password", "another password"])
        self.assertIn("differ", self.refused(2, "register", "dora", "dora@x.test"))
        self.assertEqual(self.terminal.gate.codes, [])

    def test_the_servers_refusal_is_one_line(self):
        arguments = ("register", "dora", "dora@x.test", "--password-stdin", "--code")
        self.assertIn("because of code_invalid", self.refused(1, *arguments, "000000", stdin="long enough\n"))
        self.assertIn("password: has at least 8", self.refused(1, *arguments, "123456", stdin="short\n"))
        self.terminal.gate.problem = ("name_taken", 409)
        self.assertIn("name_taken", self.refused(1, *arguments, "123456", stdin="long enough\n"))

    def test_login_keeps_two_devices_in_files_that_others_cannot_read(self):
        self.login()
        devices = [body["device_id"] for body in self.terminal.gate.bodies]
        self.assertEqual(devices[1], devices[0] + "-send")
        self.assertRegex(devices[1], r"^[A-Za-z0-9._-]{1,64}$")
        for path in (self.directory, self.directory / "default"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o700)
        self.assertEqual((self.directory / "default/profile.json").stat().st_mode & 0o777, 0o600)

    def test_the_device_is_made_once_per_profile(self):
        self.login()
        self.login("bob")
        self.login("bob", "--profile", "other")
        devices = [body["device_id"] for body in self.terminal.gate.bodies[::2]]
        self.assertEqual(devices[0], devices[1])
        self.assertNotEqual(devices[1], devices[2])

    def test_wrong_password(self):
        self.refused(1, "login", "alice", "--password-stdin", stdin="wrong\n")
        self.refused(2, "login", "alice", "--password-stdin")
        self.refused(4, "whoami")

    def test_whoami(self):
        self.login()
        self.assertEqual(self.ok("whoami").out, "alice\n")
        (known,) = self.ok("--json", "whoami").json
        self.assertEqual((known["user_id"], known["server"]), (1, "http://127.0.0.1:8080"))

    def test_profiles_do_not_collide(self):
        self.login("alice", "--profile", "a")
        self.login("bob", "--profile", "b")
        self.assertEqual(self.ok("whoami", "--profile", "a").out, "alice\n")
        self.assertEqual(self.ok("--profile", "b", "whoami").out, "bob\n")

    def test_a_profile_cannot_leave_the_state_directory(self):
        self.refused(2, "--profile", "../x", "whoami")
        self.refused(2, "--profile", "", "login", "--profile", "..")

    def test_logout_ends_the_session_and_asks_for_no_network_twice(self):
        self.login()
        self.ok("logout")
        self.assertNotIn("token-alice", self.server.tokens)
        self.refused(4, "whoami")
        self.refused(4, "logout")

    def test_a_session_that_the_server_ended(self):
        self.login()
        del self.server.tokens["token-alice"]
        self.assertIn("log", self.refused(4, "whoami"))
        self.assertIn("log", self.refused(4, "send", "bob", "hi"))

    def test_another_server_is_not_told_this_ones_token(self):
        self.login()
        self.assertIn("http://127.0.0.1:8080", self.refused(4, "--server", "http://other.test", "whoami"))

    def test_a_server_that_cannot_be_reached_is_named(self):
        self.terminal.http = NobodyListens()
        error = self.refused(3, "--server", "http://gate.test:1", "login", "alice", "--password-stdin", stdin="x\n")
        self.assertIn("http://gate.test:1", error)
        self.assertIn("refused", error)

    def test_a_url_that_is_none(self):
        for url in ("gate.test", "ftp://gate.test", "http://", "http://h:99999", "http://h/?q"):
            with self.subTest(url):
                self.refused(2, "--server", url, "login", "alice", "--password-stdin", stdin="x\n")

    def test_a_damaged_profile(self):
        self.login()
        (self.directory / "default/profile.json").write_text("{")
        self.assertIn("damaged", self.refused(1, "whoami"))

    def test_resetting_the_password(self):
        self.terminal.answers.extend(["123456", "new password", "new password"])
        self.ok("reset-password", "alice@x.test")
        self.assertEqual(self.terminal.gate.codes, [("password_reset", "alice@x.test")])
        self.assertEqual(self.terminal.gate.bodies[-1]["password"], "new password")


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

    def test_nobody_of_that_name(self):
        self.assertIn("nobody", self.refused(1, "send", "nobody", "hi"))
        self.refused(1, "send", "#999", "hi")
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

    def test_an_empty_conversation(self):
        self.login()
        self.assertEqual(self.ok("history", "carol").out, "")


class Operators(CliCase):
    def test_invite_and_create_user_through_the_socket(self):
        self.assertEqual(self.ok("admin", "invite", "--uses", "3", "--expires", "2").out, "INVITE\n")
        self.assertEqual(self.terminal.gate.bodies[-1], {"uses": 3, "days": 2})
        command = self.ok(
            "admin",
            "create-user",
            "eve",
            "eve@x.test",
            "--password-stdin",
            "--data",
            "/d",
            "--json",
            stdin="pw pw pw\n",
        )
        self.assertEqual(command.json, [{"user_id": 10, "name": "eve"}])
        self.ok("admin", "invite", "--socket", "/s/admin")
        self.assertEqual(
            [str(path) for path in self.terminal.sockets], ["imchat-data/admin.sock", "/d/admin.sock", "/s/admin"]
        )

    def test_config_check(self):
        self.assertEqual(self.ok("config", "check").out, "ok\n")
        self.assertEqual(self.ok("config", "check", "--json").json, [{"ok": True}])
        command = self.terminal.run("config", "check", "--set", "gate.max_body=1", "--set", "gate.nonsense=1")
        self.assertEqual(command.code, 1)
        self.assertEqual(len(command.err.splitlines()), 2)
        self.assertIn("gate.nonsense", command.err)
        command = self.terminal.run("config", "check", "--set", "gate.max_body=1", "--json")
        self.assertEqual(len(command.json[0]["faults"]), 1)

    def test_the_socket_of_a_broken_configuration(self):
        self.refused(2, "admin", "invite", "--set", "gate.nonsense=1")


class Usage(SynchronousTestCase):
    def usage(self, *argv):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), self.assertRaises(SystemExit) as caught:
            main(argv)
        self.assertEqual(caught.exception.code, 2)
        return err.getvalue()

    def test_wrong_usage_exits_with_2_before_anything_is_done(self):
        self.usage()
        self.usage("nonsense")
        self.usage("send", "bob")
        self.assertIn("must be at least 1", self.usage("listen", "--count", "0"))
        self.assertIn("number", self.usage("listen", "--timeout", "soon"))
        self.usage("send", "bob", "hi", "--timeout", "nan")

    def test_help_names_every_command_and_the_exit_codes(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), self.assertRaises(SystemExit) as caught:
            main(["--help"])
        self.assertEqual(caught.exception.code, 0)
        for word in ("register", "login", "logout", "send", "listen", "history", "whoami", "config", "admin", "130"):
            self.assertIn(word, out.getvalue())


class Files(CliCase):
    def test_states_are_private_and_tokens_are_in_no_output(self):
        self.login()
        self.ok("send", "bob", "hi")
        for path in (self.directory / "default").iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
        shown = "".join(command.out + command.err for command in self.terminal.running)
        self.assertNotIn("token-alice", shown)

    def test_a_state_of_another_account_is_not_taken_over(self):
        self.login()
        self.server.intercept = lambda peer, frame: frame.HasField("send_message")
        self.terminal.run("send", "bob", "of alice", "--timeout", "2")
        self.server.intercept = lambda peer, frame: False
        self.login("carol")
        self.ok("send", "bob", "of carol")
        texts = [text for stream_id in self.server.streams for text in self.server.texts(stream_id)]
        self.assertEqual(texts, ["of carol"])
