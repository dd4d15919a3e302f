"""Commands that connect, ask, and end: they take turns at the sending device of the profile."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from imchat.cli.common import run_client, within
from imchat.cli.exits import Code, Exit
from imchat.cli.explaining import no_contact
from imchat.cli.profile import Role
from imchat.cli.world import World
from imchat.client import Client, StateBusy
from imchat.domain.errors import NotContacts, NotFound
from imchat.domain.models import MAX_ID, UserCard

_ID_DIGITS = len(str(MAX_ID))

BUSY_WAIT = 0.2
"""Seconds between two looks whether another command has ended."""

Body = Callable[[Client], Coroutine[Deferred[Any], Any, None]]


async def target(client: Client, name: str) -> int:
    """The conversation that a command line names: a user, or ``#`` and a number.

    Raises:
        Exit: it is neither.
        NotContacts: the two may not write to each other, and never did.
        NotFound: there is no such user.
    """
    match = re.fullmatch(r"#(\d{1,16})", name)
    if match and 1 <= int(match[1]) <= MAX_ID:
        return int(match[1])
    if name.startswith("#"):
        raise Exit(Code.USAGE, f"{name!r} is no #CONVERSATION: a number follows the #")
    user = await client.directory.by_name(name)
    try:
        return await client.open_direct(user.id)
    except NotFound:
        raise NotFound(f"there is no user {name!r}") from None
    except NotContacts:
        raise NotContacts(no_contact(name)) from None


async def person(client: Client, name: str) -> UserCard:
    """Whom a command line names: by the name, or by the id, which no name looks like.

    Raises:
        NotFound: there is no such user.
    """
    if not re.fullmatch(r"[0-9]+", name):
        return await client.directory.by_name(name)
    user_id = int(name) if len(name) <= _ID_DIGITS else 0
    found = await client.people.cards([user_id]) if 1 <= user_id <= MAX_ID else {}
    if user_id not in found:
        raise NotFound(f"there is no user {name}")
    return found[user_id]


async def in_turn(arguments: argparse.Namespace, world: World, body: Body) -> None:
    """Run a client of the sending device, after any other command that uses it."""
    deadline = world.reactor.seconds() + arguments.timeout
    while True:
        try:
            await run_client(arguments, world, Role.SEND, body)
            return
        except StateBusy:
            if world.reactor.seconds() >= deadline:
                raise Exit(Code.TIMED_OUT, "another imchat command uses this profile") from None
        await deferLater(world.reactor, BUSY_WAIT)


async def ask(arguments: argparse.Namespace, world: World, body: Body) -> None:
    """As :func:`in_turn`, for a command that is done within its time-out or not at all."""

    async def bounded(client: Client) -> None:
        late = Exit(Code.UNREACHABLE, f"no answer within {arguments.timeout:g} s")
        await within(world, arguments.timeout, Deferred.fromCoroutine(body(client)), late)

    await in_turn(arguments, world, bounded)
