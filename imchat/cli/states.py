"""Commands about what a user decides for themselves of a conversation: pinned, muted, hidden, read, deleted."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from imchat.cli.asking import ask, target
from imchat.cli.exits import Code, Exit
from imchat.cli.explaining import no_conversation
from imchat.cli.showing import printable
from imchat.cli.world import World
from imchat.client import Client, Conversation
from imchat.domain.errors import NotFound

Change = Callable[[Client, Conversation], Awaitable[str]]


async def _change(arguments: argparse.Namespace, world: World, change: Change) -> None:
    """Change a conversation of one's own, then say what ``change`` says was done."""

    async def run(client: Client) -> None:
        conversation_id = await target(client, arguments.target)
        line = (await client.conversations.some([conversation_id])).get(conversation_id)
        if line is None:
            raise NotFound(no_conversation(arguments.target))
        done = await change(client, line)
        world.tell(f"{arguments.target}: {done}", conversation_id=conversation_id, done=done)

    await ask(arguments, world, run)


async def pin(arguments: argparse.Namespace, world: World) -> None:
    """Pin a conversation, or no more."""

    async def change(client: Client, line: Conversation) -> str:
        await client.conversations.set(line.conversation_id, pinned=not arguments.off)
        return "no longer pinned" if arguments.off else "pinned"

    await _change(arguments, world, change)


async def mute(arguments: argparse.Namespace, world: World) -> None:
    """Mute a conversation, or no more."""

    async def change(client: Client, line: Conversation) -> str:
        await client.conversations.set(line.conversation_id, muted=not arguments.off)
        return "no longer muted" if arguments.off else "muted"

    await _change(arguments, world, change)


async def hide(arguments: argparse.Namespace, world: World) -> None:
    """Leave a conversation out of the list until its next message, or no more."""

    async def change(client: Client, line: Conversation) -> str:
        await client.conversations.set(line.conversation_id, hidden=not arguments.off)
        return "no longer hidden" if arguments.off else "hidden until the next message"

    await _change(arguments, world, change)


async def read(arguments: argparse.Namespace, world: World) -> None:
    """Say that everything up to a message, or up to the newest one, is read."""

    async def change(client: Client, line: Conversation) -> str:
        seq = arguments.seq or line.last_seq
        if not 0 < seq <= line.last_seq:
            newest = f"the newest message is {line.last_seq}" if line.last_seq else "nothing was said there"
            raise Exit(Code.REFUSED, newest)
        await client.conversations.mark_read(line.conversation_id, seq)
        return f"read up to {max(seq, line.read_seq)}"

    await _change(arguments, world, change)


async def delete(arguments: argparse.Namespace, world: World) -> None:
    """Delete messages for oneself; others keep them."""
    if bool(arguments.seqs) == arguments.all:
        raise Exit(Code.USAGE, "say which messages: their numbers, or --all")

    async def change(client: Client, line: Conversation) -> str:
        if not arguments.all:
            await client.conversations.delete_messages(line.conversation_id, arguments.seqs)
            return f"{len(set(arguments.seqs))} deleted for you"
        await client.conversations.clear(line.conversation_id, line.last_seq)
        return "all messages deleted for you"

    await _change(arguments, world, change)


async def receipts(arguments: argparse.Namespace, world: World) -> None:
    """Show how far the other members have received and read."""
    await ask(arguments, world, lambda client: _receipts(arguments, world, client))


async def _receipts(arguments: argparse.Namespace, world: World, client: Client) -> None:
    conversation_id = await target(client, arguments.target)
    try:
        found = await client.conversations.receipts(conversation_id)
    except NotFound:
        raise NotFound(no_conversation(arguments.target)) from None
    if not found:
        world.nothing("nobody there tells, or you do not tell them")
    for one in found:
        name = await client.directory.name(one.user_id)
        world.tell(
            f"{printable(name)}: received up to {one.delivered_seq}, read up to {one.read_seq}",
            conversation_id=conversation_id,
            user_id=one.user_id,
            name=name,
            delivered_seq=one.delivered_seq,
            read_seq=one.read_seq,
        )
