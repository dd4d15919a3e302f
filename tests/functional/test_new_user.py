"""What the README tells a new user to type, and what follows from it, with real programs on a real server."""

import json

import pytest_twisted

from tests.functional.terminal import Terminal, start_example


async def said(person, *command):
    """What a command prints."""
    return (await person.run(*command)).lines


async def refused(person, *command):
    """What a command says that is refused."""
    program = person.start(*command)
    assert await program.end() == 1
    return program.errors.decode("utf-8")


@pytest_twisted.ensureDeferred
async def test_two_become_contacts_and_do_all_that_one_can_do_at_a_terminal(strict, state_dir):
    alice, bob = (Terminal(strict, state_dir, name) for name in ("alice", "bob"))
    for person in (alice, bob):
        await person.join()
    assert "imchat contacts add alice" in await refused(bob, "send", "alice", "hi")
    await bob.run("contacts", "add", "alice", "--greeting", "Bob from next door")
    assert ["Bob from next door" in line for line in await said(alice, "contacts", "requests")] == [True]
    await alice.run("contacts", "accept", "bob")
    screen = start_example("screen.py", strict, state_dir, "alice")
    try:
        await screen.until(lambda: "bob: 0 unread; " in screen.lines)
        assert await said(bob, "send", "alice", "Hello, Alice") == ["2"]
        await screen.until(lambda: screen.lines[-1:] == ["bob: 1 unread; Hello, Alice"])
        assert await said(alice, "send", "bob", "Hello, Bob", "--reply", "2", "--mention", "bob") == ["3"]
        await alice.run("react", "bob", "2", "👍")
        await bob.run("edit", "alice", "2", "Hello, dear Alice")
        assert "is not your own" in await refused(alice, "recall", "bob", "2")
        await alice.run("conversations", "pin", "bob")
        await bob.run("conversations", "read", "alice")
        # Behind the date and time that begin a message's first line.
        shown = [line[20:] if line[0] != " " else line for line in await said(bob, "history", "alice", "--numbers")]
        assert shown == [
            "1 * alice and bob are contacts now",
            "2 bob: Hello, dear Alice (edited) [👍 1]",
            "3 alice: > Hello, dear Alice",
            "    Hello, Bob",
        ]
        listed = [json.loads(line) for line in await said(bob, "conversations", "--json")]
        assert [(one["title"], one["unread"], one["mentioned"]) for one in listed] == [("alice", 0, False)]
        assert "[pinned]" in (await said(alice, "conversations"))[0]
        await bob.run("recall", "alice", "2")
        await screen.until(lambda: screen.lines[-1:] == ["bob: 0 unread; Hello, Bob"])
        await alice.run("contacts", "remove", "bob")
        assert "imchat contacts add alice" in await refused(bob, "send", "alice", "hm")
        assert any("Hello, Bob" in line for line in await said(bob, "history", "alice"))
    finally:
        screen.signal("INT")
    assert await screen.end() == 0, screen.errors
