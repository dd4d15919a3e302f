"""The numbers of everything that an event can carry. They are stored and sent: they never change."""

from __future__ import annotations

from enum import IntEnum

FIRST_ACT = 32
FIRST_PRIVATE = 64
FIRST_SYSTEM = 96


class ContentKind(IntEnum):
    """The stored number of each kind of content.

    Below 32 stand messages, from 32 what people do to messages, from 64 what stands in private streams, from 96 the
    server's own lines in conversations.
    """

    TEXT = 1
    STICKER = 2
    PICTURE = 3
    FILE = 4
    CARD = 5
    LOCATION = 6
    CUSTOM = 7
    RECALLED = 32
    EDITED = 33
    REACTED = 34
    CONVERSATION_ADDED = 64
    SESSIONS_ENDED = 65
    CONTACT_REQUEST = 66
    CONTACT = 67
    CONVERSATION_STATE = 68
    READ_POSITION = 69
    MESSAGES_DELETED = 70
    PROFILE = 71
    SYSTEM_LINE = 96


def is_message(kind: int) -> bool:
    """Whether events of this kind are messages, and so count as unread for others (DESIGN: streams)."""
    return kind < FIRST_ACT


def is_act(kind: int) -> bool:
    """Whether events of this kind say what a person did to a message: recall, edit, reaction."""
    return FIRST_ACT <= kind < FIRST_PRIVATE
