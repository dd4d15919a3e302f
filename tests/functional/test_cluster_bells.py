"""The last message of a conversation reaches who is online by itself, though the notice of it is lost for good.

Redis only rings the bell: here it is flushed, stopped, frozen, kept from one node, or dies with the notice, and nobody
sends anything again: within seconds, not with the sweep of every minute. Node a reaches Redis through a relay.
"""

import signal
import socket

import pytest
import pytest_twisted

from imchat.domain.errors import CodeInvalid
from tests.functional.people import Device, couple, gate_of, register, whole
from tests.functional.terminal import PASSWORD


async def pair(cluster):
    """A couple that has begun to talk."""
    ann, bob, talk = await couple(cluster)
    ann.say(talk, "the first")
    await bob.until_shown("the first")
    return ann, bob, talk


def flush(cluster):
    """FLUSHALL and SCRIPT FLUSH: Redis as it is after a failover to an empty replica."""
    with socket.create_connection(("127.0.0.1", cluster.ports["redis"]), 5) as line:
        line.sendall(b"FLUSHALL\r\nSCRIPT FLUSH\r\n")
        assert line.recv(100).startswith(b"+OK")


@pytest_twisted.ensureDeferred
async def test_published_by_a_node_that_dies_at_once(cluster):
    ann, bob, talk = await pair(cluster)
    # Certain: from now on nothing that the node publishes reaches Redis.
    cluster.relay.stalled = True
    ann.say(talk, "the last")
    await ann.until_acknowledged(2)
    await cluster.chats["a"].kill()
    await ann.stop()
    assert len(bob.shown) == 1
    await bob.until_shown("the first", "the last", seconds=20)
    cluster.relay.stalled = False
    await cluster.chats["a"].start()
    await bob.stop()


@pytest.mark.parametrize("comes_back", [True, False], ids=["restarted", "gone"])
@pytest_twisted.ensureDeferred
async def test_lost_with_redis(cluster, comes_back):
    ann, bob, talk = await pair(cluster)
    cluster.redis.signal(signal.SIGSTOP)
    ann.say(talk, "the last")
    await ann.until_acknowledged(2)
    await ann.stop()
    assert len(bob.shown) == 1
    # What it had in its socket buffers, it takes with it.
    await cluster.redis.kill()
    if comes_back:
        await cluster.redis.start()
    await bob.until_shown("the first", "the last", seconds=20)
    if not comes_back:
        await cluster.redis.start()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_a_node_that_alone_is_cut_off_from_redis(cluster):
    ann, bob, talk = await pair(cluster)
    await cluster.relay.cut()
    ann.say(talk, "cut off")
    await bob.until_shown("the first", "cut off", seconds=20)
    bob.say(talk, "so I hear")
    await ann.until_shown("so I hear", seconds=20)
    await cluster.relay.open()
    await whole(cluster)
    ann.say(talk, "back")
    await bob.until_shown("the first", "cut off", "back")
    await ann.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_a_frozen_redis_keeps_nobody_from_talking_or_logging_in(cluster):
    ann, bob, talk = await pair(cluster)
    cluster.redis.signal(signal.SIGSTOP)
    try:
        said = [f"line {i}" for i in range(50)]
        ann.say(talk, *said)
        await bob.until_shown("the first", *said, seconds=20)
        late = await Device(cluster, bob.login, "a", "late").start()
        await late.until_shown("the first", *said, seconds=20)
    finally:
        cluster.redis.signal(signal.SIGCONT)
    ann.say(talk, "thawed")
    for device in (bob, late):
        await device.until_shown("the first", *said, "thawed")
        await device.stop()
    await ann.stop()


@pytest_twisted.ensureDeferred
async def test_redis_is_flushed_while_people_talk(cluster):
    ann, bob, talk = await pair(cluster)
    gate = gate_of(cluster)
    await gate.request_code("registration", "carol@example.org")
    code = cluster.code_for("carol@example.org")
    said = [f"line {i}" for i in range(60)]
    for start in range(0, 60, 20):
        ann.say(talk, *said[start : start + 20])
        flush(cluster)
    await bob.until_shown("the first", *said)
    with pytest.raises(CodeInvalid):
        await gate.register("carol", "carol@example.org", PASSWORD, code)
    # A new code is to be had at once, and people log in as before.
    await register(cluster, "carol")
    carol = await Device(cluster, "carol").start()
    await carol.stop()
    await ann.stop()
    await bob.stop()
