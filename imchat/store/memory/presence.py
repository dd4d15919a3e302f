"""Presence, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imchat.domain.presence import PresenceEntry

_Place = tuple[int, str]


class MemoryPresence:
    """The :class:`imchat.ports.PresenceStore` of one process.

    Args:
        now_ms: The clock, in ms.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._users: dict[int, dict[_Place, tuple[PresenceEntry, int]]] = {}

    def __len__(self) -> int:
        return len(self._users)

    async def put(self, entries: Sequence[PresenceEntry], lifetime_ms: int) -> None:
        """Keep entries for so long."""
        end = self._now_ms() + lifetime_ms
        for entry in entries:
            self._living(entry.user_id)
            self._users.setdefault(entry.user_id, {})[entry.node, entry.device_id] = (entry, end)

    async def drop(self, entries: Sequence[PresenceEntry]) -> None:
        """Forget entries."""
        for entry in entries:
            self._users.get(entry.user_id, {}).pop((entry.node, entry.device_id), None)
            self._living(entry.user_id)

    async def get(self, user_ids: Sequence[int]) -> dict[int, tuple[PresenceEntry, ...]]:
        """The entries of those users who have any."""
        return {user_id: found for user_id in dict.fromkeys(user_ids) if (found := self._living(user_id))}

    def _living(self, user_id: int) -> tuple[PresenceEntry, ...]:
        kept = self._users.get(user_id)
        if kept is None:
            return ()
        now_ms = self._now_ms()
        for place in [place for place, (_, end) in kept.items() if end <= now_ms]:
            del kept[place]
        if not kept:
            del self._users[user_id]
        return tuple(entry for entry, _ in kept.values())
