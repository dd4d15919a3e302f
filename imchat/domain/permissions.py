"""Who may do what in a conversation. Pure rules: a code of :mod:`imchat.domain.errors`, or None for "may".

That a conversation exists is a secret before those who are not in it: they get ``not_found``, the same as for one that
does not exist. No rule here answers with a code for a passing reason: what it refuses stays refused until the
membership changes.
"""

from __future__ import annotations

from imchat.domain.errors import InvalidRequest, NotFound
from imchat.domain.models import Draft, Membership


def may_send(membership: Membership | None, user_id: int) -> str | None:
    """Whether a user may send messages to a conversation (None: it does not exist)."""
    if membership is None or user_id not in membership.members:
        return NotFound.code
    return None


def permit(draft: Draft, membership: Membership) -> str | None:
    """Whether the sender of a draft may send it: the same rule, as a store asks it under the lock."""
    return may_send(membership, draft.sender_id)


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
    """Whether a user may open a direct conversation with another."""
    return InvalidRequest.code if user_id == peer_id else None
