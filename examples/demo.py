"""imchat in half a minute: a private server, two people who register and talk, one who goes away and comes back.

Run it with ``make demo``, or ``python examples/demo.py`` where imchat is installed. It uses free ports and a temporary
directory, and leaves nothing behind.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import react

from imchat.client import Client, Credentials, Gate, Options, Outside, SqliteState, Turn
from imchat.client.network import http_client, in_threads, node_connector
from imchat.domain.content import Text
from imchat.net.ids import SecureIds
from imchat.testing import EmbeddedServer, ServerFailed

PASSWORD = "correct horse battery staple"
PATIENCE = 15.0
"""Seconds to wait for one message before the demonstration counts as failed."""


def say(line: str) -> None:
    """Print one line of the talk at once."""
    print(line, flush=True)


class Person:
    """Somebody with one device, whose state is a file: what arrived once does not arrive again after a restart."""

    def __init__(self, reactor: Any, server: EmbeddedServer, name: str, state: Path) -> None:
        self.name = name
        self._reactor = reactor
        self._server = server
        self._state = state
        self._client: Client | None = None
        self._unread: list[str] = []
        self._waiting: list[Deferred[str]] = []

    def _gate(self) -> Gate:
        return Gate(self._server.url, http_client(self._reactor), self._reactor)

    async def register(self) -> None:
        """Ask for a code, read it from the mail, make the account."""
        address = f"{self.name}@example.org"
        await self._gate().request_code("registration", address)
        code = self._server.code_for(address)
        say(f"  {self.name} registers with the code {code} from the mail to {address}")
        await self._gate().register(self.name, address, PASSWORD, code)

    async def arrive(self) -> None:
        """Log in (the first time) and connect."""
        outside = Outside(
            self._gate(),
            node_connector(self._reactor),
            self._reactor,
            SecureIds(),
            SqliteState(self._state, in_threads(self._reactor)),
        )
        self._client = Client(outside, self._receive, Options(device_name="demonstration"))
        await self._client.start(Credentials(self.name, PASSWORD))

    async def leave(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.stop()
            self._client = None

    async def _receive(self, turn: Turn) -> None:
        if isinstance(turn.event.content, Text) and not turn.own:
            if self._waiting:
                self._waiting.pop(0).callback(turn.event.content.text)
            else:
                self._unread.append(turn.event.content.text)

    async def say_to(self, other: Person, text: str) -> None:
        """Send a text and wait until the server has it on disk."""
        assert self._client is not None
        user = await self._client.directory.by_name(other.name)
        accepted = await self._client.send(await self._client.open_direct(user.id), text)
        say(f"  {self.name}: {text}   (acknowledged as number {accepted.seq})")

    async def hear(self, text: str) -> None:
        """Wait for the next text, which must be this one."""
        if self._unread:
            heard = self._unread.pop(0)
        else:
            waiting: Deferred[str] = Deferred()
            self._waiting.append(waiting)
            heard = await waiting.addTimeout(PATIENCE, self._reactor)
        if heard != text:
            raise SystemExit(f"{self.name} heard {heard!r} and should have heard {text!r}")
        say(f"    -> {self.name} received: {heard}")

    def heard_everything(self) -> bool:
        """Whether nothing came twice or unasked."""
        return not self._unread


async def talk(server: EmbeddedServer, alice: Person, bob: Person) -> None:
    """Play the whole."""
    say("Two people register and log in")
    for person in (alice, bob):
        await person.register()
        await person.arrive()
    say("They talk")
    await alice.say_to(bob, "Hello, Bob")
    await bob.hear("Hello, Bob")
    await bob.say_to(alice, "你好, Alice 👋")
    await alice.hear("你好, Alice 👋")
    say("Bob goes away; Alice goes on")
    await bob.leave()
    await alice.say_to(bob, "Are you still there?")
    await alice.say_to(bob, "I leave this here for you")
    say("The server is killed, as by a power cut, and started again")
    await server.kill()
    await server.start()
    say("Alice reconnects by herself and writes once more; then Bob returns")
    await alice.say_to(bob, "That was a short night")
    await bob.arrive()
    for text in ("Are you still there?", "I leave this here for you", "That was a short night"):
        await bob.hear(text)
    await bob.say_to(alice, "Nothing lost, nothing doubled")
    await alice.hear("Nothing lost, nothing doubled")
    if not (alice.heard_everything() and bob.heard_everything()):
        raise SystemExit("something arrived twice")
    say("Done")


async def main(reactor: Any) -> None:
    """Start the server, play, and clean up whatever happens."""
    with tempfile.TemporaryDirectory(prefix="imchat-demo-") as directory:
        server = EmbeddedServer(reactor, Path(directory) / "data")
        people = [Person(reactor, server, name, Path(directory) / f"{name}.db") for name in ("alice", "bob")]
        try:
            await server.start()
            say(f"A private server runs at {server.url}")
            await talk(server, *people)
        except ServerFailed as error:
            raise SystemExit(f"the server did not start:\n{error}") from error
        finally:
            for person in people:
                await person.leave()
            await server.stop()


if __name__ == "__main__":
    react(lambda reactor: ensureDeferred(main(reactor)), sys.argv[1:0])
