"""The cluster while Redis or MariaDB is away or a node is frozen: late is allowed; lost, doubled, reordered is not."""

import signal

import pytest_twisted

from tests.functional.terminal import Terminal
from tests.functional.test_cluster import cluster, everything_heard, settings, two

__all__ = ["cluster", "settings"]  # fixtures

LINES = 10


class Talk:
    """Two people who talk at each other."""

    def __init__(self, alice, bob, ears):
        self.ears = ears
        self.mouths = {"alice": alice.start("send", "bob", "-"), "bob": bob.start("send", "alice", "-")}
        self.sent = {"alice": [], "bob": []}

    def say(self, word):
        for name, mouth in self.mouths.items():
            lines = [f"{name} {word} {i}" for i in range(LINES)]
            self.sent[name] += lines
            mouth.feed("".join(line + "\n" for line in lines))

    async def heard(self):
        await everything_heard(self.ears, self.sent)

    def end(self):
        for program in [*self.mouths.values(), *self.ears.values()]:
            program.signal("KILL")


def lines_about(child, word):
    """What a server has logged about something."""
    return [line for line in child.output.splitlines() if word in line]


@pytest_twisted.ensureDeferred
async def test_stores_that_go_away_and_come_back(cluster, state_dir):
    talk = Talk(*await two(cluster, state_dir))
    try:
        talk.say("quiet")
        await talk.heard()
        await cluster.redis.kill()
        # Stored, acknowledged, and brought to the other node by its sweep alone.
        talk.say("redis gone")
        await talk.heard()
        await cluster.redis.start()  # it comes back empty
        talk.say("redis back")
        await talk.heard()
        await cluster.mariadb.stop()
        talk.say("database gone")
        await cluster.mariadb.start()
        await talk.heard()
        for chat in cluster.chats.values():
            assert "Traceback" not in chat.output
            # One line when an outage begins and one when it ends, not one a message.
            assert len(lines_about(chat, "Redis")) < 8, lines_about(chat, "Redis")
            assert len(lines_about(chat, "database")) < 12, lines_about(chat, "database")
    finally:
        talk.end()


@pytest_twisted.ensureDeferred
async def test_a_frozen_node_and_frozen_servers(cluster, state_dir):
    talk = Talk(*await two(cluster, state_dir))
    try:
        talk.say("quiet")
        await talk.heard()
        for name in ("status", "verify"):
            cluster.children[name].signal(signal.SIGSTOP)
            talk.say(f"frozen {name}")
            await talk.heard()
            cluster.children[name].signal(signal.SIGCONT)
        node = next(iter(cluster.chats.values()))
        node.signal(signal.SIGSTOP)
        talk.say("frozen node")
        node.signal(signal.SIGKILL)
        await node.wait()
        await talk.heard()
        assert Terminal.heard(talk.ears["bob"])
    finally:
        talk.end()
