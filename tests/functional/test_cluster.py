"""The cluster as people use it: real processes, MariaDB and Redis; nothing lost or doubled whatever is killed."""

import json

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater

from imchat.testing import Cluster
from tests.functional.conftest import GENEROUS
from tests.functional.terminal import PASSWORD, Terminal

LINES = 20


@pytest.fixture
def cluster(tmp_path):
    """A running cluster with two chat nodes and generous limits."""
    running = Cluster(reactor, tmp_path / "cluster", settings=GENEROUS)
    try:
        pytest_twisted.blockon(ensureDeferred(running.start()))
        yield running
    finally:
        pytest_twisted.blockon(ensureDeferred(running.kill()))


async def connections(cluster):
    """Where the next login of a user would go, best first: the node with fewer connections."""
    login = {"login": "alice", "password": PASSWORD, "device_id": "probe", "device_name": "probe", "platform": "linux"}
    answer = await treq.post(cluster.url + "/v1/logins", json=login)
    assert answer.code == 200, await answer.text()
    return [node["port"] for node in (await answer.json())["nodes"]]


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
