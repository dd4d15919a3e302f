"""What users do to their own accounts, on real servers: it is felt on every node at once."""

import pytest
import pytest_twisted

from imchat.domain.errors import BadCredentials, SessionEnded, Unauthenticated
from imchat.wire import imchat_pb2 as pb
from tests.functional.people import couple, gate_of, pause, register, until
from tests.functional.raw import RawDevice
from tests.functional.terminal import PASSWORD


async def ask(device, **body):
    return await device.connection.request(pb.Frame(**body))


async def over(*devices):
    """Return when the servers have ended these connections because their sessions are over."""
    for device in devices:
        await until(lambda device=device: device.ended, 10.0, "for a session to end")
        assert isinstance(device.farewell, SessionEnded)


@pytest_twisted.ensureDeferred
async def test_a_profile_is_seen_by_the_other_device_and_found_from_the_other_node(cluster):
    ann, bob, _ = await couple(cluster)
    one = await RawDevice(cluster, ann.login, "a", "one").start()
    two = await RawDevice(cluster, ann.login, "b", "two").start()
    nickname = f"莲花{ann.login}"
    await ask(one, set_profile=pb.SetProfile(nickname=nickname))
    await until(lambda: any(event.content.profile.card.nickname == nickname for event in two.pushed), 10.0)
    other = await RawDevice(cluster, bob.login, "b", "other").start()
    found = (await ask(other, search_people=pb.SearchPeople(query="莲"))).people.users
    assert [card.name for card in found if card.nickname == nickname] == [ann.login]
    await ask(one, set_profile=pb.SetProfile(hidden_from_search=True))
    found = (await ask(other, search_people=pb.SearchPeople(query=ann.login))).people.users
    assert ann.login not in [card.name for card in found]
    for device in (one, two, other):
        device.stop()
    await ann.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_sessions_are_ended_from_another_device_on_another_node(cluster):
    ann, bob, _ = await couple(cluster)
    one = await RawDevice(cluster, ann.login, "a", "one").start()
    two = await RawDevice(cluster, ann.login, "b", "two").start()
    listed = (await ask(one, list_sessions=pb.ListSessions())).session_list.sessions
    assert {info.device_id for info in listed} >= {"one", "two"}
    assert all(info.address == "127.0.0.1" for info in listed)
    await ask(one, end_sessions=pb.EndSessions(device_ids=["two"]))
    await over(two)
    assert not one.ended and ann.ended is None
    await ask(one, end_sessions=pb.EndSessions(all_others=True))
    await until(lambda: ann.ended is not None, 10.0)
    assert isinstance(ann.ended, SessionEnded) and not one.ended
    one.stop()
    await bob.stop()


@pytest_twisted.ensureDeferred
async def test_another_password_ends_all_other_sessions_and_a_deletion_all(cluster):
    ann, bob, talk = await couple(cluster)
    gate = gate_of(cluster, 20.0)
    one = await RawDevice(cluster, ann.login, "a", "one").start()
    two = await RawDevice(cluster, ann.login, "b", "two").start()
    with pytest.raises(BadCredentials):
        await gate.change_password(one.token, "not " + PASSWORD, "another " + PASSWORD)
    await gate.change_password(one.token, PASSWORD, "another " + PASSWORD)
    await over(two)
    await until(lambda: ann.ended is not None, 10.0)
    assert not one.ended
    assert (await one.send(talk, 1, "still here")).seq
    with pytest.raises(BadCredentials):
        await gate.delete_account(one.token, PASSWORD)
    await gate.delete_account(one.token, "another " + PASSWORD)
    await over(one)
    with pytest.raises(Unauthenticated):
        await gate.route(one.token)
    with pytest.raises(BadCredentials):
        await gate.login(ann.login, "another " + PASSWORD, one.info)
    await bob.until_shown("still here")
    other = await RawDevice(cluster, bob.login, "b", "other").start()
    (event,) = [event for event in (await other.history(talk)).events if event.content.WhichOneof("body") == "text"]
    (card,) = (await ask(other, get_users=pb.GetUsers(ids=[event.sender_id]))).users.users
    assert card.deleted and card.name == f"deleted-{event.sender_id}"
    other.stop()
    await bob.stop()
    await pause(1.2)  # one mail per address and interval
    (again,) = await register(cluster, ann.login)
    assert again != event.sender_id
