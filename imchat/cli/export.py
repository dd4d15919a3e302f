"""The export command: all that is one's own, in one file."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO

from twisted.internet.defer import Deferred

from imchat.cli.asking import in_turn
from imchat.cli.common import within
from imchat.cli.conversations import conversation_values
from imchat.cli.devices import session_values
from imchat.cli.exits import Code, Exit
from imchat.cli.people import contact_values, profile_values, request_values
from imchat.cli.showing import event_values
from imchat.cli.world import World
from imchat.client import Client, ListedRequest, Received

PAGE = 100

EVERY = 1_000
"""Messages between two lines of progress."""


async def export(arguments: argparse.Namespace, world: World) -> None:
    """Write everything of the account that its owner may see into a file that only they can read."""
    await in_turn(arguments, world, lambda client: _Export(arguments, world, client).run())


class _Export:
    def __init__(self, arguments: argparse.Namespace, world: World, client: Client) -> None:
        self._arguments, self._world, self._client = arguments, world, client
        self._path: Path = arguments.file
        self._count = 0

    async def run(self) -> None:
        late = Exit(Code.UNREACHABLE, f"no answer within {self._arguments.timeout:g} s")
        profile = Deferred.fromCoroutine(self._client.people.profile())
        found = profile_values(await within(self._world, self._arguments.timeout, profile, late))
        # A file by this name is whole: it gets its name when all is in it.
        temporary = self._path.with_name(self._path.name + ".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                await self._write(file, found)
            temporary.replace(self._path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        self._world.tell(f"{self._count} messages exported", file=str(self._path), messages=self._count)

    async def _write(self, file: IO[str], profile: Mapping[str, object]) -> None:
        client = self._client
        file.write('{"profile": ' + _json(profile))
        _put(file, "devices", [session_values(s) for s in await client.devices.all()])
        _put(file, "contacts", [contact_values(c) async for c in client.contacts.all()])
        _put(file, "blocked", [contact_values(c) async for c in client.contacts.blocked()])
        requests = [request_values(r) for way in (True, False) for r in [r async for r in self._requests(way)]]
        _put(file, "requests", requests)
        conversations = [c async for c in client.conversations.all(hidden=True)]
        _put(file, "conversations", [conversation_values(c) for c in conversations])
        file.write(',\n"messages": [')
        for number, conversation in enumerate(conversations, 1):
            await self._messages(file, conversation.conversation_id)
            self._world.note(f"{number} of {len(conversations)} conversations, {self._count} messages")
        file.write("\n]}\n")

    def _requests(self, incoming: bool) -> AsyncIterator[ListedRequest]:
        return self._client.contacts.requests(incoming, everything=True)

    async def _messages(self, file: IO[str], conversation_id: int) -> None:
        async for event in _upwards(self._client, conversation_id):
            file.write((",\n" if self._count else "\n") + _json(event_values(event)))
            self._count += 1
            if self._count % EVERY == 0:
                self._world.note(f"{self._count} messages")


async def _upwards(client: Client, conversation_id: int) -> AsyncIterator[Received]:
    after = 0
    while True:
        page = await client.history(conversation_id, limit=PAGE, after=after)
        for event in page.events:
            yield event
        if page.to_seq >= page.last_seq or page.to_seq <= after:
            return
        after = page.to_seq


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _put(file: IO[str], name: str, values: list[dict[str, object]]) -> None:
    file.write(f',\n"{name}": {_json(values)}')
