"""Commands for what a user decides about a conversation, and to pass messages on."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import TypeVar

from imchat.cli.asking import ask, no_conversation, target
from imchat.cli.exits import Code, Exit
from imchat.cli.showing import printable
from imchat.cli.world import World
from imchat.client import Client
from imchat.domain.content import AnyMessage, Message, passed_on
from imchat.domain.errors import NotFound

T = TypeVar("T")


async def _about(name: str, client: Client, body: Callable[[int], Awaitable[T]]) -> tuple[int, T]:
    """Do something about the conversation that the command line names; tell its id too."""
    conversation_id = await target(client, name)
    try:
        return conversation_id, await body(conversation_id)
    except NotFound:
        raise NotFound(no_conversation(name)) from None


async def _set(arguments: argparse.Namespace, world: World, field: str) -> None:
    wanted = not arguments.off

    async def run(client: Client) -> None:
        set_one = client.conversations.set
        where, _ = await _about(arguments.target, client, lambda where: set_one(where, **{field: wanted}))
        world.tell(f"#{where} {'' if wanted else 'not '}{field}", conversation_id=where, **{field: wanted})

    await ask(arguments, world, run)


async def pin(arguments: argparse.Namespace, world: World) -> None:
    """Pin a conversation, or no longer."""
    await _set(arguments, world, "pinned")


async def mute(arguments: argparse.Namespace, world: World) -> None:
    """Mute a conversation, or no longer."""
    await _set(arguments, world, "muted")


async def hide(arguments: argparse.Namespace, world: World) -> None:
    """Leave a conversation out of the list until its next message, or no longer."""
    await _set(arguments, world, "hidden")


async def read(arguments: argparse.Namespace, world: World) -> None:
    """Mark a conversation as read."""

    async def run(client: Client) -> None:
        async def mark(conversation_id: int) -> int:
            seq: int = arguments.seq or (await client.history(conversation_id, limit=1)).last_seq
            if seq:
                await client.conversations.mark_read(conversation_id, seq)
            return seq

        where, seq = await _about(arguments.target, client, mark)
        world.tell(str(seq), conversation_id=where, seq=seq)

    await ask(arguments, world, run)


async def delete(arguments: argparse.Namespace, world: World) -> None:
    """Delete messages for oneself alone."""
    seqs, through = arguments.seqs, arguments.through
    if bool(seqs) == bool(through):
        raise Exit(Code.USAGE, "either the numbers of messages or --through says what to delete")

    async def run(client: Client) -> None:
        async def remove(conversation_id: int) -> None:
            if through:
                await client.conversations.clear(conversation_id, through)
            else:
                await client.conversations.delete_messages(conversation_id, seqs)

        where, _ = await _about(arguments.target, client, remove)
        what = f"all up to {through}" if through else ", ".join(map(str, seqs))
        world.tell(f"#{where} deleted for oneself: {what}", conversation_id=where, seqs=seqs, through_seq=through or 0)

    await ask(arguments, world, run)


async def receipts(arguments: argparse.Namespace, world: World) -> None:
    """Show how far the other members have received and read."""

    async def run(client: Client) -> None:
        where, found = await _about(arguments.target, client, client.conversations.receipts)
        for one in found:
            name = await client.directory.name(one.user_id)
            world.tell(
                f"{printable(name)}: received up to {one.delivered_seq}, read up to {one.read_seq}",
                conversation_id=where,
                user_id=one.user_id,
                name=name,
                delivered_seq=one.delivered_seq,
                read_seq=one.read_seq,
            )

    await ask(arguments, world, run)


async def forward(arguments: argparse.Namespace, world: World) -> None:
    """Pass a message on into another conversation."""

    async def find(client: Client, conversation_id: int) -> AnyMessage:
        page = await client.history(conversation_id, limit=1, after=arguments.seq - 1)
        for event in page.events:
            if event.seq == arguments.seq and isinstance(event.content, Message):
                return event.content
        raise NotFound

    async def run(client: Client) -> None:
        where = await target(client, arguments.target)
        try:
            message = await find(client, where)
        except NotFound:
            raise NotFound(f"{no_conversation(arguments.target)}, or it has no message {arguments.seq}") from None
        _, done = await _about(arguments.to, client, lambda to: client.send(to, passed_on(message)))
        world.tell(str(done.seq), conversation_id=done.conversation_id, seq=done.seq, created_ms=done.created_ms)

    await ask(arguments, world, run)
