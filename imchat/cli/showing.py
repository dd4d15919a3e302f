"""Events as a person reads them in a terminal, and as a program reads them."""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from imchat.cli.world import World
from imchat.client import Client, Received
from imchat.domain.content import (
    Card,
    Content,
    Custom,
    Edited,
    File,
    Location,
    Message,
    Picture,
    Reacted,
    Recalled,
    Sticker,
    SystemLine,
    Text,
)
from imchat.domain.models import EventState

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of all that follows, beyond the text; the marks U+200E and U+200F do not, and stay."""

_QUOTED = 60
"""Characters of a quoted text that are shown."""

_SYSTEM = {"contacts_made": "{0} and {1} are contacts now"}


def printable(text: str) -> str:
    """A text that cannot do anything to a terminal but be shown; further lines are indented."""
    shown = "".join(c if c in "\n\t" or _harmless(c) else "\ufffd" for c in text)
    return shown.replace("\n", "\n    ")


def one_line(text: str) -> str:
    """A text that is shown within a line."""
    return printable(" ".join(text.split()))


def _harmless(character: str) -> bool:
    # Zl and Zp: separators of lines and paragraphs, which some terminals begin a line at.
    return character not in _REORDERING and unicodedata.category(character) not in ("Cc", "Zl", "Zp")


def when(milliseconds: int) -> str:
    """A time in the terminal's own time zone, as people expect it there."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def is_shown(event: Received) -> bool:
    """Whether an event is anything that one shows by itself."""
    return event.content is None or isinstance(event.content, Message | SystemLine)


def is_act(event: Received) -> bool:
    """Whether an event says what somebody did to a message."""
    return isinstance(event.content, Recalled | Edited | Reacted)


# --- text


def body(event: Received) -> str:
    """What a message says."""
    match event.content:
        case Text() as text:
            return text.text
        case Sticker() as sticker:
            return sticker.emoji
        case Picture() as picture:
            return f"[picture {picture.name or picture.reference}]"
        case File() as file:
            return f"[file {file.name}, {file.size} bytes]"
        case Card() as card:
            return f"[card of user {card.user_id}]"
        case Location() as at:
            return f"[{at.name or 'place'} {at.latitude:.5f}, {at.longitude:.5f}]"
        case Custom() as custom:
            return f"[{custom.media_type}, {len(custom.data)} bytes]"
    states = {EventState.RECALLED: "[recalled]", EventState.EXPIRED: "[no longer kept]"}
    return states.get(event.state, "[a kind of message that this imchat does not know]")


def _message(event: Received, name: str) -> str:
    text = body(event)
    if event.quote is not None:
        text = f"> {' '.join(body(event.quote).split())[:_QUOTED]}\n{text}"
    if isinstance(event.content, Message) and event.content.forwarded:
        text += " (forwarded)"
    if event.state is EventState.EDITED:
        text += " (edited)"
    if event.reactions:
        text += " [" + ", ".join(f"{one.emoji} {one.count}" for one in event.reactions) + "]"
    return f"{name}: {printable(text)}"


def _line(event: Received, names: Mapping[int, str]) -> str:
    name = printable(names.get(event.sender_id, ""))
    match event.content:
        case Recalled() as act:
            return f"{name} recalled {act.seq}"
        case Edited() as act:
            return f"{name} edited {act.seq}: {printable(body(event.target)) if event.target else ''}"
        case Reacted() as act:
            emoji = printable(act.emoji)
            return f"{name} took {emoji} from {act.seq}" if act.removed else f"{name} gave {act.seq} {emoji}"
        case SystemLine() as line:
            people = [printable(names.get(user_id, "")) for user_id in line.user_ids]
            known = _SYSTEM.get(line.code) if len(people) >= 2 else None
            return f"* {known.format(*people) if known else ' '.join([printable(line.code), *people])}"
    return _message(event, name)


# --- values for programs


def kind_name(content: Content | None) -> str:
    """The name of a kind of content, as in the protocol."""
    return "unknown" if content is None else content.kind.name.lower()


def content_values(content: Content | None) -> dict[str, Any]:
    """A content as JSON has it; bytes in base64."""
    if content is None:
        return {}
    return {f.name: _plain(getattr(content, f.name)) for f in fields(content)}


def _plain(value: object) -> object:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def event_values(event: Received) -> dict[str, Any]:
    """An event as JSON has it, but for names."""
    reactions = [{"emoji": one.emoji, "count": one.count, "own": one.own} for one in event.reactions]
    text = body(event) if is_shown(event) and not isinstance(event.content, SystemLine) else None
    if isinstance(event.content, Edited) and event.target is not None:
        text = body(event.target)
    return {
        "conversation_id": event.stream_id,
        "seq": event.seq,
        "sender_id": event.sender_id,
        "kind": kind_name(event.content),
        "text": text,
        "content": content_values(event.content),
        "created_ms": event.created_ms,
        "state": event.state.name.lower(),
        "reactions": reactions,
        "quote": None if event.quote is None else {"seq": event.quote.seq, "text": body(event.quote)},
    }


# --- showing


def spoken_of(event: Received) -> set[int]:
    """Those whose names are needed to show an event."""
    people = event.content.user_ids if isinstance(event.content, SystemLine) else ()
    return {event.sender_id, *people} - {0}


async def show(
    world: World, client: Client, event: Received, numbers: bool = False, still: Deferred[None] | None = None
) -> None:
    """Write one event.

    Args:
        numbers: With its number in the conversation.
        still: Show it only if this has not fired when the names are known.
    """
    names = {user_id: await client.directory.name(user_id) for user_id in sorted(spoken_of(event))}
    if still is not None and still.called:
        raise CancelledError
    number = f" {event.seq}" if numbers else ""
    world.tell(
        f"{when(event.created_ms)}{number} {_line(event, names)}",
        **event_values(event),
        sender=names.get(event.sender_id, ""),
        own=event.sender_id == client.session.user_id,
    )
