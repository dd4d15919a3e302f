"""``make cluster`` as an operator uses it: kill what is listed, Ctrl-C, start again, close the terminal."""

import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import pytest_twisted

from imchat.testing.embedded import code_in_outbox
from tests.functional.people import until
from tests.functional.terminal import EXAMPLES, Program
from tests.functional.test_cluster import two
from tests.functional.test_cluster_outages import Talk

NAMES = ("mariadb", "redis", "verify", "status", "chat-a", "chat-b", "gate")


class Made:
    """What runs in the operator's terminal, known by what it prints there."""

    chats = ("a", "b")

    def __init__(self, directory):
        self.directory = directory
        self.program = Program([sys.executable, str(EXAMPLES / "cluster.py"), str(directory)], dict(os.environ))

    async def ready(self):
        await self.program.until(lambda: "Ctrl-C ends all of it." in self.program.lines, seconds=120)
        self.ports = json.loads((self.directory / "ports.json").read_text())
        return self

    @property
    def url(self):
        (url,) = (line.split()[1] for line in self.program.lines if re.match(" +gate +http", line))
        return url

    @property
    def pids(self):
        """The process of each name, as it was printed last."""
        found = re.findall(r"^ *(\S+) +(?:runs again, )?process (\d+)$", "\n".join(self.program.lines), re.MULTILINE)
        return {name: int(pid) for name, pid in found}

    def code_for(self, address):
        return code_in_outbox(self.directory / "mails", address)

    async def end(self, number):
        """Send a signal to what the operator started, and return when it and all that it started have gone."""
        pids = [pid for pid in self.pids.values() if Path(f"/proc/{pid}").exists()]
        assert len(pids) == len(NAMES), self.pids
        self.program.signal(number)
        assert await self.program.end() == 0, self.program.errors
        assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


@pytest.fixture
def directory(tmp_path):
    """Of the data; whatever happens, nothing stays behind that uses it."""
    path = tmp_path / "cluster"
    yield path
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # Redis shows other words; it works there.
            if bytes(path) in (process / "cmdline").read_bytes() or path in (process / "cwd").readlink().parents:
                os.kill(int(process.name), signal.SIGKILL)


@pytest_twisted.ensureDeferred
async def test_two_people_talk_while_each_process_is_killed_and_find_it_all_after_the_next_start(directory, state_dir):
    made = await Made(directory).ready()
    assert tuple(made.pids) == NAMES
    alice, bob, ears = await two(made, state_dir)
    talk = Talk(alice, bob, ears)
    try:
        talk.say("quiet")
        await talk.heard()
        for name in NAMES:
            killed = made.pids[name]
            os.kill(killed, signal.SIGKILL)
            talk.say(f"killed {name}")
            await until(lambda name=name, killed=killed: made.pids[name] != killed, what=f"for {name}")
            await talk.heard()
    finally:
        talk.end()
    url = made.url
    await made.end("INT")
    again = await Made(directory).ready()
    assert again.url == url
    shown = [json.loads(line) for line in (await alice.run("--json", "history", "bob", "--limit", "1000")).lines]
    for name in ("alice", "bob"):
        assert [entry["text"] for entry in shown if entry["sender"] == name] == talk.sent[name]
    await again.end("HUP")


@pytest_twisted.ensureDeferred
async def test_what_a_killed_launcher_has_left_is_named_by_the_next_start(directory):
    made = await Made(directory).ready()
    pids = set(made.pids.values())
    made.program.signal("KILL")
    await made.program.end()
    refused = Made(directory)
    assert await refused.program.end() == 1
    (line,) = refused.program.errors.decode().splitlines()
    assert {int(word) for word in line.partition(": kill ")[2].split()} == pids, line
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="for the end of what was left")
    again = await Made(directory).ready()
    await again.end("INT")
