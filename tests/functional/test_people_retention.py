"""What an operator keeps for a limited time is emptied on real servers, and nothing else of it is lost."""

import pytest
import pytest_twisted

from imchat.domain.content import Sticker
from imchat.domain.errors import Conflict
from imchat.domain.models import EventState
from tests.functional.people import eventually
from tests.functional.phones import Phone, friends, line_of, say
from tests.functional.raw import RawDevice

DAYS_MS = 2 * 86_400_000


@pytest_twisted.ensureDeferred
async def test_old_texts_are_emptied_and_a_resend_is_still_the_same(site):
    ann, bob = await friends(site, "ann", "bob")
    talk = ann.talk_with(bob)
    raw = await RawDevice(site, ann.login, "a").start()
    old = await raw.send(talk, 1, "a secret")
    (sticker,) = await say(ann, talk, Sticker(emoji="🦊"))
    await ann.client.acts.react(talk, old.seq, "👍")
    await bob.sees(lambda: sticker in bob.messages(talk), "the messages")
    bob.go_away()

    def age():
        # Two days pass; and the hour in which this is not done twice.
        site.sql(
            f"UPDATE event SET created_ms = created_ms - {DAYS_MS} WHERE stream_id = {talk}",
            "UPDATE job SET due_ms = 0",
        )

    await site.restart(age)
    raw = await RawDevice(site, ann.login, "b", token=raw.token).start()
    (young,) = await say(ann, talk, "young")

    async def stored():
        return {event.seq: event for event in (await ann.client.history(talk)).events}

    async def expired():
        return (await stored())[old.seq].state is EventState.EXPIRED

    await eventually(expired, what="for the old text to be emptied")
    events = await stored()
    ((content,),) = site.sql(f"SELECT content FROM event WHERE stream_id = {talk} AND seq = {old.seq}")
    assert content == b""
    assert events[old.seq].content is None and events[old.seq].sender_id == ann.user_id
    assert (events[sticker].state, events[sticker].content.emoji) == (EventState.NORMAL, "🦊")
    assert line_of(events[young]) == "young" and sorted(events) == list(range(1, young + 1))
    # Resends are told from other messages by what was accepted then.
    assert (await raw.send(talk, 1, "a secret")).seq == old.seq
    with pytest.raises(Conflict):
        await raw.send(talk, 1, "another secret")
    bob.come_back()
    await bob.sees(lambda: young in bob.messages(talk), "what is new")
    fresh = await Phone(site, bob.login, "a", "fresh").start()
    await fresh.mirror.older(talk)
    first, *_, last = fresh.messages(talk).values()
    assert (line_of(first), line_of(last)) == ("expired", "young")
    raw.stop()
