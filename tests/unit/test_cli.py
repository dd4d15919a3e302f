"""The command, as people and scripts use it: output, one line of error, exit codes, files."""

import argparse
import contextlib
import io

from twisted.trial.unittest import SynchronousTestCase

from imchat.cli.arguments import parser
from imchat.cli.main import main
from tests.fakes.terminal import NobodyListens
from tests.fakes.terminal_case import CliCase


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

    def test_arguments_that_are_no_text(self):
        self.login()
        for argv in (
            ("send", "bob", "fine", "\udcff\udcfe"),
            ("send", "\udcff", "hi"),
            ("history", "\udcff"),
            ("--server", "http://\udcff", "whoami"),
            ("--profile", "\udcff", "whoami"),
            ("register", "\udcff", "a@x.test", "--code", "1", "--password-stdin"),
            ("admin", "create-user", "eve", "\udcff@x.test", "--password-stdin"),
        ):
            with self.subTest(argv):
                self.assertIn("is not text", self.refused(2, *argv, stdin="long enough\n"))
        self.terminal.environ["IMCHAT_SERVER"] = "http://gate.test/\udcff"
        self.assertIn("is not text", self.refused(2, "login", "alice", "--password-stdin", stdin="x\n"))

    def test_a_damaged_profile(self):
        self.login()
        (self.directory / "default/profile.json").write_text("{")
        self.assertIn("damaged", self.refused(1, "whoami"))

    def test_resetting_the_password(self):
        self.terminal.answers.extend(["123456", "new password", "new password"])
        self.ok("reset-password", "alice@x.test")
        self.assertEqual(self.terminal.gate.codes, [("password_reset", "alice@x.test")])
        self.assertEqual(self.terminal.gate.bodies[-1]["password"], "new password")


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


def arguments_of(commands, where="imchat"):
    """Every argument of every command, with where it stands."""
    for action in commands._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from arguments_of(command, f"{where} {name}")
        else:
            yield f"{where} {action.metavar or action.option_strings}", action


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
        for date in ("yesterday", "24.11.2026", "1969-12-31"):
            self.assertIn("such as 2026-11-24 or 2026-11-24T18:30", self.usage("history", "bob", "--since", date))

    def test_every_argument_is_explained_where_its_command_is_asked(self):
        unexplained = [where for where, action in arguments_of(parser()) if not action.help]
        self.assertEqual([], unexplained)

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
