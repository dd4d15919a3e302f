"""argon2id in a thread pool of its own, with a bounded queue."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import VerifyMismatchError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from imchat.domain.errors import Unavailable

T = TypeVar("T")

_SALT_LENGTH = 16
_HASH_LENGTH = 32
RETRY_AFTER_MS = 1_000
"""What a caller is told to wait for where the queue is full, in ms."""


@dataclass(frozen=True, slots=True)
class HashParameters:
    """argon2id's cost: memory in KiB, passes over it, and lanes."""

    memory_kib: int
    passes: int
    lanes: int


class RunInThread(Protocol):
    """Runs a function in a thread."""

    def __call__(self, function: Callable[[], Any], /) -> Deferred[Any]:
        """Start it; the Deferred has its result, in the reactor's thread."""


def in_pool(reactor: IReactorFromThreads, pool: ThreadPool) -> RunInThread:
    """Run in a Twisted thread pool, which the caller starts and stops."""

    def run(function: Callable[[], Any], /) -> Deferred[Any]:
        return deferToThreadPool(reactor, pool, function)

    return run


class HashingPool:
    """Runs at most ``threads`` functions at once, keeps at most ``queue`` more waiting, and refuses the rest.

    The queue is kept here and not in the pool, so that a caller who goes away takes his waiting work with him. Work
    that has begun goes on to its end, and its thread counts as busy until then.

    Args:
        run: Runs a function in a thread; it must have at least ``threads`` of them.
        threads: How many at once.
        queue: How many may wait.
    """

    def __init__(self, run: RunInThread, threads: int, queue: int) -> None:
        self._run = run
        self._threads = threads
        self._queue = queue
        self._running = 0
        self._waiting: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()

    def submit(self, function: Callable[[], T]) -> Deferred[T]:
        """Run a function in a thread.

        Returns:
            Its result; cancelling drops it if it has not begun.

        Raises:
            Unavailable: the queue is full.
        """
        if self._running >= self._threads and len(self._waiting) >= self._queue:
            raise Unavailable("the server is busy with other logins", RETRY_AFTER_MS)
        result: Deferred[T] = Deferred(self._forget)
        self._waiting.append((function, result))
        self._start()
        return result

    def _forget(self, result: Deferred[Any]) -> None:
        self._waiting = deque(job for job in self._waiting if job[1] is not result)

    def _start(self) -> None:
        while self._waiting and self._running < self._threads:
            function, result = self._waiting.popleft()
            self._running += 1
            self._run(function).addBoth(self._ended, result)

    def _ended(self, outcome: object, result: Deferred[Any]) -> None:
        self._running -= 1
        if not result.called:
            if isinstance(outcome, Failure):
                result.errback(outcome)
            else:
                result.callback(outcome)
        self._start()


class Argon2Hasher:
    """The :class:`imchat.ports.PasswordHasher`.

    Args:
        pool: Where the work is done.
        parameters: Today's cost; hashes made with another are still verified, and are :meth:`outdated`.
    """

    def __init__(self, pool: HashingPool, parameters: HashParameters) -> None:
        self._pool = pool
        self._argon2 = Argon2(
            time_cost=parameters.passes,
            memory_cost=parameters.memory_kib,
            parallelism=parameters.lanes,
            hash_len=_HASH_LENGTH,
            salt_len=_SALT_LENGTH,
            type=Type.ID,
        )
        # Well-formed, and the hash of no known password: verifying against it is the same work as any other.
        salt, digest = _base64(bytes(_SALT_LENGTH)), _base64(bytes(_HASH_LENGTH))
        cost = f"m={parameters.memory_kib},t={parameters.passes},p={parameters.lanes}"
        self._nobody = f"$argon2id$v=19${cost}${salt}${digest}"

    async def hash(self, password: str) -> str:
        """Hash a password; raises ``Unavailable`` if the queue is full."""
        return await self._pool.submit(lambda: self._argon2.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; with None the same work is done and the answer is False. ``Unavailable`` if the queue is full."""
        stored = self._nobody if password_hash is None else password_hash
        same = await self._pool.submit(lambda: self._matches(stored, password))
        return same and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(password_hash)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except VerifyMismatchError:
            return False


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")
