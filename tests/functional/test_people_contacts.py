"""How strangers become contacts and cease to be, on real servers: each user has a device on either node."""

import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred, gatherResults

from imchat.domain.errors import InvalidRequest, NotContacts, NotFound, RateLimited
from imchat.domain.people import PresenceState, RequestState
from tests.functional.people import until
from tests.functional.phones import Phone, befriend, both, friends, newcomers, say


async def found(phone, query):
    """The names that a search brings."""
    return [card.name async for card in phone.client.people.search(query)]


async def all_requests(phone, incoming):
    return [r.request async for r in phone.client.contacts.requests(incoming, everything=True)]


@pytest_twisted.ensureDeferred
async def test_strangers_find_each_other_ask_accept_and_talk(site):
    ann, bob = await newcomers(site, "ann", "bob")
    ann_a, ann_b = await both(site, ann)
    bob_a, bob_b = await both(site, bob)
    assert await found(ann_a, bob) == [bob] and await found(bob_b, str(ann_a.user_id)) == [ann]
    with pytest.raises(InvalidRequest):
        await found(ann_a, f"{bob}@example.org")
    with pytest.raises(NotContacts):
        await ann_a.client.open_direct(bob_a.user_id)
    await ann_a.client.contacts.request(bob_a.user_id, "it is ann", "bobby")
    for phone in (bob_a, bob_b):
        await phone.sees(lambda p=phone: p.asked(ann_a, True), "the request")
        assert phone.asked(ann_a, True).greeting == "it is ann" and phone.asked(ann_a, True).remark == ""
    await ann_b.sees(lambda: ann_b.asked(bob_a, False), "its own request")
    assert ann_b.asked(bob_a, False).remark == "bobby"
    await bob_b.client.contacts.accept(ann_a.user_id, "annie")
    for phone, other, remark in (
        (ann_a, bob_a, "bobby"),
        (ann_b, bob_a, "bobby"),
        (bob_a, ann_a, "annie"),
        (bob_b, ann_a, "annie"),
    ):
        await phone.sees(lambda p=phone, o=other: p.contact(o) and p.contact(o).is_contact, "the contact")
        assert phone.contact(other).remark == remark
        assert not phone.state.requests
        await phone.sees(lambda p=phone, o=other: p.talk_with(o), "the conversation")
    await ann_a.client.contacts.set(bob_a.user_id, remark="Bob", labels=["work", "chess"], starred=True)
    await ann_b.sees(lambda: ann_b.contact(bob_a).starred, "what ann notes")
    assert (ann_b.contact(bob_a).remark, set(ann_b.contact(bob_a).labels)) == ("Bob", {"work", "chess"})
    assert not bob_a.contact(ann_a).starred and bob_b.contact(ann_a).remark == "annie"
    talk = ann_b.talk_with(bob_a)
    await say(ann_b, talk, "hello bob")
    await say(bob_a, talk, "hello ann")
    for phone in (ann_a, ann_b, bob_a, bob_b):
        await phone.sees(lambda p=phone: len(p.lines(talk)) == 2, "both messages")
        assert phone.lines(talk) == ["hello bob", "hello ann"]
    assert [event.content.code for event in ann_a.events if not event.sender_id] == ["contacts_made"]


@pytest_twisted.ensureDeferred
async def test_a_refusal_is_told_and_an_ignored_request_is_not(site):
    ann, bob, cat = await newcomers(site, "ann", "bob", "cat")
    ann_a, ann_b = await both(site, ann)
    others = [await Phone(site, login, "b").start() for login in (bob, cat)]
    for other in others:
        await ann_a.client.contacts.request(other.user_id)
        await other.sees(lambda o=other: o.asked(ann_a, True), "the request")
    bob, cat = others
    await bob.client.contacts.decline(ann_a.user_id)
    await cat.client.contacts.ignore(ann_a.user_id)
    for phone in (ann_a, ann_b):
        await phone.sees(lambda p=phone: not p.asked(bob, False), "the refusal")
        assert phone.asked(cat, False)
    states = {r.user_id: r.state for r in await all_requests(ann_b, False)}
    assert states == {bob.user_id: RequestState.DECLINED, cat.user_id: RequestState.PENDING}
    assert [r.state for r in await all_requests(cat, True)] == [RequestState.IGNORED]
    with pytest.raises(RateLimited) as refused:
        await ann_a.client.contacts.request(bob.user_id)
    assert refused.value.retry_after_ms > 3_600_000
    for other in others:
        with pytest.raises(NotContacts):
            await ann_b.client.open_direct(other.user_id)
    with pytest.raises(NotFound):
        await ann_a.client.contacts.accept(bob.user_id)


@pytest_twisted.ensureDeferred
async def test_requests_that_cross_make_contacts_at_once(site):
    ann, bob = await newcomers(site, "ann", "bob")
    ann, bob = await Phone(site, ann, "a").start(), await Phone(site, bob, "b").start()
    one, other = ann.client.contacts.request(bob.user_id, remark="b"), bob.client.contacts.request(ann.user_id)
    await gatherResults([ensureDeferred(one), ensureDeferred(other)])
    for phone, peer in ((ann, bob), (bob, ann)):
        await phone.sees(lambda p=phone, q=peer: p.contact(q) and p.talk_with(q), "the contact")
        assert not phone.state.requests
    assert ann.contact(bob).remark == "b"
    await say(ann, ann.talk_with(bob), "at once")
    await bob.sees(lambda: bob.lines(bob.talk_with(ann)) == ["at once"], "the message")


@pytest_twisted.ensureDeferred
async def test_after_a_deletion_neither_writes_until_they_are_contacts_again(site):
    ann, bob = await friends(site, "ann", "bob")
    other = await Phone(site, ann.login, "b", "other").start()
    talk = ann.talk_with(bob)
    await say(ann, talk, "one")
    await say(bob, talk, "two")
    await ann.client.contacts.remove(bob.user_id)
    await other.sees(lambda: not (other.contact(bob) and other.contact(bob).is_contact), "the deletion")
    assert bob.contact(ann).is_contact
    for phone in (bob, ann, other):
        with pytest.raises(NotContacts):
            await say(phone, talk, "three")
    assert [m.content.text for m in (await bob.client.history(talk)).events if m.sender_id] == ["one", "two"]
    # Ann does not want bob in her list any more: she is asked.
    await bob.client.contacts.request(ann.user_id)
    await other.sees(lambda: other.asked(bob, True), "the request")
    with pytest.raises(NotContacts):
        await say(bob, talk, "three")
    await other.client.contacts.accept(bob.user_id)
    await ann.sees(lambda: ann.contact(bob) and ann.contact(bob).is_contact, "the contact")
    await say(bob, talk, "again")
    await other.sees(lambda: other.lines(talk)[-1:] == ["again"], "the message")
    # Bob has had ann in his list all the time: he need not be asked.
    await ann.client.contacts.remove(bob.user_id)
    await other.client.contacts.request(bob.user_id)
    await ann.sees(lambda: ann.contact(bob) and ann.contact(bob).is_contact, "the contact")
    await say(bob, talk, "and again")
    await ann.sees(lambda: ann.lines(talk)[-1:] == ["and again"], "the message")
    assert other.talk_with(bob) == talk and not bob.state.requests


@pytest_twisted.ensureDeferred
async def test_who_is_blocked_from_the_other_node_gets_what_a_stranger_gets_and_sees_nothing_more(site):
    ann, bob = await friends(site, "ann", "bob")
    other = await Phone(site, bob.login, "a", "other").start()
    talk = ann.talk_with(bob)
    # Both nodes know who may write here: they have just let them.
    await say(ann, talk, "one")
    await say(bob, talk, "two")
    await ann.client.conversations.typing(talk)
    await bob.client.conversations.typing(talk)
    await until(lambda: ann.typing and bob.typing and other.typing, what="for typing notices")
    await ann.sees(lambda: ann.presence(bob) and ann.presence(bob).state == PresenceState.ONLINE, "who is there")
    await bob.client.contacts.block(ann.user_id)
    await other.sees(lambda: other.contact(ann).blocked, "the block")
    with pytest.raises(NotContacts) as refused:
        await say(ann, talk, "three")
    stranger = await Phone(site, (await newcomers(site, "cat"))[0], "a").start()
    with pytest.raises(NotContacts) as usual:
        await stranger.client.open_direct(bob.user_id)
    assert (str(refused.value), refused.value.code) == (str(usual.value), usual.value.code)
    await ann.sees(lambda: ann.presence(bob).state == PresenceState.OFFLINE, "nobody")
    assert ann.presence(bob).last_seen_ms == 0 and ann.contact(bob).is_contact
    with pytest.raises(NotContacts):
        await ann.client.acts.react(talk, 2, "👍")
    assert "three" not in [m.content.text for m in (await bob.client.history(talk)).events if m.sender_id]
    await bob.client.contacts.block(ann.user_id, False)
    await say(ann, talk, "four")
    await bob.sees(lambda: bob.lines(talk)[-1:] == ["four"], "the message")
    await ann.sees(lambda: ann.presence(bob).state == PresenceState.ONLINE, "who is there")


@pytest_twisted.ensureDeferred
async def test_who_is_blocked_gets_no_receipts_and_no_typing_notices_and_gives_none(site):
    ann, bob = await friends(site, "ann", "bob")
    cat = await Phone(site, (await newcomers(site, "cat"))[0], "a").start()
    talk, beside = ann.talk_with(bob), await befriend(bob, cat)
    (seq,) = await say(ann, talk, "one")
    await bob.sees(lambda: bob.lines(talk) == ["one"], "the message")
    await ann.client.conversations.typing(talk)
    await bob.client.conversations.typing(talk)
    await until(lambda: bob.typing and ann.typing, what="for typing notices")
    await until(lambda: ann.receipts, what="for the receipt of what bob received")
    assert [receipt.delivered_seq for receipt in ann.receipts] == [seq]
    await bob.client.contacts.block(ann.user_id)
    told = len(ann.typing), len(ann.receipts), len(bob.typing)
    await bob.client.conversations.mark_read(talk, seq)
    for phone in (ann, bob):
        with pytest.raises(NotContacts):
            await phone.client.conversations.typing(talk)
    assert await ann.client.conversations.receipts(talk) == ()
    # What was told after that has come to cat, on the node of ann.
    await say(cat, beside, "to read")
    await bob.client.conversations.mark_read(beside, 2)
    await bob.client.conversations.typing(beside)
    await until(lambda: cat.typing and [r for r in cat.receipts if r.read_seq], what="for what others are told")
    assert (len(ann.typing), len(ann.receipts), len(bob.typing)) == told
