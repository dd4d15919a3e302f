"""What people can still do, and how soon they are told what they cannot, while a server is frozen or is not there."""

import signal
import time

import pytest
import pytest_twisted

from imchat.domain.errors import Unavailable
from tests.functional.people import Device, couple, gate_of, until
from tests.functional.terminal import PASSWORD

BOUND = 10.0
"""Seconds for any answer, a refusal too. A gate that waits for a frozen server without end takes its own time-out's."""

SERVERS = ("verify", "status", "chat-a", "chat-b", "gate")


async def answer(work):
    """The answer to a request, or the error that it came to; either within the bound."""
    begun = time.monotonic()
    try:
        return await work
    except Unavailable as error:
        assert error.retry_after_ms
        return error
    finally:
        assert time.monotonic() - begun < BOUND


@pytest.mark.parametrize("frozen", ["status", "verify"])
@pytest_twisted.ensureDeferred
async def test_a_frozen_server_fails_what_needs_it_in_time_and_nothing_else(cluster, frozen):
    ann, bob, talk = await couple(cluster)
    gate, device = gate_of(cluster, 20.0), bob.client_device
    asked = {
        "status": lambda: gate.login(ann.login, PASSWORD, device),
        "verify": lambda: gate.request_code("registration", f"{ann.login}-{time.monotonic()}@example.org"),
    }
    (works,) = asked.keys() - {frozen}
    cluster.children[frozen].signal(signal.SIGSTOP)
    try:
        # The first finds it out; once that is known nobody waits.
        for _ in range(2):
            assert isinstance(await answer(asked[frozen]()), Unavailable)
            assert not isinstance(await answer(asked[works]()), Unavailable)
        ann.say(talk, "meanwhile")
        await bob.until_shown("meanwhile")
    finally:
        cluster.children[frozen].signal(signal.SIGCONT)

    async def serves():
        return not isinstance(await answer(asked[frozen]()), Unavailable)

    end = time.monotonic() + 30
    while not await serves():
        assert time.monotonic() < end
    await ann.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_every_server_starts_and_serves_without_redis(cluster):
    ann, bob, talk = await couple(cluster)
    await cluster.redis.kill()
    try:
        for name in SERVERS:
            await cluster.children[name].kill()
        for name in SERVERS:
            await cluster.children[name].start()
        # Without the copy of the table nobody can be placed before the first reports.
        await until(lambda: all(f"chat node {n} is up" in cluster.status.output[-3000:] for n in ("a", "b")))
        late = await Device(cluster, bob.login, "b", "late").start()
        ann.say(talk, "without")
        for device in (bob, late):
            await device.until_shown("without")
        assert isinstance(await answer(gate_of(cluster).request_code("registration", "no@example.org")), Unavailable)
    finally:
        await cluster.redis.start()
    ann.say(talk, "with")
    for device in (bob, late):
        await device.until_shown("without", "with")
    for device in (ann, bob, late):
        await device.stop()
