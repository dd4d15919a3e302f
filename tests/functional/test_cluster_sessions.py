"""One connection for each device and the end of sessions, across nodes, also when the other node is dead or frozen."""

import signal

import pytest
import pytest_twisted

from imchat.domain.errors import SessionEnded, SessionReplaced, Unauthenticated
from tests.functional.people import couple, gate_of, pause, until
from tests.functional.raw import RawDevice
from tests.functional.terminal import PASSWORD


async def reset_password(cluster, login, password):
    gate, address = gate_of(cluster, 20.0), f"{login}@example.org"
    await pause(1.2)  # one mail per address and interval
    await gate.request_code("password_reset", address)
    await gate.reset_password(address, cluster.code_for(address), password)


async def works(raw, talk, number):
    """Hold that a connection is one of a live session."""
    assert (await raw.send(talk, number, f"message {number}")).seq


@pytest_twisted.ensureDeferred
async def test_the_same_session_on_another_node_replaces_the_older_connection_at_once(cluster):
    ann, bob, talk = await couple(cluster)
    older = await RawDevice(cluster, ann.login, "a").start()
    newer = await RawDevice(cluster, ann.login, "b", token=older.token).start()
    await until(lambda: older.ended, 10.0)
    assert isinstance(older.farewell, SessionReplaced)
    await works(newer, talk, 1)
    # And back: what decides is who came later, not where.
    newest = await RawDevice(cluster, ann.login, "a", token=older.token).start()
    await until(lambda: newer.ended, 10.0)
    assert isinstance(newer.farewell, SessionReplaced)
    await works(newest, talk, 2)
    await bob.until_shown("message 1", "message 2")
    assert ann.ended is None and ann.node == "a"  # another device of hers
    for one in (older, newer, newest):
        one.stop()
    await ann.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_a_new_login_of_the_device_ends_the_older_connection_and_its_client_stays_away(cluster):
    ann, bob, talk = await couple(cluster)
    other = await RawDevice(cluster, ann.login, "b", device_id=ann.client_device.device_id).start()
    await until(lambda: ann.ended is not None, 10.0)
    assert isinstance(ann.ended, SessionReplaced)
    await pause(2.0)
    assert not other.ended
    await works(other, talk, 1)
    await bob.until_shown("message 1")
    other.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_a_log_out_ends_that_device_and_a_password_reset_all_of_them_on_every_node(cluster):
    ann, bob, _ = await couple(cluster)
    devices = [await RawDevice(cluster, ann.login, node, f"on-{node}").start() for node in ("a", "b")]
    for left, stays in (devices, devices[::-1]):
        again = await RawDevice(cluster, ann.login, left.node, "again").start()
        await gate_of(cluster).logout(again.token)
        await until(lambda again=again: again.ended, 10.0)
        assert isinstance(again.farewell, SessionEnded) and not left.ended and not stays.ended
    await reset_password(cluster, ann.login, "another " + PASSWORD)
    for device in devices:
        await until(lambda device=device: device.ended, 10.0)
        assert isinstance(device.farewell, SessionEnded)
        with pytest.raises(Unauthenticated):
            await RawDevice(cluster, ann.login, "a", device.info.device_id, device.token).start()
    await until(lambda: ann.ended is not None, 10.0)
    assert isinstance(ann.ended, SessionEnded)
    assert bob.ended is None
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_without_redis_sessions_end_by_the_sweep(cluster):
    ann, bob, talk = await couple(cluster)
    leaving = await RawDevice(cluster, ann.login, "a").start()
    replaced = await RawDevice(cluster, ann.login, "a", "second").start()
    await cluster.redis.kill()
    try:
        await gate_of(cluster).logout(leaving.token)
        newer = await RawDevice(cluster, ann.login, "b", "second", replaced.token).start()
        for device, error in ((leaving, SessionEnded), (replaced, SessionReplaced)):
            await until(lambda device=device: device.ended, 30.0)
            assert isinstance(device.farewell, error)
        await works(newer, talk, 1)
    finally:
        await cluster.redis.start()
    await bob.until_shown("message 1")
    newer.stop()
    await ann.stop()
    await bob.stop()


@pytest.mark.parametrize("how", ["frozen", "dead"])
@pytest_twisted.ensureDeferred
async def test_while_the_other_node_is_away_devices_are_replaced_and_sessions_ended(cluster, how):
    ann, bob, talk = await couple(cluster)
    node = cluster.chats["a"]
    await ann.stop()
    replaced = await RawDevice(cluster, ann.login, "a", "first").start()
    left = await RawDevice(cluster, ann.login, "a", "second").start()
    logged_in_again = await RawDevice(cluster, ann.login, "a", "third").start()
    node.signal(signal.SIGSTOP)
    try:
        if how == "dead":
            await node.kill()
        newer = await RawDevice(cluster, ann.login, "b", "first", replaced.token).start()
        third = await RawDevice(cluster, ann.login, "b", "third").start()
        await gate_of(cluster).logout(left.token)
        await works(newer, talk, 1)
        await works(third, talk, 2)
        await bob.until_shown("message 1", "message 2")
    finally:
        if how == "dead":
            await node.start()
        else:
            # It may not serve those that were replaced or ended meanwhile.
            node.signal(signal.SIGCONT)
    for device in (replaced, left, logged_in_again):
        await until(lambda device=device: device.ended, 30.0)
    if how == "frozen":
        assert isinstance(replaced.farewell, SessionReplaced), replaced.farewell
        assert isinstance(logged_in_again.farewell, SessionReplaced), logged_in_again.farewell
        assert isinstance(left.farewell, SessionEnded), left.farewell
    for device in (left, logged_in_again):
        with pytest.raises(Unauthenticated):
            await RawDevice(cluster, ann.login, "a", device.info.device_id, device.token).start()
    await works(newer, talk, 3)
    await works(third, talk, 4)
    await bob.until_shown(*(f"message {number}" for number in range(1, 5)))
    for one in (newer, third):
        one.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_a_new_login_alone_ends_the_older_connection(cluster):
    ann, bob, _ = await couple(cluster)
    # No Hello follows: whoever holds the older token, on whatever node, has lost it nevertheless.
    await gate_of(cluster).login(ann.login, PASSWORD, ann.client_device)
    await until(lambda: ann.ended is not None, 10.0)
    assert isinstance(ann.ended, SessionReplaced)
    await bob.stop()
