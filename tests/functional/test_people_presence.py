"""Who is there, and where one is logged in, on real servers: also when a node dies or a session ends elsewhere."""

import pytest
import pytest_twisted

from imchat.domain.errors import SessionEnded
from imchat.domain.people import Presence, PresenceState, ProfileChange
from tests.functional.people import until
from tests.functional.phones import Phone, befriend, both, friends, newcomers, say
from tests.functional.sites import PRESENCE_LIFETIME


async def is_seen(state, watcher, *people):
    """Return when a device shows all of these in this state."""
    for one in people:
        await watcher.sees(
            lambda one=one: watcher.presence(one) and watcher.presence(one).state == state, f"{one.login} {state.name}"
        )


@pytest.mark.parametrize("place", ["cluster"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_contacts_see_who_is_there_on_what_and_since_when_not(site):
    ann, bob, cat = await newcomers(site, "ann", "bob", "cat")
    bob, tablet = [await Phone(site, bob, "b", name).start() for name in ("phone", "tablet")]
    ann, cat = [await Phone(site, login, "a").start() for login in (ann, cat)]
    await befriend(ann, bob)
    await is_seen(PresenceState.ONLINE, ann, bob)
    # A stranger who asks for it is told nothing, from the first to the last.
    await cat.client.people.watch([ann.user_id, bob.user_id])
    await ann.sees(lambda: ann.presence(bob).platforms == ("phone", "tablet"), "both devices")
    for phone in (bob, tablet):
        assert ann.presence(bob).state is PresenceState.ONLINE
        await phone.client.people.set_away(True)
    await is_seen(PresenceState.AWAY, ann, bob)
    tablet.go_away()
    bob.go_away()
    await is_seen(PresenceState.OFFLINE, ann, bob)
    assert ann.presence(bob).platforms == () and ann.presence(bob).last_seen_ms > 0
    # The connection is there again, and still nobody at the device, until somebody is.
    bob.come_back()
    await is_seen(PresenceState.AWAY, ann, bob)
    await bob.client.people.set_away(False)
    await is_seen(PresenceState.ONLINE, ann, bob)
    assert ann.presence(bob).platforms == ("phone",)
    assert {(change.card, change.presence) for change in cat.people} == {(None, Presence())}


@pytest_twisted.ensureDeferred
async def test_who_hides_it_is_never_there_and_a_new_nickname_is_seen_at_once(site):
    ann, bob = await friends(site, "ann", "bob")
    await is_seen(PresenceState.ONLINE, ann, bob)
    await bob.client.people.set_profile(ProfileChange(presence_hidden=True))
    await is_seen(PresenceState.OFFLINE, ann, bob)
    assert ann.presence(bob).last_seen_ms == 0 and ann.presence(bob).platforms == ()
    await bob.client.people.set_profile(ProfileChange(nickname="Robert", signature="gone fishing"))
    await ann.sees(lambda: ann.state.cards[bob.user_id].nickname == "Robert", "the nickname")
    assert ann.state.cards[bob.user_id].signature == "gone fishing"
    assert ann.presence(bob).state is PresenceState.OFFLINE
    fresh = await Phone(site, ann.login, "b", "fresh").start()
    await is_seen(PresenceState.OFFLINE, fresh, bob)
    await bob.client.people.set_profile(ProfileChange(presence_hidden=False))
    for watcher in (ann, fresh):
        await is_seen(PresenceState.ONLINE, watcher, bob)


@pytest.mark.parametrize("place", ["cluster"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_those_of_a_killed_node_are_offline_soon_and_come_back_with_it(site):
    ann, bob = await friends(site, "ann", "bob")
    await is_seen(PresenceState.ONLINE, ann, bob)
    node = site.server.chats["b"]
    before = len(ann.people)
    await node.kill()
    # What it said of them counts for so long, and node a looks every 15 seconds.
    seconds = PRESENCE_LIFETIME + 15 + 3
    await ann.sees(lambda: ann.presence(bob).state is PresenceState.OFFLINE, "that bob is gone", seconds)
    assert ann.presence(bob).last_seen_ms > 0
    await node.start()
    await is_seen(PresenceState.ONLINE, ann, bob)
    await is_seen(PresenceState.ONLINE, bob, ann)
    states = [change.presence.state for change in ann.people[before:] if change.user_id == bob.user_id]
    assert states == [PresenceState.OFFLINE, PresenceState.ONLINE]
    await say(ann, ann.talk_with(bob), "are you back?")
    await bob.sees(lambda: bob.lines(bob.talk_with(ann)) == ["are you back?"], "the message")


@pytest_twisted.ensureDeferred
async def test_a_device_is_ended_from_another_one_on_the_other_node(site):
    ann, bob = await friends(site, "ann", "bob")
    one, two = await both(site, ann.login)
    sessions = {s.info.device.device_name: s for s in await one.client.devices.all()}
    assert set(sessions) == {"phone", "one", "two"}
    assert [name for name, session in sessions.items() if session.current] == ["one"]
    assert sessions["two"].info.device.platform == "two" and sessions["two"].info.address == "127.0.0.1"
    assert sessions["two"].info.last_used_ms >= sessions["two"].info.created_ms > 0
    await one.client.devices.end([sessions["two"].info.device.device_id])
    await until(lambda: two.ended, 10.0, "for the session to end")
    assert isinstance(two.ended, SessionEnded)
    assert ann.ended is None and one.ended is None
    three = await Phone(site, ann.login, "b", "three").start()
    await one.client.devices.end_others()
    for phone in (three, ann):
        await until(lambda p=phone: p.ended, 10.0, "for the session to end")
        assert isinstance(phone.ended, SessionEnded)
    assert [s.info.device.device_name for s in await one.client.devices.all()] == ["one"]
    talk = one.talk_with(bob)
    await say(bob, talk, "still there?")
    await one.sees(lambda: one.lines(talk) == ["still there?"], "the message")
