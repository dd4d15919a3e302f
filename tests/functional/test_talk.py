"""The whole chain as people use it: terminals, a bot, and a server that is killed in the middle."""

import json

import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from tests.functional.terminal import PASSWORD, Program, Terminal, start_bot

ROUNDS = 4
LINES = 150


async def three(server, state_dir):
    """Two people and the account of a bot."""
    people = [Terminal(server, state_dir, name) for name in ("alice", "bob", "echo")]
    for person in people:
        await person.join()
    return people


def end(*programs: Program):
    """Make sure that nothing is left running."""
    for program in programs:
        program.signal("KILL")


async def until_accepted(mouth: Program, count: int):
    """Return when a sender has printed so many acknowledgements."""
    await mouth.until(lambda: len(mouth.lines) >= count)


@pytest_twisted.ensureDeferred
async def test_nobody_loses_or_doubles_a_line_when_the_server_is_killed(server, state_dir):
    alice, bob, _ = await three(server, state_dir)
    bot = start_bot(server, state_dir, "echo")
    ears = {alice.name: alice.listen(), bob.name: bob.listen()}
    to_bob, to_alice = alice.start("send", "bob", "-"), bob.start("send", "alice", "-")
    to_echo = bob.start("--profile", "second", "whoami")  # another profile is not logged in
    mouths = [to_bob, to_alice]
    try:
        assert await to_echo.end() == 4
        sent = {"alice": [], "bob": []}
        for number in range(ROUNDS):
            for mouth, name in ((to_bob, "alice"), (to_alice, "bob")):
                lines = [f"{name} {number}.{i}" for i in range(LINES)]
                sent[name] += lines
                mouth.feed("".join(line + "\n" for line in lines))
            # In the middle of them: some are stored whose acknowledgement never arrives.
            await until_accepted(to_bob, number * LINES + LINES // 5)
            await server.kill()
            await server.start()
        for mouth in mouths:
            mouth.transport.closeStdin()
            assert await mouth.end() == 0, mouth.errors.decode()
        for name, other in (("alice", "bob"), ("bob", "alice")):
            ear = ears[other]
            await ear.until(lambda ear=ear, name=name: len(Terminal.heard(ear)) >= len(sent[name]))
        # And the bot: what bob says to it comes back once, however often the server and the bot are killed.
        said = [f"echo {i}" for i in range(2 * LINES)]
        talk = bob.start("send", "echo", "-")
        mouths.append(talk)
        talk.feed("".join(line + "\n" for line in said[:LINES]))
        await until_accepted(talk, LINES // 5)
        await server.kill()
        bot.signal("KILL")
        await bot.end()
        await server.start()
        bot = start_bot(server, state_dir, "echo")
        talk.feed("".join(line + "\n" for line in said[LINES:]))
        talk.transport.closeStdin()
        assert await talk.end() == 0, talk.errors.decode()
        await ears["bob"].until(lambda: len(Terminal.heard(ears["bob"])) >= len(sent["alice"]) + len(said))
        await deferLater(reactor, 1.0, lambda: None)
        assert Terminal.heard(ears["alice"]) == sent["bob"]
        assert Terminal.heard(ears["bob"]) == sent["alice"] + said
        shown = await alice.run("--json", "history", "bob", "--limit", "10000")
        entries = [json.loads(line) for line in shown.lines]
        assert [e["text"] for e in entries if e["sender"] == "alice"] == sent["alice"]
        assert [e["text"] for e in entries if e["sender"] == "bob"] == sent["bob"]
        assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
        assert "Traceback" not in server.output
    finally:
        end(bot, *ears.values(), *mouths)


@pytest_twisted.ensureDeferred
async def test_a_listener_that_was_away_gets_each_message_once(server, state_dir):
    alice, bob, _ = await three(server, state_dir)
    await alice.run("send", "bob", "one")
    first = await bob.run("--json", "listen", "--count", "1")
    await alice.run("send", "bob", "two")
    await alice.run("send", "bob", "three")
    second = await bob.run("--json", "listen", "--count", "2")
    third = await bob.run("--json", "listen", "--timeout", "1")
    heard = [Terminal.heard(program) for program in (first, second, third)]
    assert heard == [["one"], ["two", "three"], []]


@pytest_twisted.ensureDeferred
async def test_a_password_reset_ends_every_session(server, state_dir):
    alice, bob, _ = await three(server, state_dir)
    ear = alice.listen()
    try:
        await bob.run("send", "alice", "hello")
        await ear.until(lambda: Terminal.heard(ear) == ["hello"])
        address = "alice@example.org"
        await deferLater(reactor, 1.1, lambda: None)  # one mail per address and second in this server
        await alice.run("reset-password", "--send-code", address)
        code = server.code_for(address)
        new = "another horse battery staple"
        await alice.run("reset-password", address, "--code", code, "--password-stdin", feed=new + "\n")
        assert await ear.end() == 4
        assert await alice.start("whoami").end() == 4
        old = alice.start("login", "alice", "--password-stdin")
        old.feed(PASSWORD + "\n")
        assert await old.end() == 1
        await alice.run("login", "alice", "--password-stdin", feed=new + "\n")
    finally:
        end(ear)


@pytest_twisted.ensureDeferred
async def test_an_operator_makes_accounts_and_invitations(server, state_dir):
    operator = Terminal(server, state_dir, "operator")
    socket = f"--socket={server.admin_socket}"
    made = await operator.run("--json", "admin", "invite", "--uses", "2", "--expires", "3", socket)
    assert json.loads(made.lines[0])["code"]
    feed = PASSWORD + "\n"
    await operator.run("admin", "create-user", "carol", "carol@example.org", "--password-stdin", socket, feed=feed)
    await operator.run("login", "carol", "--password-stdin", feed=feed)
    shown = await operator.run("--json", "whoami")
    assert json.loads(shown.lines[0])["name"] == "carol"
    await server.stop()
    refused = operator.start("admin", "invite", socket)
    assert await refused.end() == 3
    assert len(refused.errors.decode().splitlines()) == 1
