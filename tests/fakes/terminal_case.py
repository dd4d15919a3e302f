"""A test with a terminal of its own."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.fakes.client_world import FakeWorld
from tests.fakes.terminal import FakeTerminal


class CliCase(SynchronousTestCase):
    """Runs commands; at the end no timer is left."""

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

    def nothing(self, *argv):
        """Run a command that has nothing to show, and return what it says instead; a program is told nothing."""
        command = self.terminal.run(*argv)
        self.assertEqual((command.code, command.out, len(command.err.splitlines())), (0, "", 1))
        self.assertEqual(self.ok(*argv, "--json").out, "")
        return command.err

    def refused(self, code, *argv, **options):
        command = self.terminal.run(*argv, **options)
        self.assertEqual(command.code, code, command.err)
        self.assertEqual(command.out, "")
        self.assertEqual(len(command.err.splitlines()), 1, command.err)
        self.assertTrue(command.err.startswith("imchat: "))
        return command.err

    def login(self, name="alice", *options):
        self.ok(*options, "login", name, "--password-stdin", stdin="correct horse\n")
