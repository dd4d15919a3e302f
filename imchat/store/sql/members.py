"""Reading memberships, inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.models import ConversationKind, Member, Membership
from imchat.store.sql.bulk import chunks, in_list
from imchat.store.sql.transaction import Transaction

_AT_ONCE = 100

# Of a direct conversation the peer is known by the sum of the two ids; a group has no row in direct.
_QUERY = """
    SELECT c.conversation_id, c.kind, h.member_version, m.user_id, m.role, p.from_seq,
        COALESCE(k.is_contact, 0), COALESCE(k.blocked, 0), COALESCE(a.deleted_ms, 0)
    FROM conversation c
    JOIN head h ON h.stream_id = c.conversation_id
    LEFT JOIN direct d ON d.conversation_id = c.conversation_id
    LEFT JOIN member m ON m.conversation_id = c.conversation_id
    LEFT JOIN period p ON p.conversation_id = m.conversation_id AND p.user_id = m.user_id AND p.to_seq IS NULL
    LEFT JOIN contact k ON k.user_id = m.user_id AND k.peer_id = d.low_id + d.high_id - m.user_id
    LEFT JOIN account a ON d.conversation_id IS NOT NULL AND a.user_id = m.user_id
    WHERE c.conversation_id IN ({marks})
"""


def memberships(tx: Transaction, conversation_ids: Sequence[int]) -> dict[int, Membership]:
    """Who is in these conversations now; conversations that do not exist are absent."""
    found: dict[int, Membership] = {}
    for part in chunks(conversation_ids, _AT_ONCE):
        marks, ids = in_list(part)
        for row in tx.query(_QUERY.format(marks=marks), ids):
            conversation_id, kind, version, user_id, role, from_seq, has_contact, blocks, deleted_ms = row
            membership = found.get(conversation_id)
            if membership is None:
                membership = Membership(conversation_id, ConversationKind(kind), version, {})
                found[conversation_id] = membership
            if user_id is not None and from_seq is not None:
                membership.members[user_id] = Member(
                    user_id, role, from_seq, bool(has_contact), bool(blocks), bool(deleted_ms)
                )
    return found
