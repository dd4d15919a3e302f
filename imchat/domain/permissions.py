"""Who may do what in a conversation. Pure rules: a code of :mod:`imchat.domain.errors`, or None for "may".

That a conversation exists is a secret before those who are not in it: they get ``not_found``, the same as for one that
does not exist. No rule here answers with a code for a passing reason: what it refuses stays refused until the
membership changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from imchat.domain.errors import InvalidRequest, NotContacts, NotFound
from imchat.domain.models import ConversationKind, Draft, Member, Membership


class ContactsPolicy(StrEnum):
    """Whether people must be contacts to talk to each other directly."""

    REQUIRED = "required"
    OPEN = "open"


def may_send(
    membership: Membership | None, user_id: int, policy: ContactsPolicy = ContactsPolicy.REQUIRED
) -> str | None:
    """Whether a user may send messages to a conversation (None: it does not exist)."""
    if membership is None or user_id not in membership.members:
        return NotFound.code
    if membership.kind is ConversationKind.DIRECT:
        return may_write(tuple(membership.members.values()), policy)
    return None


def may_speak_of(membership: Membership, user_id: int, seq: int, mentions: Iterable[int]) -> str | None:
    """Whether a member may act on or reply to the event ``seq`` (0: to none), and mention these people."""
    if seq and not may_see(membership, user_id, seq):
        return NotFound.code
    return None if all(mentioned in membership.members for mentioned in mentions) else NotFound.code


def may_write(two: Sequence[Member], policy: ContactsPolicy) -> str | None:
    """Whether the two of a direct conversation may write to each other: either both may, or none."""
    if len(two) != 2:
        return NotContacts.code
    # Written out: it is asked for each message.
    one, other = two
    if one.blocks or other.blocks or one.gone or other.gone:
        return NotContacts.code
    if policy is ContactsPolicy.REQUIRED and not (one.has_contact and other.has_contact):
        return NotContacts.code
    return None


def permit(draft: Draft, membership: Membership, policy: ContactsPolicy = ContactsPolicy.REQUIRED) -> str | None:
    """Whether the sender of a draft may send it: the same rules, as a store asks them under the lock."""
    code = may_send(membership, draft.sender_id, policy)
    return code or may_speak_of(membership, draft.sender_id, draft.target, draft.mentions)


def may_see(membership: Membership, user_id: int, seq: int) -> bool:
    """Whether a present member sees the event ``seq``; members see what came since they joined."""
    member = membership.members.get(user_id)
    return member is not None and member.from_seq <= seq


def may_be_told(membership: Membership | None, of_id: int, user_id: int) -> bool:
    """Whether a member is told in passing of what another does: receipts. Who blocks another is not told of to them."""
    if membership is None or not {of_id, user_id} <= membership.members.keys():
        return False
    return not membership.members[of_id].blocks and not membership.members[user_id].blocks


def may_open_direct(user_id: int, peer_id: int) -> str | None:
    """Whether a user may open a direct conversation with another, as far as their ids tell (see :func:`may_write`)."""
    return InvalidRequest.code if user_id == peer_id else None
