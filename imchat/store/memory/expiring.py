"""A dictionary whose entries have an end, and whose size has one too."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

V = TypeVar("V")

_SLACK = 64


class ExpiringDict(Generic[V]):
    """Values by key, each with the time at which it is worth nothing any more.

    Every operation costs a logarithm of the size at most (averaged), however many entries expire.
    """

    def __init__(self) -> None:
        self._values: dict[str, tuple[V, int]] = {}
        # Ends by time; an entry is stale when the key's end in ``_values`` is another one.
        self._ends: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def get(self, key: str) -> V | None:
        """Return a value, expired or not."""
        entry = self._values.get(key)
        return None if entry is None else entry[0]

    def put(self, key: str, value: V, end: int) -> None:
        """Set a value and its end."""
        self._values[key] = (value, end)
        heapq.heappush(self._ends, (end, key))
        if len(self._ends) > 2 * len(self._values) + _SLACK:
            self._ends = [(end, key) for key, (_, end) in self._values.items()]
            heapq.heapify(self._ends)

    def pop(self, key: str) -> V | None:
        """Remove and return a value."""
        entry = self._values.pop(key, None)
        return None if entry is None else entry[0]

    def purge(self, now: int) -> None:
        """Remove what has ended."""
        while (first := self._first()) is not None and first[0] <= now:
            self.pop(first[1])

    def pop_soonest(self) -> None:
        """Remove the entry that would end first."""
        first = self._first()
        if first is not None:
            self.pop(first[1])

    def _first(self) -> tuple[int, str] | None:
        while self._ends:
            end, key = self._ends[0]
            entry = self._values.get(key)
            if entry is not None and entry[1] == end:
                return self._ends[0]
            heapq.heappop(self._ends)
        return None
