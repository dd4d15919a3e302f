"""The ``imchat`` command and example programs as child processes, as people run them."""

import json
import os
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol

PASSWORD = "correct horse battery staple"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Program(ProcessProtocol):
    """A running program whose output lines can be waited for."""

    def __init__(self, command, environment, directory=None):
        self.out = b""
        self.errors = b""
        self.exit_code = None
        self._watchers = []
        reactor.spawnProcess(self, command[0], command, env=environment, path=directory and str(directory))

    @property
    def lines(self):
        # Whole ones: what a read brings may end within a line, even within a character.
        return self.out[: self.out.rfind(b"\n") + 1].decode("utf-8").splitlines()

    def outReceived(self, data):
        self.out += data
        self._look()

    def errReceived(self, data):
        self.errors += data
        self._look()

    def processEnded(self, reason):
        code = 0 if reason.check(ProcessDone) else reason.value.exitCode
        self.exit_code = -1 if code is None else code
        self._look()

    def _look(self):
        for watcher in list(self._watchers):
            condition, deferred = watcher
            if condition():
                self._watchers.remove(watcher)
                deferred.callback(None)

    async def until(self, condition, seconds=30.0):
        """Return when a condition on this program holds."""
        if not condition():
            deferred = Deferred()
            self._watchers.append((condition, deferred))
            try:
                await deferred.addTimeout(seconds, reactor)
            except Exception:
                raise AssertionError(f"still waiting; printed {self.lines}, errors {self.errors}") from None

    async def end(self):
        """Return the exit code when it has ended."""
        await self.until(lambda: self.exit_code is not None)
        return self.exit_code

    def feed(self, text):
        self.transport.write(text.encode("utf-8"))

    def signal(self, name):
        if self.exit_code is None:
            self.transport.signalProcess(name)


class Terminal:
    """One person at a terminal, with a state directory of their own."""

    def __init__(self, server, state_dir, name):
        self.server = server
        self.name = name
        self.environment = {**os.environ, "IMCHAT_STATE_DIR": str(state_dir / name), "IMCHAT_SERVER": server.url}

    def start(self, *arguments):
        """Start an ``imchat`` command."""
        code = "from imchat.cli.main import main; main()"
        return Program([sys.executable, "-c", code, *arguments], self.environment)

    async def run(self, *arguments, feed=None):
        """Run an ``imchat`` command to its end; it must succeed."""
        program = self.start(*arguments)
        if feed is not None:
            program.feed(feed)
            program.transport.closeStdin()
        assert await program.end() == 0, program.errors.decode("utf-8")
        return program

    async def join(self):
        """Register with the mailed code, and log in."""
        address = f"{self.name}@example.org"
        await self.run("register", "--send-code", address)
        code = self.server.code_for(address)
        await self.run("register", self.name, address, "--code", code, "--password-stdin", feed=PASSWORD + "\n")
        await self.run("login", self.name, "--password-stdin", feed=PASSWORD + "\n")

    def listen(self):
        """Start listening; lines are JSON."""
        return self.start("--json", "listen")

    @staticmethod
    def heard(program):
        """The texts that a listener has printed, in order."""
        return [entry["text"] for entry in map(json.loads, program.lines) if entry.get("text") is not None]


def start_bot(server, state_dir, name):
    """Start the echo bot of the examples."""
    return start_example("echo_bot.py", server, state_dir, name)


def start_example(file, server, state_dir, name):
    """Start one of the examples that log a user in."""
    command = [sys.executable, str(EXAMPLES / file), name, server.url]
    return Program(command, {**os.environ, "IMCHAT_PASSWORD": PASSWORD}, state_dir)
