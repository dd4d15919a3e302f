"""The limits of what clients ask a chat node for: into which group each request counts, and the defaults of the groups.

Each request counts twice: for its connection, and for the account, which is all connections of the user on one node.
It is allowed where both have room, and is counted by neither where one has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from imchat.domain.limits import FRESH, Limit, is_fresh, take


class Group(IntEnum):
    """Requests that are limited together; the number is the place in a :data:`Spent`."""

    FRAMES = 0
    MESSAGES = 1
    ACTS = 2
    READS = 3
    LOOKUPS = 4
    CONTACTS = 5
    MARKS = 6
    TYPING = 7
    PRESENCE = 8
    ACCOUNT = 9


GROUPS: Mapping[str, Group] = {
    "hello": Group.FRAMES,
    "ping": Group.FRAMES,
    "pong": Group.FRAMES,
    "send_message": Group.MESSAGES,
    "recall_message": Group.ACTS,
    "edit_message": Group.ACTS,
    "react": Group.ACTS,
    "sync": Group.READS,
    "history": Group.READS,
    "get_profile": Group.READS,
    "get_receipts": Group.READS,
    "list_contacts": Group.READS,
    "list_contact_requests": Group.READS,
    "list_conversations": Group.READS,
    "list_sessions": Group.READS,
    "open_direct": Group.LOOKUPS,
    "get_users": Group.LOOKUPS,
    "search_people": Group.LOOKUPS,
    "request_contact": Group.CONTACTS,
    "answer_contact": Group.CONTACTS,
    "set_contact": Group.CONTACTS,
    "remove_contact": Group.CONTACTS,
    "set_blocked": Group.CONTACTS,
    "set_conversation": Group.MARKS,
    "mark_read": Group.MARKS,
    "mark_delivered": Group.MARKS,
    "delete_messages": Group.MARKS,
    "typing": Group.TYPING,
    "watch_people": Group.PRESENCE,
    "set_presence": Group.PRESENCE,
    "set_profile": Group.ACCOUNT,
    "end_sessions": Group.ACCOUNT,
}
"""By the name of a request's body. Every frame counts as one of :attr:`Group.FRAMES` besides."""

COUNTED_LATER = frozenset({Group.FRAMES, Group.MESSAGES, Group.ACTS, Group.LOOKUPS})
"""Groups that do not count a request as it comes.

Every frame was counted as such already; what is stored under a client id may be a resend, which no limit refuses; and
one request may look many users up.
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """A limit for each group.

    Attributes:
        frames: Everything that comes.
        messages: Messages.
        acts: Recalls, edits, reactions.
        reads: Catching up, history, and lists of one's own.
        lookups: Users looked up and searched for.
        contacts: Requests for contact, answers, and changes of one's contacts.
        marks: Positions, own states of conversations, deletion for oneself.
        typing: Notices of typing.
        presence: Watching people, and one's own presence.
        account: Changes of the profile, and ends of sessions.
    """

    frames: Limit
    messages: Limit
    acts: Limit
    reads: Limit
    lookups: Limit
    contacts: Limit
    marks: Limit
    typing: Limit
    presence: Limit
    account: Limit

    def by_group(self) -> tuple[Limit, ...]:
        """The limits in the order of the groups."""
        return tuple(getattr(self, group.name.lower()) for group in Group)

    @property
    def longest_ms(self) -> int:
        """The longest window."""
        return max(limit.window_ms for limit in self.by_group())


_MINUTE = 60_000

SESSION_RATES = Rates(
    frames=Limit(1_200, _MINUTE),
    messages=Limit(600, _MINUTE),
    acts=Limit(120, _MINUTE),
    reads=Limit(900, _MINUTE),
    lookups=Limit(120, _MINUTE),
    contacts=Limit(120, _MINUTE),
    marks=Limit(600, _MINUTE),
    typing=Limit(60, _MINUTE),
    presence=Limit(120, _MINUTE),
    account=Limit(30, _MINUTE),
)
"""Of one connection."""

ACCOUNT_RATES = Rates(
    frames=Limit(4_800, _MINUTE),
    messages=Limit(1_200, _MINUTE),
    acts=Limit(240, _MINUTE),
    reads=Limit(3_600, _MINUTE),
    lookups=Limit(240, _MINUTE),
    contacts=Limit(240, _MINUTE),
    marks=Limit(2_400, _MINUTE),
    typing=Limit(120, _MINUTE),
    presence=Limit(480, _MINUTE),
    account=Limit(60, _MINUTE),
)
"""Of all connections of a user on one node: twice what people do, four times what devices do by themselves."""

Spent: TypeAlias = list[int]
"""What a connection or an account has used: for each group the number that :mod:`imchat.domain.limits` keeps."""


def unspent() -> Spent:
    """What somebody has used who is new."""
    return [FRESH] * len(Group)


def spend(
    group: int, one: Spent, limits: tuple[Limit, ...], other: Spent, other_limits: tuple[Limit, ...], now_ms: int
) -> int:
    """Count a request for two at once, if both have room.

    Returns:
        0 if it is allowed; else how long to wait, in ms, and neither counted it.
    """
    state, wait_ms = take(one[group], limits[group], now_ms)
    other_state, other_wait_ms = take(other[group], other_limits[group], now_ms)
    if wait_ms or other_wait_ms:
        return max(wait_ms, other_wait_ms)
    one[group] = state
    other[group] = other_state
    return 0


def all_fresh(spent: Spent, now_ms: int) -> bool:
    """Whether what was used says nothing any more, so that it need not be kept."""
    return all(is_fresh(state, now_ms) for state in spent)
