"""Memberships that this node remembers. One that is out of date does no harm: the flush notices by its version."""

from __future__ import annotations

from imchat.domain.models import Membership
from imchat.ports import ConversationStore

UNKNOWN_VERSION = -1
"""A version that no stream has: a draft that carries it is checked under the lock."""


class Memberships:
    """Keeps the memberships used last.

    Args:
        store: Where they are read.
        capacity: How many members to keep, over all conversations.
    """

    def __init__(self, store: ConversationStore, capacity: int) -> None:
        self._store = store
        self._capacity = capacity
        self._kept: dict[int, Membership] = {}
        self._size = 0

    def get(self, conversation_id: int) -> Membership | None:
        """The membership as far as it is known here."""
        return self._kept.get(conversation_id)

    def put(self, membership: Membership) -> None:
        """Keep a membership, unless a newer one is known."""
        known = self._kept.get(membership.conversation_id)
        if known is not None and known.version > membership.version:
            return
        self.drop(membership.conversation_id)
        self._kept[membership.conversation_id] = membership
        self._size += 1 + len(membership.members)
        while self._size > self._capacity and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def drop(self, conversation_id: int) -> None:
        """Forget a membership."""
        known = self._kept.pop(conversation_id, None)
        if known is not None:
            self._size -= 1 + len(known.members)

    def drop_older(self, conversation_id: int, version: int) -> None:
        """Forget a membership that is older than a version heard of."""
        known = self._kept.get(conversation_id)
        if known is not None and known.version < version:
            self.drop(conversation_id)

    async def load(self, conversation_id: int) -> Membership | None:
        """Read a membership anew and keep it; None if there is no such conversation."""
        membership = await self._store.membership(conversation_id)
        if membership is None:
            self.drop(conversation_id)
        else:
            self.put(membership)
        return membership
