"""Processes that stay frozen: nobody hangs on them, and nothing is lost, doubled or reordered."""

import signal

import pytest
import pytest_twisted
from twisted.internet.defer import DeferredList, ensureDeferred

from imchat.client import Unreachable
from imchat.domain.errors import Unavailable
from tests.functional.people import Device, couple, gate_of, marks, new_lines, pause, until
from tests.functional.raw import RawDevice


@pytest_twisted.ensureDeferred
async def test_clients_of_a_node_that_stays_frozen_move_on_and_lose_nothing(cluster):
    ann, bob, talk = await couple(cluster)
    silent = await Device(cluster, ann.login, "a", "tablet").start()
    said = [f"line {i}" for i in range(300)]
    ann.say(talk, *said[:100])
    await bob.until_shown(*said[:100])
    for device in (ann, silent):
        device.only = None
    # In the midst of a flood: some lines are in a transaction that holds the lock of the conversation.
    ann.say(talk, *said[100:200])
    await ann.until_acknowledged(110)
    cluster.chats["a"].signal(signal.SIGSTOP)
    ann.say(talk, *said[200:])
    try:
        await bob.until_shown(*said)
        await ann.until_acknowledged(len(said))
        answers = [f"answer {i}" for i in range(20)]
        bob.say(talk, *answers)
        for device in (ann, silent):
            await device.until_shown(*answers)
            assert device.node == "b"
        assert [text for _, text in ann.acknowledged] == said
    finally:
        cluster.chats["a"].signal(signal.SIGCONT)
    # Whatever the node had begun before changes nothing when it wakes up.
    bob.say(talk, "the last")
    for device in (ann, silent):
        await device.until_shown(*answers, "the last")
    await pause(3.0)
    await bob.until_shown(*said)
    page = await bob.client.history(talk, limit=1000)
    assert page.last_seq == len(said) + len(answers) + 1
    for device in (ann, silent, bob):
        await device.stop()


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
@pytest_twisted.ensureDeferred
async def test_without_the_gate_people_talk_and_change_nodes(cluster, how):
    ann, bob, talk = await couple(cluster)
    ann.only = None
    cluster.gate.signal(how)
    try:
        ann.say(talk, "no gate")
        await bob.until_shown("no gate")
        with pytest.raises(Unreachable):
            await gate_of(cluster, 2.0).login(ann.login, "whatever it is", ann.client_device)
        # The addresses that the gate gave at the login are enough to leave a node that dies.
        await cluster.chats["a"].kill()
        ann.say(talk, "no gate and no node")
        await bob.until_shown("no gate", "no gate and no node")
        await until(lambda: ann.node == "b")
    finally:
        if how is signal.SIGSTOP:
            cluster.gate.signal(signal.SIGCONT)
        else:
            await cluster.gate.wait()
            await cluster.gate.start()
        await cluster.chats["a"].start()
    late = await Device(cluster, bob.login, name="late").start()
    await late.until_shown("no gate", "no gate and no node")
    for device in (ann, bob, late):
        await device.stop()


@pytest_twisted.ensureDeferred
async def test_a_frozen_database_is_told_in_time_and_recovers_without_a_restart(cluster):
    ann, bob, talk = await couple(cluster)
    raw = await RawDevice(cluster, ann.login, "a").start()
    servers = {name: cluster.children[name] for name in ("chat-a", "chat-b", "status", "gate")}
    before = marks(servers)
    cluster.mariadb.signal(signal.SIGSTOP)
    try:
        # The time-out of a request is the bound: without an answer within it the connection would end.
        asked = [raw.send(talk, number, f"line {number}") for number in range(5)]
        asked += [raw.history(talk), gate_of(cluster, 15.0).login(ann.login, "whatever it is", bob.client_device)]
        for answered, answer in await DeferredList([ensureDeferred(one) for one in asked], consumeErrors=True):
            assert not answered and answer.check(Unavailable) and answer.value.retry_after_ms, answer
    finally:
        cluster.mariadb.signal(signal.SIGCONT)
    accepted = [await raw.send_until_accepted(talk, number, f"line {number}") for number in range(5)]
    assert [answer.seq for answer in accepted] == [1, 2, 3, 4, 5]
    await bob.until_shown(*[f"line {number}" for number in range(5)])
    assert not raw.ended and bob.node == "b"
    await pause(2.0)  # an end is told when it has worked for a second
    await raw.history(talk)
    await bob.client.history(talk)
    ear = await Device(cluster, ann.login, "b", "ear").start()
    for name, child in servers.items():
        lines = [line for line in new_lines(child, before[name]) if "database" in line]
        # However many requests met it.
        assert sum("does not answer" in line for line in lines) <= 1, (name, lines)
        assert len(lines) == 2 or (not lines and name in ("chat-b", "status")), (name, lines)
    for device in (ear, ann, bob):
        await device.stop()
    raw.stop()
