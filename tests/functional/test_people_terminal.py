"""People and conversations from a terminal: every command for them, run for real, and what it prints."""

import json
import stat
from datetime import UTC, datetime

import pytest
import pytest_twisted

from imchat.domain.people import RequestState
from tests.functional.people import eventually, until
from tests.functional.phones import Phone, befriend, newcomers, say
from tests.functional.terminal import PASSWORD, Terminal

NEW_PASSWORD = "another horse battery staple"


async def at_terminal(site, state_dir, *names):
    """The first at a terminal, the others with phones."""
    logins = await newcomers(site, *names)
    terminal = Terminal(site, state_dir, logins[0])
    await terminal.run("login", logins[0], "--password-stdin", feed=PASSWORD + "\n")
    return terminal, [await Phone(site, login, "b").start() for login in logins[1:]]


async def shown(terminal, *words, feed=None):
    """What a command prints for people."""
    return (await terminal.run(*words, feed=feed)).lines


async def told(terminal, *words, feed=None):
    """What it prints for programs."""
    return [json.loads(line) for line in (await terminal.run("--json", *words, feed=feed)).lines]


async def refused(terminal, *words, feed=None):
    """How a command ends that is refused: its exit code and one line."""
    program = terminal.start(*words)
    if feed is not None:
        program.feed(feed)
        program.transport.closeStdin()
    code = await program.end()
    (line,) = program.errors.decode("utf-8").splitlines()
    return code, line


# A command is a process of its own, which takes its time: what does not differ between the two is tried once.
@pytest.mark.parametrize("place", ["embedded"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_profile_search_and_contacts(site, state_dir):
    ann, (bob, cat, dan) = await at_terminal(site, state_dir, "ann", "bob", "cat", "dan")
    (profile,) = await told(ann, "profile", "--nickname", "莲花", "--gender", "female", "--receipts-off")
    assert (profile["name"], profile["nickname"], profile["gender"]) == (ann.name, "莲花", "female")
    assert profile["email"] == f"{ann.name}@example.org" and profile["settings"]["receipts_off"] is True
    assert "nickname: 莲花" in await shown(ann, "profile", "--no-receipts-off")
    assert await shown(ann, "search", bob.login) == [f"{bob.user_id} {bob.login}"]
    assert [card.name async for card in bob.client.people.search("莲花")].count(ann.name) == 1

    (asked,) = await told(ann, "contacts", "add", bob.login, "--greeting", "it is ann", "--remark", "bobby")
    assert asked["is_contact"] is False
    await until(lambda: bob.state.requests, what="for the request")
    ((ann_id, incoming),) = bob.state.requests
    assert incoming and bob.state.requests[ann_id, True].greeting == "it is ann"
    for other in (cat, dan):
        await other.client.contacts.request(ann_id, f"from {other.login}")
    lines = await shown(ann, "contacts", "requests")
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        f"pending from {dan.login}: from {dan.login}",
        f"pending from {cat.login}: from {cat.login}",
        f"pending to {bob.login}: it is ann",
    ]
    assert await shown(ann, "contacts", "decline", cat.login) == [f"{cat.login}: declined"]
    assert await shown(ann, "contacts", "ignore", dan.login) == [f"{dan.login}: ignored"]
    (request,) = [r async for r in cat.client.contacts.requests(incoming=False, everything=True)]
    assert request.request.state is RequestState.DECLINED
    code, why = await refused(ann, "send", bob.login, "too early")
    assert code == 1 and f"ask with 'imchat contacts add {bob.login}'" in why

    await bob.client.contacts.accept(ann_id)
    assert await shown(ann, "contacts", "online") == [f"{bob.login}: online (phone)"]
    assert await shown(ann, "contacts", "accept", dan.login) == [f"{dan.login}: accepted"]
    assert await shown(ann, "contacts", "star", bob.login) == [f"{bob.login}: starred"]
    assert await shown(ann, "contacts", "label", bob.login, "work", "chess") == [f"{bob.login}: labelled"]
    assert await shown(ann, "contacts", "remark", dan.login, "Dan", "the", "man") == [f"{dan.login}: noted"]
    assert await shown(ann, "contacts", "block", cat.login) == [f"{cat.login}: blocked"]
    assert sorted(await shown(ann, "contacts")) == [
        f'{bob.login} "bobby" [work] [chess] starred',
        f"{cat.login} blocked no contact",
        f'{dan.login} "Dan the man"',
    ]
    assert await shown(ann, "contacts", "unblock", cat.login) == [f"{cat.login}: no longer blocked"]
    assert await shown(ann, "contacts", "remove", dan.login) == [f"{dan.login}: removed"]
    assert [line["name"] for line in await told(ann, "contacts", "list")] == [bob.login]


@pytest.mark.parametrize("place", ["cluster"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_conversations_history_acts_and_exports(site, state_dir):
    ann, (bob,) = await at_terminal(site, state_dir, "ann", "bob")
    phone = await Phone(site, ann.name, "a").start()
    talk = await befriend(phone, bob)
    (question,) = await say(bob, talk, "a question")
    (line,) = await shown(ann, "conversations")
    assert line.endswith(f"#{talk} {bob.login} [1 unread]: a question")
    first, second = await shown(ann, "send", bob.login, "the anwser"), await shown(ann, "send", f"#{talk}", "oops")
    assert len(await shown(ann, "edit", bob.login, *first, "the", "answer")) == 1
    assert len(await shown(ann, "recall", bob.login, *second)) == 1
    assert len(await shown(ann, "react", bob.login, str(question), "👍")) == 1
    await bob.sees(lambda: bob.lines(talk) == ["a question", "the answer", "recalled"], "all of it")
    assert bob.messages(talk)[question].reactions[0].emoji == "👍"
    code, why = await refused(ann, "recall", bob.login, str(question))
    assert code == 1 and why

    lines = await shown(ann, "history", bob.login, "--numbers", "--format", "text")
    assert [line.split(maxsplit=2)[2] for line in lines] == [
        f"1 * {bob.login} and {ann.name} are contacts now",
        f"{question} {bob.login}: a question [👍 1]",
        f"{first[0]} {ann.name}: the answer (edited)",
        f"{second[0]} {ann.name}: [recalled]",
    ]
    entries = [json.loads(line) for line in await shown(ann, "history", bob.login, "--format", "json")]
    texts = [(entry["seq"], entry["sender"], entry["text"], entry["state"]) for entry in entries]
    assert texts[1:] == [
        (question, bob.login, "a question", "normal"),
        (int(first[0]), ann.name, "the answer", "edited"),
        (int(second[0]), ann.name, "[recalled]", "recalled"),
    ]
    # The terminal's own moments: from the first of its own messages on, and what was before.
    moment = next(entry["created_ms"] for entry in entries if entry["seq"] == int(first[0]))
    iso = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
    since = await told(ann, "history", bob.login, "--since", iso)
    before = await told(ann, "history", bob.login, "--until", iso)
    assert [entry["seq"] for entry in since] == [entry["seq"] for entry in entries if entry["created_ms"] >= moment]
    assert [entry["seq"] for entry in before] == [entry["seq"] for entry in entries if entry["created_ms"] < moment]

    assert [entry["seq"] for entry in await told(ann, "history", bob.login, "--after", "1", "--limit", "1")] == [2]

    file = state_dir / "mine.json"
    assert await shown(ann, "export", str(file)) == ["7 messages exported"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    mine = json.loads(file.read_text("utf-8"))
    assert mine["profile"]["email"] == f"{ann.name}@example.org"
    assert [contact["name"] for contact in mine["contacts"]] == [bob.login] and mine["blocked"] == []
    assert [request["state"] for request in mine["requests"]] == ["accepted"]
    assert [conversation["conversation_id"] for conversation in mine["conversations"]] == [talk]
    assert {device["device_name"] for device in mine["devices"]} >= {"phone"}
    assert [(m["seq"], m["text"]) for m in mine["messages"] if m["kind"] == "text"] == [
        (question, "a question"),
        (int(first[0]), "the answer"),
    ]


@pytest.mark.parametrize("place", ["cluster"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_what_one_decides_about_conversations(site, state_dir):
    ann, (bob, cat) = await at_terminal(site, state_dir, "ann", "bob", "cat")
    phone = await Phone(site, ann.name, "a").start()
    talk, beside = await befriend(phone, bob), await befriend(phone, cat)
    seqs = await say(bob, talk, "one", "two")
    await phone.sees(lambda: phone.state.talk(talk).unread == 2, "both messages")
    assert await shown(ann, "conversations", "pin", bob.login) == [f"{bob.login}: pinned"]
    assert await shown(ann, "conversations", "mute", f"#{talk}") == [f"#{talk}: muted"]
    assert await shown(ann, "conversations", "hide", bob.login) == [f"{bob.login}: hidden until the next message"]
    await phone.sees(lambda: phone.state.talk(talk).hidden, "that it is hidden")
    assert phone.state.talk(talk).pinned and phone.state.talk(talk).muted
    assert await shown(ann, "conversations", "--pinned") == []
    (line,) = await shown(ann, "conversations", "list", "--pinned", "--hidden")
    assert line.endswith(f"#{talk} {bob.login} [2 unread, pinned, muted, hidden]: two")
    assert await shown(ann, "conversations", "read", bob.login) == [f"{bob.login}: read up to {seqs[1]}"]
    await phone.sees(lambda: phone.state.talk(talk).unread == 0, "that it is read")
    await until(lambda: bob.receipts and bob.receipts[-1].read_seq == seqs[1], what="for the receipt")
    assert await shown(ann, "forward", bob.login, str(seqs[0]), cat.login) == ["2"]
    await cat.sees(lambda: cat.lines(beside) == ["one"], "what was passed on")
    await cat.client.conversations.mark_read(beside, 2)

    async def cat_has_read():
        return await shown(ann, "conversations", "receipts", cat.login) == [
            f"{cat.login}: received up to 2, read up to 2"
        ]

    await eventually(cat_has_read, what="for the receipt")
    assert await shown(ann, "conversations", "delete", bob.login, str(seqs[0])) == [f"{bob.login}: 1 deleted for you"]
    await phone.sees(lambda: phone.lines(talk) == ["two"], "that it is gone")
    assert bob.lines(talk) == ["one", "two"]


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
@pytest_twisted.ensureDeferred
async def test_devices_password_and_the_end_of_the_account(site, state_dir):
    ann, (bob,) = await at_terminal(site, state_dir, "ann", "bob")
    phone, tablet = [await Phone(site, ann.name, "a", name).start() for name in ("phone", "tablet")]
    talk = await befriend(phone, bob)
    await say(phone, talk, "hello")
    devices = {device["device_name"]: device for device in await told(ann, "devices")}
    assert devices["phone"]["address"] == "127.0.0.1" and not devices["phone"]["current"]
    phone_id = devices["phone"]["device_id"]
    assert await shown(ann, "devices", "end", phone_id) == [f"{phone_id}: ended"]
    await until(lambda: phone.ended, 10.0, "for the session to end")
    assert tablet.ended is None
    assert await shown(ann, "devices", "end-others") == ["1 ended"]
    await until(lambda: tablet.ended, 10.0, "for the session to end")
    assert {device["current"] for device in await told(ann, "devices", "list")} == {True, False}

    ear = ann.listen()
    try:
        await ear.until(lambda: ear.lines)
        code, _ = await refused(ann, "password", "--password-stdin", feed=f"not {PASSWORD}\n{NEW_PASSWORD}\n")
        assert code == 1
        changed = await shown(ann, "password", "--password-stdin", feed=f"{PASSWORD}\n{NEW_PASSWORD}\n")
        assert changed == ["the password is changed"]
        # All sessions end but the one that asked, and the profile's other one has begun anew.
        assert await ear.end() == 4
    finally:
        ear.signal("KILL")
    assert await shown(ann, "whoami") == [ann.name]
    assert len(await shown(ann, "send", bob.login, "with the new one")) == 1
    await bob.sees(lambda: bob.lines(talk) == ["hello", "with the new one"], "the message")
    await say(bob, talk, "I hear")
    heard = await ann.run("--json", "listen", "--count", "1", "--timeout", "20")
    assert Terminal.heard(heard)[-1:] == ["I hear"]
    code, _ = await refused(ann, "login", ann.name, "--password-stdin", feed=PASSWORD + "\n")
    assert code == 1

    code, _ = await refused(ann, "delete-account", "--yes", "--password-stdin", feed=PASSWORD + "\n")
    assert code == 1
    deleted = await shown(ann, "delete-account", "--yes", "--password-stdin", feed=NEW_PASSWORD + "\n")
    assert deleted == [f"the account {ann.name} is deleted"]
    assert (await refused(ann, "whoami"))[0] == 4
    assert (await refused(ann, "login", ann.name, "--password-stdin", feed=NEW_PASSWORD + "\n"))[0] == 1
    (ann_id,) = bob.state.talk(talk).member_ids
    card = (await bob.client.people.cards([ann_id]))[ann_id]
    assert card.deleted and card.name != ann.name
    assert [card.name async for card in bob.client.people.search(ann.name)] == []
