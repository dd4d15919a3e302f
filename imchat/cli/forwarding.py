"""The forward command."""

from __future__ import annotations

import argparse

from imchat.cli.asking import ask, target
from imchat.cli.explaining import no_conversation, not_sent
from imchat.cli.world import World
from imchat.client import Client
from imchat.domain.content import AnyMessage, Message, passed_on
from imchat.domain.errors import Forbidden, IMError, NotFound


async def forward(arguments: argparse.Namespace, world: World) -> None:
    """Pass on what was said in one conversation to another."""
    await ask(arguments, world, lambda client: _forward(arguments, world, client))


async def _forward(arguments: argparse.Namespace, world: World, client: Client) -> None:
    content = await _content(client, await target(client, arguments.target), arguments)
    to = await target(client, arguments.to)
    try:
        sent = await client.send(to, passed_on(content))
    except IMError as error:
        raise Forbidden(not_sent(error, arguments.to, "")) from None
    world.tell(str(sent.seq), conversation_id=to, seq=sent.seq, created_ms=sent.created_ms)


async def _content(client: Client, conversation_id: int, arguments: argparse.Namespace) -> AnyMessage:
    try:
        page = await client.history(conversation_id, arguments.seq + 1, 1)
    except NotFound:
        raise NotFound(no_conversation(arguments.target)) from None
    for event in page.events:
        if event.seq == arguments.seq and isinstance(event.content, Message):
            return event.content
    raise NotFound(f"there is no message {arguments.seq} with {arguments.target} that could be forwarded")
