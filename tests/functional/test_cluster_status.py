"""What status servers know of chat nodes: from the copy in Redis when they start, and of two nodes of one name."""

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.task import deferLater

from imchat.testing.embedded import READY
from imchat.testing.processes import Child, free_port
from tests.functional.conftest import GENEROUS
from tests.functional.terminal import PASSWORD, Terminal
from tests.functional.test_cluster import cluster, connections

__all__ = ["cluster"]  # a fixture


@pytest.fixture
def settings():
    """Chat nodes report once a minute: within the test they do it once, when they start."""
    return (*GENEROUS, "status.report_interval=60")


async def login(person):
    """Log a person in anew; return the exit code and what went wrong."""
    program = person.start("login", person.name, "--password-stdin")
    program.feed(PASSWORD + "\n")
    program.transport.closeStdin()
    return await program.end(), program.errors


async def until(condition):
    """Return when a condition holds; the sweep after a lost notice would take a minute."""
    for _ in range(200):
        if condition():
            return
        await deferLater(reactor, 0.05, lambda: None)
    raise AssertionError("in vain")


async def replace_status(cluster):
    """Kill the status server, start it again, and return when the gate is linked to it."""
    await cluster.status.kill()
    await cluster.status.start()
    for _ in range(100):
        if (await treq.get(cluster.url + "/readyz")).code == 200:
            return
        await deferLater(reactor, 0.1, lambda: None)
    raise AssertionError("the gate does not find the status server")


@pytest_twisted.ensureDeferred
async def test_a_fresh_status_server_places_logins_before_the_first_report(cluster, state_dir):
    alice = Terminal(cluster, state_dir, "alice")
    await alice.join()
    for _ in range(2):
        await replace_status(cluster)
        assert await login(alice) == (0, b"")
    await cluster.redis.kill()
    assert await login(alice) == (0, b"")
    # Without the copy there is nobody to place: it was the copy that helped, and no report.
    await cluster.redis.start()
    await replace_status(cluster)
    assert (await login(alice))[0] == 3
    output = cluster.status.output
    assert output.count("is up at") == 2 and output.count("known from the copy of the table") == 2, output
    assert "Traceback" not in output


@pytest.mark.parametrize("settings", [(*GENEROUS, "status.report_interval=1")])
@pytest_twisted.ensureDeferred
async def test_two_chat_nodes_of_one_name_work_and_the_operator_is_told(cluster, state_dir):
    people = [Terminal(cluster, state_dir, name) for name in ("alice", "bob", "carol")]
    for person in people:
        await person.join()
    # A node that is started again after a crash is no second one, and nothing holds it up.
    await cluster.chats["a"].kill()
    await cluster.chats["a"].start()
    command = [part for part in cluster.chats["a"].command if "--listen" not in part]
    port = free_port()
    second = Child(reactor, [*command, f"--listen=tcp:{port}:interface=127.0.0.1"], READY)
    ears = []
    try:
        await second.start()
        await until(lambda: "two chat nodes have the name a" in cluster.status.output)
        # The node with the fewest connections is chosen: three people are on three nodes.
        for person in people:
            ears.append(person.listen())
            await deferLater(reactor, 3.0, lambda: None)
        ports = (port, *(cluster.ports[f"chat-{node}"] for node in cluster.chats))
        assert [connections(one) for one in ports] == [1, 1, 1]
        for person in people:
            await person.run("send", people[0].name if person is not people[0] else "bob", f"from {person.name}")
        await until(lambda: sorted(Terminal.heard(ears[0])) == ["from bob", "from carol"])
        await until(lambda: Terminal.heard(ears[1]) == ["from alice"])
        lines = [line for line in cluster.status.output.splitlines() if "two chat nodes" in line]
        assert len(lines) == 1 and f"127.0.0.1:{port}" in lines[0] and "--node" in lines[0], lines
    finally:
        for ear in ears:
            ear.signal("KILL")
        await second.kill()
