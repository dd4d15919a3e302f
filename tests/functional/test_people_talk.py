"""What contacts do in conversations, on real servers: it reaches every device in order, also one that was away."""

import pytest
import pytest_twisted

from imchat.domain.content import Location, Sticker, Text
from imchat.domain.errors import Forbidden, NotFound, TooLate
from imchat.domain.models import EventState, Reaction
from tests.functional.phones import Phone, friends, line_of, newcomers, say


def numbers(events):
    return [event.seq for event in events]


async def upwards(phone, talk, limit):
    """The whole conversation by pages upwards: as texts and names of states, and how many pages it took."""
    found, pages, after = [], 0, 0
    while True:
        page = await phone.client.history(talk, limit=limit, after=after)
        found, pages = [*found, *page.events], pages + 1
        if page.to_seq >= page.last_seq:
            return found, pages
        after = page.to_seq


async def downwards(phone, talk, limit):
    """The same by pages downwards, oldest first."""
    page = await phone.client.history(talk, limit=limit)
    found, pages = list(page.events), 1
    while page.from_seq > 1:
        page = await phone.client.history(talk, page.from_seq, limit)
        found, pages = [*page.events, *found], pages + 1
    return found, pages


@pytest_twisted.ensureDeferred
async def test_replies_forwards_and_other_kinds_come_as_they_were_sent(site):
    ann, bob, cat = await friends(site, "ann", "bob", "cat")
    talk, beside = ann.talk_with(bob), ann.talk_with(cat)
    (first,) = await say(bob, talk, "a long question " * 20)
    (reply,) = await say(ann, talk, Text(text="the answer", reply_to=first, mentions=(bob.user_id,)))
    await bob.sees(lambda: reply in bob.messages(talk), "the reply")
    shown = bob.messages(talk)[reply]
    assert shown.content.mentions == (bob.user_id,)
    assert shown.quote.seq == first and shown.quote.content.text == ("a long question " * 20)[:100]
    contents = Sticker(emoji="🦊"), Location(latitude=48.1, longitude=11.5, name="here")
    await say(ann, talk, *contents)
    await say(ann, beside, Text(text=bob.messages(talk)[first].content.text, forwarded=True))
    await bob.sees(lambda: len(bob.messages(talk)) == 4, "the sticker and the place")
    assert [message.content for message in bob.messages(talk).values()][2:] == list(contents)
    await cat.sees(lambda: cat.lines(beside), "what was passed on")
    (passed_on,) = cat.messages(beside).values()
    assert passed_on.content.forwarded and passed_on.content.text == "a long question " * 20
    with pytest.raises(NotFound):
        await say(cat, talk, "not mine")
    with pytest.raises(NotFound):
        await say(cat, beside, Text(text="about nothing", reply_to=77))


@pytest_twisted.ensureDeferred
async def test_acts_reach_all_and_one_that_was_away_in_order(site):
    ann, bob = await friends(site, "ann", "bob")
    away, talk = await Phone(site, bob.login, "a", "away").start(), ann.talk_with(bob)
    keep, wrong, regretted = await say(ann, talk, "keep", "wrogn", "regretted")
    await away.sees(lambda: len(away.lines(talk)) == 3, "the messages")
    away.go_away()
    (answer,) = await say(bob, talk, Text(text="what?", reply_to=wrong))
    acts = [
        (await ann.client.acts.edit(talk, wrong, "wrong")).seq,
        (await ann.client.acts.recall(talk, regretted)).seq,
        (await bob.client.acts.react(talk, keep, "👍")).seq,
        (await ann.client.acts.react(talk, keep, "👍")).seq,
        (await ann.client.acts.react(talk, answer, "🙃")).seq,
        (await ann.client.acts.react(talk, answer, "🙃", remove=True)).seq,
    ]
    (last,) = await say(ann, talk, "the last")
    assert [answer, *acts, last] == list(range(regretted + 1, last + 1))
    for phone in (ann, bob):
        await phone.sees(lambda p=phone: last in p.messages(talk), "the last message")
    assert last not in away.messages(talk)
    away.come_back()
    await away.sees(lambda: last in away.messages(talk), "what it missed")
    for phone in (ann, bob, away):
        # From the first message on, once and in order.
        assert [seq for seq in numbers(phone.events) if seq >= keep] == list(range(keep, last + 1))
        assert phone.lines(talk) == ["keep", "wrong", "recalled", "what?", "the last"]
        shown = phone.messages(talk)
        assert shown[regretted].content is None
        assert shown[wrong].state is EventState.EDITED and shown[answer].quote.content.text == "wrong"
        assert shown[keep].reactions == (Reaction("👍", 2, True),) and shown[answer].reactions == ()
    ((content,),) = site.sql(f"SELECT content FROM event WHERE stream_id = {talk} AND seq = {regretted}")
    assert content == b""
    assert away.state.talk(talk).unread == bob.state.talk(talk).unread == 1
    with pytest.raises(Forbidden):
        await bob.client.acts.edit(talk, keep, "mine")
    with pytest.raises(Forbidden):
        await bob.client.acts.recall(talk, keep)
    with pytest.raises(TooLate):
        await ann.client.acts.edit(talk, regretted, "back again")


@pytest_twisted.ensureDeferred
async def test_history_is_the_same_in_both_directions_and_by_date(site):
    ann, bob = await friends(site, "ann", "bob")
    talk = ann.talk_with(bob)
    await say(ann, talk, *(f"text {number}" for number in range(1, 11)))
    await ann.client.acts.recall(talk, 3)
    newcomer = await Phone(site, bob.login, "a", "new").start()
    up, steps = await upwards(newcomer, talk, 5)
    down, back = await downwards(bob, talk, 5)
    assert numbers(up) == numbers(down) == list(range(1, 13)) and steps == back == 3
    texts = [line_of(event) for event in up if 1 < event.seq < 12]
    assert texts == ["text 1", "recalled", *(f"text {number}" for number in range(3, 11))]
    assert [(e.content, e.created_ms, e.state) for e in up] == [(e.content, e.created_ms, e.state) for e in down]
    moment = up[5].created_ms
    from_then = (await bob.client.history(talk, since_ms=moment)).events
    assert numbers(from_then) == [e.seq for e in up if e.created_ms >= moment]
    until_then = (await newcomer.client.history(talk, before_ms=moment)).events
    assert numbers(until_then) == [e.seq for e in up if e.created_ms < moment]
    cat = await Phone(site, (await newcomers(site, "cat"))[0], "a").start()
    for query in ({}, {"since_ms": moment}, {"before_ms": moment}, {"after": 1}):
        with pytest.raises(NotFound):
            await cat.client.history(talk, **query)


@pytest_twisted.ensureDeferred
async def test_what_one_deletes_for_oneself_is_gone_on_all_own_devices_alone(site):
    ann, bob = await friends(site, "ann", "bob")
    other, talk = await Phone(site, bob.login, "a", "other").start(), ann.talk_with(bob)
    seqs = await say(ann, talk, "one", "two", "three", "four")
    await other.sees(lambda: len(other.lines(talk)) == 4, "the messages")
    await bob.client.conversations.delete_messages(talk, seqs[2:3])
    await other.sees(lambda: other.lines(talk) == ["one", "two", "four"], "that one is gone")
    other.go_away()
    await bob.client.conversations.clear(talk, seqs[1])
    other.come_back()
    await other.sees(lambda: other.lines(talk) == ["four"], "that all up to it are gone")
    for phone, left in ((bob, ["four"]), (ann, ["one", "two", "three", "four"])):
        events = (await phone.client.history(talk)).events
        assert [line_of(event) for event in events if event.sender_id] == left
