"""Commands about conversations: the list of them, and acts on messages."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable

from imchat.cli.asking import ask, target
from imchat.cli.explaining import explained
from imchat.cli.showing import body, event_values, one_line, printable, when
from imchat.cli.world import World
from imchat.client import Accepted, Client, Conversation
from imchat.domain.conversations import is_hidden
from imchat.domain.errors import IMError
from imchat.domain.models import ConversationKind


def conversation_values(line: Conversation) -> dict[str, object]:
    """A conversation, as JSON has it."""
    return {
        "conversation_id": line.conversation_id,
        "kind": kind_name(line.kind),
        "member_ids": list(line.member_ids),
        "title": line.title,
        "avatar": line.avatar,
        "last_seq": line.last_seq,
        "last_ms": line.last_ms,
        "unread": line.unread,
        "mentioned": line.mentioned,
        "mention_seq": line.mention_seq,
        "read_seq": line.read_seq,
        "pinned": line.state.pinned_ms > 0,
        "muted": line.state.muted,
        "hidden": is_hidden(line.state.hidden_seq, line.last_message_seq),
        "hidden_seq": line.state.hidden_seq,
        "cleared_seq": line.state.cleared_seq,
        "newest": None if line.newest is None else event_values(line.newest),
    }


def kind_name(kind: int) -> str:
    """The name of a kind of conversation."""
    return ConversationKind(kind).name.lower() if kind in ConversationKind.__members__.values() else "unknown"


async def conversations(arguments: argparse.Namespace, world: World) -> None:
    """Show the conversations, newest first, with what is unread."""
    await ask(arguments, world, lambda client: _conversations(arguments, world, client))


async def _conversations(arguments: argparse.Namespace, world: World, client: Client) -> None:
    found: list[Conversation] = []
    listed = client.conversations.all(pinned=arguments.pinned, hidden=arguments.hidden, limit=min(arguments.limit, 100))
    async for line in listed:
        found.append(line)
        if len(found) == arguments.limit:
            break
    if not found:
        hidden = "" if arguments.hidden else "; --hidden shows those that are hidden"
        world.nothing(f"no {'pinned ' if arguments.pinned else ''}conversations{hidden}")
    names = await client.directory.names({user_id for line in found for user_id in line.member_ids})
    for line in found:
        title = line.title or ", ".join(names.get(user_id, "") for user_id in line.member_ids)
        world.tell(_line(line, one_line(title)), **{**conversation_values(line), "title": title})


def _line(line: Conversation, title: str) -> str:
    marks = [f"{line.unread} unread"] if line.unread else []
    marks += ["mentioned"] if line.mentioned else []
    marks += ["pinned"] if line.state.pinned_ms else []
    marks += ["muted"] if line.state.muted else []
    marks += ["hidden"] if is_hidden(line.state.hidden_seq, line.last_message_seq) else []
    preview = one_line(body(line.newest))[:60] if line.newest is not None else ""
    shown = f" [{', '.join(marks)}]" if marks else ""
    return f"{when(line.last_ms)} #{line.conversation_id} {title}{shown}: {preview}"


# --- acts

Act = Callable[[Client, int], Awaitable[Accepted]]


async def _act(arguments: argparse.Namespace, world: World, name: str, said: str, act: Act) -> None:
    async def run(client: Client) -> None:
        conversation_id = await target(client, arguments.target)
        try:
            done = await act(client, conversation_id)
        except IMError as error:
            raise explained(error, name, arguments.target, arguments.seq) from None
        world.tell(
            f"message {arguments.seq}: {said}",
            conversation_id=conversation_id,
            seq=done.seq,
            target=arguments.seq,
            created_ms=done.created_ms,
        )

    await ask(arguments, world, run)


async def recall(arguments: argparse.Namespace, world: World) -> None:
    """Take back a message of one's own."""
    await _act(arguments, world, "recall", "recalled", lambda client, where: client.acts.recall(where, arguments.seq))


async def edit(arguments: argparse.Namespace, world: World) -> None:
    """Change the text of a message of one's own."""
    text = " ".join(arguments.text)
    await _act(arguments, world, "edit", "edited", lambda client, where: client.acts.edit(where, arguments.seq, text))


async def react(arguments: argparse.Namespace, world: World) -> None:
    """Set a reaction, or take it away."""
    seq, emoji, remove = arguments.seq, arguments.emoji, arguments.remove
    said = f"{'took' if remove else 'gave'} {printable(emoji)}"
    await _act(arguments, world, "react", said, lambda client, where: client.acts.react(where, seq, emoji, remove))
