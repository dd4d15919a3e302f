"""The history command."""

from __future__ import annotations

import argparse
from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime

from imchat.cli.asking import ask, target
from imchat.cli.explaining import no_conversation
from imchat.cli.showing import is_shown, show, spoken_of
from imchat.cli.world import World
from imchat.client import Client, Received
from imchat.client.client import FROM_THE_NEWEST
from imchat.domain.errors import NotFound

PAGE = 100


def date_ms(value: str) -> int:
    """A date or time of the command line, in milliseconds UTC; without a zone it is the terminal's.

    Raises:
        ArgumentTypeError: it is none, or before 1970.
    """
    try:
        milliseconds = int(datetime.fromisoformat(value).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        milliseconds = 0
    if milliseconds <= 0:
        raise argparse.ArgumentTypeError(f"{value!r} is no date such as 2026-11-24 or 2026-11-24T18:30")
    return milliseconds


async def history(arguments: argparse.Namespace, world: World) -> None:
    """Show the newest messages of a conversation, or the first ones after a number: oldest first, as they stand now."""
    world.as_json = world.as_json or arguments.format == "json"
    await ask(arguments, world, lambda client: _history(arguments, world, client))


async def _history(arguments: argparse.Namespace, world: World, client: Client) -> None:
    conversation_id = await target(client, arguments.target)
    found = deque[Received]()
    try:
        upwards = arguments.after is not None
        async for event in (_upwards if upwards else _downwards)(client, conversation_id, arguments):
            (found.append if upwards else found.appendleft)(event)
            if len(found) == arguments.limit:
                break
    except NotFound:
        raise NotFound(no_conversation(arguments.target)) from None
    if not found:
        world.nothing("no messages there")
    await client.directory.names({user_id for event in found for user_id in spoken_of(event)})
    for event in found:
        await show(world, client, event, arguments.numbers)


async def _downwards(client: Client, conversation_id: int, arguments: argparse.Namespace) -> AsyncIterator[Received]:
    since, before = arguments.since or 0, arguments.before or FROM_THE_NEWEST
    if arguments.until:
        page = await client.history(conversation_id, limit=PAGE, before_ms=arguments.until)
    else:
        page = await client.history(conversation_id, before, PAGE)
    while True:
        for event in reversed(page.events):
            if event.created_ms < since:
                return
            if is_shown(event) and event.seq < before and event.created_ms < (arguments.until or FROM_THE_NEWEST):
                yield event
        if page.from_seq <= 1 or page.to_seq < page.from_seq:
            return
        page = await client.history(conversation_id, page.from_seq, PAGE)


async def _upwards(client: Client, conversation_id: int, arguments: argparse.Namespace) -> AsyncIterator[Received]:
    since, after = arguments.since or 0, arguments.after
    before, until = arguments.before or FROM_THE_NEWEST, arguments.until or FROM_THE_NEWEST
    if since:
        first = await client.history(conversation_id, limit=1, since_ms=since)
        after = max(after, first.from_seq - 1)
    while True:
        page = await client.history(conversation_id, limit=PAGE, after=after)
        for event in page.events:
            if event.seq >= before or event.created_ms >= until:
                return
            if is_shown(event) and event.created_ms >= since:
                yield event
        if page.to_seq >= page.last_seq or page.to_seq <= after:
            return
        after = page.to_seq
