"""The list of conversations, what users decide about it, and what others are told of reading, on real servers."""

import pytest
import pytest_twisted

from imchat.domain.content import Text
from imchat.domain.people import ProfileChange
from tests.functional.people import until
from tests.functional.phones import Phone, both, friends, line_of, say


async def listed(phone, **options):
    return [line async for line in phone.client.conversations.all(**options)]


def ids(lines):
    return [line.conversation_id for line in lines]


@pytest_twisted.ensureDeferred
async def test_the_list_is_paged_newest_first_with_what_is_unread(site):
    ann, *others = await friends(site, "ann", "bob", "cat", "dan", "eve")
    talks = [ann.talk_with(other) for other in others]
    for other, talk in zip(others, talks, strict=True):
        await say(other, talk, f"from {other.login}", Text(text="ann?", mentions=(ann.user_id,)))
    await say(ann, talks[1], "my answer")
    newest_first = [talks[1], talks[3], talks[2], talks[0]]
    await ann.sees(lambda: all(len(ann.lines(talk)) >= 2 for talk in talks), "all messages")
    for limit in (0, 1, 3):
        assert ids(await listed(ann, limit=limit)) == newest_first
    answered, *waiting = await listed(ann)
    assert (answered.unread, answered.mentioned, line_of(answered.newest)) == (0, False, "my answer")
    assert [(line.unread, line.mentioned, line_of(line.newest)) for line in waiting] == [(2, True, "ann?")] * 3
    assert [line.title for line in waiting] == [others[3].login, others[2].login, others[0].login]
    # A reaction, a recall and the server's lines are no messages to be read.
    await others[0].client.acts.react(talks[0], 2, "👍")
    await others[0].client.acts.recall(talks[0], 2)
    (line,) = (await ann.client.conversations.some([talks[0]])).values()
    assert (line.unread, line.mentioned, line.last_seq) == (2, True, 5)
    fresh = await Phone(site, ann.login, "b", "fresh").start()
    for phone in (ann, fresh):
        await phone.sees(lambda p=phone: p.state.talk(talks[0]).last_seq == 5, "the recall")
        shown = {talk: (phone.state.talk(talk).unread, phone.state.talk(talk).mentioned) for talk in talks}
        assert shown == {talks[0]: (2, True), talks[1]: (0, False), talks[2]: (2, True), talks[3]: (2, True)}


@pytest_twisted.ensureDeferred
async def test_what_one_decides_shows_on_the_other_device_at_once_and_on_one_that_was_away_later(site):
    ann, bob = await friends(site, "ann", "bob")
    talk = ann.talk_with(bob)
    one, two = await both(site, ann.login)
    seqs = await say(bob, talk, "one", "two")
    await two.sees(lambda: two.state.talk(talk).unread == 2, "both messages")
    ann.go_away()
    await one.client.conversations.set(talk, pinned=True, muted=True)
    await two.sees(lambda: two.state.talk(talk).pinned and two.state.talk(talk).muted, "both states")
    await one.client.conversations.mark_read(talk, seqs[0])
    await two.sees(lambda: two.state.talk(talk).unread == 1, "what was read")
    await two.client.conversations.mark_read(talk, seqs[1])
    await one.sees(lambda: one.state.talk(talk).unread == 0, "what was read")
    await two.client.conversations.set(talk, hidden=True, pinned=False)
    await one.sees(lambda: one.state.talk(talk).hidden and not one.state.talk(talk).pinned, "that it is hidden")
    assert ids(await listed(one)) == [] and ids(await listed(one, hidden=True)) == [talk]
    ann.come_back()
    await ann.sees(lambda: ann.state.talk(talk).hidden, "all of it")
    state = ann.state.talk(talk)
    assert (state.pinned, state.muted, state.unread) == (False, True, 0)
    await say(bob, talk, "three")
    for phone in (ann, one, two):
        await phone.sees(lambda p=phone: p.state.talk(talk).unread == 1, "the next message")
        assert not phone.state.talk(talk).hidden
    assert ids(await listed(two)) == [talk]
    assert bob.state.talk(talk).muted is False


# On the embedded server the tests of blocks show receipts; these take their time, for they are coalesced.
@pytest.mark.parametrize("place", ["cluster"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_a_sender_learns_what_was_received_and_read_unless_one_of_the_two_switched_it_off(site):
    ann, bob = await friends(site, "ann", "bob")
    ann_b, talk = await Phone(site, ann.login, "b", "other").start(), ann.talk_with(bob)

    def last(phone):
        return (phone.receipts[-1].delivered_seq, phone.receipts[-1].read_seq) if phone.receipts else None

    (seq,) = await say(ann, talk, "one")
    for phone in (ann, ann_b):
        await until(lambda p=phone: last(p) == (seq, 0), what="for the receipt of what was received")
    await bob.client.conversations.mark_read(talk, seq)
    for phone in (ann, ann_b):
        await until(lambda p=phone: last(p) == (seq, seq), what="for the receipt of what was read")
    (receipt,) = await ann_b.client.conversations.receipts(talk)
    assert (receipt.user_id, receipt.delivered_seq, receipt.read_seq) == (bob.user_id, seq, seq)
    await bob.client.people.set_profile(ProfileChange(receipts_off=True))
    told = len(ann.receipts), len(bob.receipts)
    (seq,) = await say(ann, talk, "two")
    await bob.sees(lambda: bob.lines(talk)[-1:] == ["two"], "the message")
    await bob.client.conversations.mark_read(talk, seq)
    (answer,) = await say(bob, talk, "three")
    await ann.sees(lambda: answer in ann.messages(talk), "the answer")
    await ann.client.conversations.mark_read(talk, answer)
    assert await ann.client.conversations.receipts(talk) == await bob.client.conversations.receipts(talk) == ()
    # Switched on again, what is told next has nothing before it that was told meanwhile.
    await bob.client.people.set_profile(ProfileChange(receipts_off=False))
    (seq,) = await say(ann, talk, "four")
    await bob.sees(lambda: bob.lines(talk)[-1:] == ["four"], "the message")
    await bob.client.conversations.mark_read(talk, seq)
    await until(lambda: last(ann) == (seq, seq), what="for the receipt of what was read")
    assert {(r.delivered_seq, r.read_seq) for r in ann.receipts[told[0] :]} <= {(seq, answer), (seq, seq)}
    assert bob.receipts[told[1] :] == [] or bob.receipts[told[1]].delivered_seq >= seq


@pytest_twisted.ensureDeferred
async def test_typing_is_told_to_all_devices_of_the_other_and_to_nobody_else(site):
    ann, bob, cat = await friends(site, "ann", "bob", "cat")
    bob_a, talk, beside = await Phone(site, bob.login, "a", "other").start(), ann.talk_with(bob), ann.talk_with(cat)
    await ann.client.conversations.typing(talk)
    for phone in (bob, bob_a):
        await until(lambda p=phone: p.typing, what="for the notice")
        assert [(one.conversation_id, one.user_id) for one in phone.typing] == [(talk, ann.user_id)]
    await ann.client.conversations.typing(beside)
    await until(lambda: cat.typing, what="for the notice")
    assert [one.conversation_id for one in cat.typing] == [beside] and ann.typing == []
    # It is stored nowhere.
    assert [e.sender_id for e in (await bob.client.history(talk)).events] == [0]
