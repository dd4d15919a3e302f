"""What people may do to messages, and what becomes of these: pure rules, asked by the store under the lock.

Each rule answers with a code of :mod:`imchat.domain.errors`, or None for "may". Whether the person sees the message
is asked before (:mod:`imchat.domain.permissions`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from imchat.domain.errors import Forbidden, NotFound, TooLate, TooMany, Unchanged
from imchat.domain.kinds import ContentKind, is_message
from imchat.domain.models import Event, EventState

RECALL_MS = 2 * 60_000
"""So long a message can be recalled."""

EDIT_MS = 15 * 60_000
"""So long a message can be edited."""

MAX_OWN_REACTIONS = 8
"""Reactions of one person to one message."""

MAX_REACTION_KINDS = 32
"""Different reactions to one message."""

_GONE = (EventState.RECALLED, EventState.EXPIRED)


def _is_message(target: Event | None) -> bool:
    return target is not None and is_message(target.kind)


def may_reply(target: Event | None) -> str | None:
    """Whether one can reply to an event; also to a message that is gone, for the two may cross."""
    return None if _is_message(target) else NotFound.code


def may_recall(user_id: int, target: Event | None, now_ms: int) -> str | None:
    """Whether a user may recall an event of their conversation."""
    if target is None or not _is_message(target):
        return NotFound.code
    if target.sender_id != user_id:
        return Forbidden.code
    if target.state == EventState.RECALLED:
        return Unchanged.code
    if target.state == EventState.EXPIRED or now_ms - target.created_ms > RECALL_MS:
        return TooLate.code
    return None


def may_edit(user_id: int, target: Event | None, now_ms: int) -> str | None:
    """Whether a user may edit an event of their conversation."""
    if target is None or not _is_message(target):
        return NotFound.code
    if target.sender_id != user_id or target.kind != ContentKind.TEXT:
        return Forbidden.code
    if target.state in _GONE or now_ms - target.created_ms > EDIT_MS:
        return TooLate.code
    return None


def may_react(
    target: Event | None, emoji: bytes, removed: bool, own: Collection[bytes], kinds: Collection[bytes]
) -> str | None:
    """Whether a user may set a reaction on an event of their conversation, or take it away.

    Args:
        own: How this user reacted.
        kinds: How anybody did.
    """
    if target is None or not _is_message(target):
        return NotFound.code
    if target.state in _GONE:
        return TooLate.code
    if removed != (emoji in own):
        return Unchanged.code
    if removed:
        return None
    if len(own) >= MAX_OWN_REACTIONS or (emoji not in kinds and len(kinds) >= MAX_REACTION_KINDS):
        return TooMany.code
    return None


def recalled(target: Event, seq: int) -> Event:
    """A message as it stands when it was recalled by the event ``seq``."""
    return replace(target, content=b"", state=EventState.RECALLED, changed_seq=seq)


def edited(target: Event, seq: int, content: bytes) -> Event:
    """A message as it stands when it was edited by the event ``seq``."""
    return replace(target, content=content, state=EventState.EDITED, changed_seq=seq)


def reacted(target: Event, seq: int) -> Event:
    """A message as it stands when a reaction to it was changed by the event ``seq``."""
    return replace(target, changed_seq=seq)


def with_target(event: Event, target: Event) -> Event:
    """An event with the message that it is about, where that goes out with it."""
    if is_message(event.kind):
        return replace(event, quote=target)
    return event if event.kind == ContentKind.REACTED else replace(event, target=target)
