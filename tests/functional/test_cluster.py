"""The cluster as people use it: real processes, MariaDB and Redis; nothing lost or doubled whatever is killed."""

import json
import os
import signal
from pathlib import Path

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from imchat.testing import Cluster
from tests.functional.conftest import GENEROUS
from tests.functional.terminal import Terminal
from tests.functional.test_embedded import twistd, wait_until_gone

LINES = 20


@pytest.fixture
def settings():
    """Of all servers of the cluster; a test may have others."""
    return GENEROUS


@pytest.fixture
def cluster(tmp_path, settings):
    """A running cluster with two chat nodes."""
    running = Cluster(reactor, tmp_path / "cluster", settings=settings)
    try:
        pytest_twisted.blockon(ensureDeferred(running.start()))
        yield running
    finally:
        pytest_twisted.blockon(ensureDeferred(running.kill()))


def connections(port):
    """How many connections to a port of the loopback interface are established."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(words[1].endswith(f":{port:04X}") and words[3] == "01" for words in lines)


def workers(child):
    """Process ids of the children of a process."""
    return [int(pid) for pid in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]


async def two(cluster, state_dir):
    """Alice and Bob, registered and logged in, each listening, on different nodes."""
    alice, bob = (Terminal(cluster, state_dir, name) for name in ("alice", "bob"))
    for person in (alice, bob):
        await person.join()
    ears = {}
    for person in (alice, bob):
        ears[person.name] = person.listen()
        # The next report tells status that the first has a connection, so the second goes elsewhere.
        await deferLater(reactor, 4.0, lambda: None)
    assert [connections(cluster.ports[f"chat-{node}"]) for node in cluster.chats] == [1, 1]
    assert (await treq.get(cluster.url + "/readyz")).code == 200
    return alice, bob, ears


async def everything_heard(ears, sent):
    """Wait until each has heard what the other sent; nothing lost, doubled or out of order."""
    for name, other in (("alice", "bob"), ("bob", "alice")):
        await ears[other].until(lambda o=other, n=name: len(Terminal.heard(ears[o])) >= len(sent[n]), seconds=60)
    await deferLater(reactor, 1.0, lambda: None)
    for name, other in (("alice", "bob"), ("bob", "alice")):
        assert Terminal.heard(ears[other]) == sent[name]


@pytest_twisted.ensureDeferred
async def test_two_people_talk_across_nodes_while_servers_are_killed(cluster, state_dir):
    alice, bob, ears = await two(cluster, state_dir)
    mouths = {"alice": alice.start("send", "bob", "-"), "bob": bob.start("send", "alice", "-")}
    sent = {"alice": [], "bob": []}

    def talk(word):
        for name, mouth in mouths.items():
            lines = [f"{name} {word} {i}" for i in range(LINES)]
            sent[name] += lines
            mouth.feed("".join(line + "\n" for line in lines))

    try:
        talk("quiet")
        await everything_heard(ears, sent)
        for node, chat in cluster.chats.items():
            talk(f"kill-{node}")
            await chat.kill()
            talk(f"gone-{node}")
            await everything_heard(ears, sent)
            await chat.start()
        for name in ("status", "verify", "gate"):
            talk(f"kill-{name}")
            await cluster.children[name].kill()
            talk(f"gone-{name}")
            await everything_heard(ears, sent)
            await cluster.children[name].start()
        await cluster.until_up()
        for mouth in mouths.values():
            mouth.transport.closeStdin()
            assert await mouth.end() == 0, mouth.errors.decode()
        shown = await alice.run("--json", "history", "bob", "--limit", "1000")
        entries = [json.loads(line) for line in shown.lines]
        assert [e["text"] for e in entries if e["sender"] == "alice"] == sent["alice"]
        assert [e["text"] for e in entries if e["sender"] == "bob"] == sent["bob"]
        assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
        for name, child in cluster.children.items():
            assert "Traceback" not in child.output, (name, child.output[-3000:])
    finally:
        for program in (*ears.values(), *mouths.values()):
            program.signal("KILL")


@pytest_twisted.ensureDeferred
async def test_it_starts_again_on_the_same_data_and_refuses_a_schema_that_is_too_old(cluster, state_dir, tmp_path):
    alice, bob = (Terminal(cluster, state_dir, name) for name in ("alice", "bob"))
    for person in (alice, bob):
        await person.join()
    await alice.run("send", "bob", "before the night")
    await cluster.stop()
    for name, child in cluster.children.items():
        assert "Traceback" not in child.output, (name, child.output[-3000:])
    again = Cluster(reactor, cluster.directory, settings=GENEROUS)
    try:
        await again.start()
        assert again.url == cluster.url
        heard = await bob.run("--json", "listen", "--count", "1")
        assert Terminal.heard(heard) == ["before the night"]
        # Another node on a port that is taken, and a database that has no schema yet.
        options = ["--nodaemon", "imchat-chat", f"--config={again.config}", "--node=c"]
        taken = await deferToThread(
            twistd, *options, f"--listen=tcp:{again.ports['chat-a']}:interface=127.0.0.1", cwd=tmp_path
        )
        old = await deferToThread(twistd, *options, "--set=database.name=mysql", cwd=tmp_path)
        for result, words in ((taken, "chat.listen"), (old, "imchat migrate")):
            assert result.returncode == 1
            assert words in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr
        assert not list(tmp_path.glob("*.pid"))
    finally:
        await again.kill()


@pytest.mark.parametrize("settings", [(*GENEROUS, "chat.workers=2", "gate.workers=2")])
@pytest_twisted.ensureDeferred
async def test_workers_share_a_port_and_are_replaced_when_they_die_or_fall_silent(cluster, state_dir):
    alice, bob, ears = await two(cluster, state_dir)
    mouth = alice.start("send", "bob", "-")
    sent = []

    async def say(*words):
        sent.extend(words)
        mouth.feed("".join(word + "\n" for word in words))
        await ears["bob"].until(lambda: len(Terminal.heard(ears["bob"])) >= len(sent), seconds=60)

    try:
        before = {name: workers(cluster.children[name]) for name in ("chat-a", "chat-b", "gate")}
        assert [len(pids) for pids in before.values()] == [2, 2, 2]
        await say("one", "two")
        # Whichever of them holds the two people: all are killed, one of them is frozen instead.
        frozen, *others = before["chat-a"] + before["chat-b"] + before["gate"]
        for pid in others:
            os.kill(pid, signal.SIGKILL)
        os.kill(frozen, signal.SIGSTOP)
        await say("three", "four")
        for _ in range(300):
            now = {name: workers(cluster.children[name]) for name in before}
            if all(len(now[name]) == 2 and not set(now[name]) & set(before[name]) for name in before):
                break
            await deferLater(reactor, 0.1, lambda: None)
        else:
            raise AssertionError((before, now))
        await say("five")
        await bob.run("send", "alice", "six")
        await ears["alice"].until(lambda: Terminal.heard(ears["alice"]) == ["six"])
        assert Terminal.heard(ears["bob"]) == sent
        assert "does not answer" not in cluster.gate.output and "Traceback" not in cluster.gate.output
    finally:
        for program in (*ears.values(), mouth):
            program.signal("KILL")


CONFIG = """
[verify.smtp]
host = "127.0.0.1"
[redis]
endpoint = "tcp:127.0.0.1:1"
[links]
secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""


@pytest_twisted.ensureDeferred
async def test_daemons_on_one_machine_keep_apart_by_their_nodes(tmp_path):
    (tmp_path / "imchat.toml").write_text(CONFIG)
    pids = {}
    try:
        for node in ("one", "two"):
            options = ["--config=imchat.toml", f"--node={node}", f"--listen=unix:{tmp_path}/{node}.sock"]
            started = await deferToThread(twistd, "imchat-verify", *options, cwd=tmp_path)
            assert started.returncode == 0, started.stderr
            pids[node] = int((tmp_path / f"imchat-verify-{node}.pid").read_text())
        assert len(set(pids.values())) == 2
        second = await deferToThread(twistd, "imchat-verify", "--config=imchat.toml", "--node=one", cwd=tmp_path)
        assert second.returncode == 1 and str(pids["one"]) in second.stdout + second.stderr
    finally:
        for pid in pids.values():
            os.kill(pid, signal.SIGTERM)
    for node in pids:
        await deferToThread(wait_until_gone, tmp_path / f"imchat-verify-{node}.pid")
        assert "imchat has ended" in (tmp_path / f"imchat-verify-{node}.log").read_text()
    assert not (tmp_path / "twistd.log").exists()
