"""A status server that was killed and started again: it knows the chat nodes from the copy in Redis."""

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.functional.conftest import GENEROUS
from tests.functional.terminal import PASSWORD, Terminal
from tests.functional.test_cluster import cluster

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
