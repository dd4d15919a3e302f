"""Verification codes in memory."""

from __future__ import annotations

from collections.abc import Callable

from imchat.domain.errors import Unavailable
from imchat.domain.verification import CodeRecord, check, issue
from imchat.ports import Purpose
from imchat.store.memory.expiring import ExpiringDict

DEFAULT_CAPACITY = 50_000
_RETRY_AFTER_MS = 60_000


class MemoryCodeStore:
    """The :class:`imchat.ports.CodeStore` of one process.

    Bounded: expired codes are purged, and where ``capacity`` living ones are held already, a code for another
    address is refused rather than somebody's code thrown out. Whoever wants to keep others from getting one that way
    has to have as many mails sent, within the life of a code, as the capacity counts; nobody's code is void by it.

    Args:
        now_ms: The clock, in ms.
        capacity: How many codes are held at most.
    """

    def __init__(self, now_ms: Callable[[], int], capacity: int = DEFAULT_CAPACITY) -> None:
        self._now_ms = now_ms
        self._capacity = capacity
        self._codes: ExpiringDict[CodeRecord] = ExpiringDict()

    def __len__(self) -> int:
        return len(self._codes)

    async def put(self, purpose: Purpose, address_key: str, code: str, ttl_ms: int) -> None:
        """Store a code with its time to live in ms; an older one is void from now on.

        Raises:
            Unavailable: the store is full.
        """
        now_ms, key = self._now_ms(), _key(purpose, address_key)
        self._codes.purge(now_ms)
        if len(self._codes) >= self._capacity and key not in self._codes:
            raise Unavailable("too many verification codes are waiting to be used", _RETRY_AFTER_MS)
        self._keep(key, issue(code, ttl_ms, now_ms))

    async def take(self, purpose: Purpose, address_key: str, code: str, max_tries: int) -> bool:
        """Compare in constant time; a right code is used up, a wrong try counted, after the last one it is void."""
        key = _key(purpose, address_key)
        record = self._codes.get(key)
        if record is None:
            return False
        right, rest = check(record, code, max_tries, self._now_ms())
        if rest is None:
            self._codes.pop(key)
        else:
            self._keep(key, rest)
        return right

    async def discard(self, purpose: Purpose, address_key: str) -> None:
        """Forget a code."""
        self._codes.pop(_key(purpose, address_key))

    def _keep(self, key: str, record: CodeRecord) -> None:
        self._codes.put(key, record, record.expires_ms)


def _key(purpose: Purpose, address_key: str) -> str:
    return f"{purpose.value} {address_key}"
