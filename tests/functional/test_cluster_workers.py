"""``workers = 2`` of chat and gate: one that stops answering is killed and replaced while people talk through it."""

import os
import signal

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from imchat.client import Unreachable
from imchat.testing import Cluster
from tests.functional.conftest import GENEROUS
from tests.functional.people import couple, gate_of, pause, register, until
from tests.functional.raw import RawDevice
from tests.functional.terminal import PASSWORD
from tests.functional.test_cluster import workers


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    settings = (*GENEROUS, "chat.workers=2", "gate.workers=2")
    running = Cluster(reactor, tmp_path_factory.mktemp("workers") / "cluster", settings=settings)
    try:
        pytest_twisted.blockon(ensureDeferred(running.start()))
        yield running
    finally:
        pytest_twisted.blockon(ensureDeferred(running.kill()))


async def route_of(cluster, device, tries=10):
    """Get a route as clients do: again, where nobody answers."""
    for _ in range(tries):
        try:
            return await gate_of(cluster, 2.0).route(device.client.session.token)
        except Unreachable:
            continue
    raise AssertionError("the gate does not answer")


@pytest_twisted.ensureDeferred
async def test_workers_that_stop_answering_are_replaced_and_the_others_left_alone(cluster):
    ann, bob, talk = await couple(cluster)
    ann.only = None
    said = ["before"]
    ann.say(talk, *said)
    await bob.until_shown(*said)
    before = {name: workers(cluster.children[name]) for name in ("chat-a", "gate")}
    frozen = {name: pids[0] for name, pids in before.items()}
    try:
        for pid in frozen.values():
            os.kill(pid, signal.SIGSTOP)
        for number in range(60):
            ann.say(talk, f"line {number}")
            said.append(f"line {number}")
            await pause(0.2)
        await bob.until_shown(*said)
        # Half of the connections to the gate went to the frozen one as long as it was there.
        for _ in range(6):
            await route_of(cluster, bob)
        for name, pids in before.items():
            child = cluster.children[name]
            await until(lambda c=child, old=pids[0]: len(workers(c)) == 2 and old not in workers(c))
            assert pids[1] in workers(child)
            assert "worker 1 has not answered for some time and is killed" in child.output
            assert "worker 2 " not in child.output.replace("[worker 2]", ""), child.output
        bob.say(talk, "after")
        await ann.until_shown("after")
    finally:
        for name, pid in frozen.items():
            if pid in workers(cluster.children[name]):
                os.kill(pid, signal.SIGKILL)
    await ann.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_workers_of_one_address_are_one_candidate_with_their_connections_summed(cluster):
    await register(cluster, "many")
    gate = gate_of(cluster)
    held = [await RawDevice(cluster, "many", "a", f"device-{number}").start() for number in range(6)]
    addresses = {cluster.ports[f"chat-{node}"] for node in "ab"}
    await pause(4.0)  # the next reports tell status
    for number in range(4):
        login = await gate.login("many", PASSWORD, held[0].info)
        # One address, not one for each worker; and b, whose two have fewer together, not whichever is emptiest.
        assert login.route.nodes[0].port == cluster.ports["chat-b"], number
        assert sorted(node.port for node in login.route.nodes) == sorted(addresses)
    for device in held:
        device.stop()
