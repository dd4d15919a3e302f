"""Row locks: who has a row, who waits for it, and who waits for each other in a circle."""

from collections import deque
from collections.abc import Hashable
from typing import Protocol

Key = tuple[Hashable, ...]
"""A place in an index: the index and the values of its columns."""


class Holder(Protocol):
    """A transaction, as the locks see it.

    Attributes:
        locks: What it has locked.
        waits_for: What it waits for.
    """

    locks: list[Key]
    waits_for: Key | None


class Locks:
    """Exclusive locks, each with a queue of those that wait for it."""

    def __init__(self) -> None:
        self._owners: dict[Key, Holder] = {}
        self._queues: dict[Key, deque[Holder]] = {}

    def take(self, holder: Holder, key: Key) -> bool:
        """Lock a place unless another has it; whether ``holder`` has it now."""
        owner = self._owners.get(key)
        if owner is None:
            self._owners[key] = holder
            holder.locks.append(key)
            return True
        return owner is holder

    def has(self, key: Key) -> bool:
        """Whether anybody has a place."""
        return key in self._owners

    def owner(self, key: Key) -> Holder:
        """Who has a place that is locked."""
        return self._owners[key]

    def closes_a_circle(self, holder: Holder, key: Key) -> bool:
        """Whether all would wait for ever if ``holder`` waited for ``key``."""
        owner = self._owners[key]
        while owner is not holder:
            if owner.waits_for is None:
                return False
            owner = self._owners[owner.waits_for]
        return True

    def wait(self, holder: Holder, key: Key) -> None:
        """Stand in the queue for a place that another has."""
        self._queues.setdefault(key, deque()).append(holder)
        holder.waits_for = key

    def leave(self, holder: Holder) -> None:
        """Wait no longer."""
        key, holder.waits_for = holder.waits_for, None
        if key is not None:
            self._queues[key].remove(holder)
            if not self._queues[key]:
                del self._queues[key]

    def release(self, holder: Holder) -> list[Holder]:
        """Unlock all that ``holder`` has.

        Returns:
            Those that got what they waited for.
        """
        granted = []
        for key in holder.locks:
            del self._owners[key]
            if self._queues and (queue := self._queues.get(key)):
                granted.append(self._grant(key, queue))
        holder.locks = []
        return granted

    def _grant(self, key: Key, queue: deque[Holder]) -> Holder:
        heir = queue.popleft()
        if not queue:
            del self._queues[key]
        heir.waits_for = None
        self.take(heir, key)
        return heir

    def awaited(self, holder: Holder) -> bool:
        """Whether another waits for something that ``holder`` has."""
        return any(self._owners[key] is holder for key in self._queues)
