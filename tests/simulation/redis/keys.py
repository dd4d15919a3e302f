"""The keys of one database of Redis, with the time at which each of them ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from tests.simulation.redis.replies import WRONG_TYPE, Refusal

T = TypeVar("T")


class Keys:
    """Strings are bytes, hashes are dicts, lists are lists.

    Args:
        now_ms: Milliseconds by the clock of the server.
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._values: dict[bytes, Any] = {}
        self._ends: dict[bytes, int] = {}

    def find(self, key: bytes, kind: type[T]) -> T | None:
        """The value of a key, None where there is none.

        Raises:
            Refusal: it is of another kind.
        """
        value = self._values.get(key)
        if value is None or self._over(key):
            return None
        if type(value) is not kind:
            raise Refusal(WRONG_TYPE)
        return value

    def make(self, key: bytes, kind: type[T]) -> T:
        """The value of a key, a new and empty one where there is none."""
        value = self.find(key, kind)
        if value is None:
            value = self._values[key] = kind()
        return value

    def put(self, key: bytes, value: bytes, lifetime_ms: int | None = None) -> None:
        """Set a string, in the place of whatever there was."""
        self._values[key] = value
        self._ends.pop(key, None)
        if lifetime_ms is not None:
            self._ends[key] = self._now_ms() + lifetime_ms

    def delete(self, key: bytes) -> bool:
        """Forget a key; whether there was one."""
        if key not in self:
            return False
        del self._values[key]
        self._ends.pop(key, None)
        return True

    def tidy(self, key: bytes) -> None:
        """Forget a key if nothing is left in it."""
        if not self._values[key]:
            self.delete(key)

    def expire(self, key: bytes, lifetime_ms: int) -> bool:
        """Let a key end; whether there is one."""
        if key not in self:
            return False
        if lifetime_ms <= 0:
            return self.delete(key)
        self._ends[key] = self._now_ms() + lifetime_ms
        return True

    def left_ms(self, key: bytes) -> int:
        """How long a key lasts still, -1 where it does not end, -2 where there is none."""
        if key not in self:
            return -2
        end = self._ends.get(key)
        return -1 if end is None else end - self._now_ms()

    def __contains__(self, key: bytes) -> bool:
        return key in self._values and not self._over(key)

    def _over(self, key: bytes) -> bool:
        end = self._ends.get(key)
        # As in Redis: in the very millisecond of its end it is still there.
        if end is None or self._now_ms() <= end:
            return False
        del self._values[key], self._ends[key]
        return True
