"""Rate limits in memory."""

from __future__ import annotations

from collections.abc import Callable

from imchat.domain.limits import FRESH, Limit, give_back, take
from imchat.store.memory.expiring import ExpiringDict

DEFAULT_CAPACITY = 100_000


class MemoryRateLimiter:
    """The :class:`imchat.ports.RateLimiter` of one process.

    Bounded: a key is forgotten once it would allow everything again. Where ``capacity`` keys are held, the one goes
    that is nearest to that, and it loses the least. A flood of made-up keys, each used once, therefore throws out its
    own; to free a key that is used up, somebody has to use up as many other keys as the capacity counts.

    Args:
        now_ms: The clock, in ms.
        capacity: How many keys are held at most.
    """

    def __init__(self, now_ms: Callable[[], int], capacity: int = DEFAULT_CAPACITY) -> None:
        self._now_ms = now_ms
        self._capacity = capacity
        self._states: ExpiringDict[int] = ExpiringDict()

    def __len__(self) -> int:
        return len(self._states)

    async def take(self, key: str, limit: Limit) -> int:
        """Count one event if the limit allows it; return 0, or how long to wait in ms."""
        now_ms = self._now_ms()
        self._states.purge(now_ms * 1000)
        state, wait_ms = take(self._states.get(key) or FRESH, limit, now_ms)
        if not wait_ms:
            if len(self._states) >= self._capacity and key not in self._states:
                self._states.pop_soonest()
            self._states.put(key, state, state)
        return wait_ms

    async def give_back(self, key: str, limit: Limit) -> None:
        """Uncount one event."""
        state = self._states.get(key)
        if state is not None:
            state = give_back(state, limit)
            self._states.put(key, state, state)
