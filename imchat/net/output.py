"""What a connection has not sent yet: gathered over a reactor turn, and held back while the other end reads slowly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

SOFT_BOUND = 256 * 1024
"""Unsent bytes of one connection, the transport's buffer left out, past which it counts as slow."""

CHUNK = 64 * 1024
"""Largest write to the transport, in bytes: progress is seen in steps of about this size."""


@implementer(IPushProducer)
class Output:
    """Stands before a transport as its push producer: writes until the transport's buffer is full, keeps the rest.

    Args:
        write: The transport's ``write``, or what does the same.
        stalled: Called when the transport has taken enough.
        moved: Called when the transport has sent what it had; what is kept here was written to it before the call.
    """

    __slots__ = ("_held", "_moved", "_stalled", "_write", "blocked", "size")

    def __init__(self, write: Callable[[bytes], Any], stalled: Callable[[], None], moved: Callable[[], None]) -> None:
        self._write = write
        self._stalled = stalled
        self._moved = moved
        self._held: list[bytes] = []
        self.size = 0
        self.blocked = False

    @property
    def slow(self) -> bool:
        """Whether the other end reads more slowly than it is sent to."""
        return self.blocked or self.size > SOFT_BOUND

    def add(self, data: bytes) -> bool:
        """Keep bytes for the next :meth:`flush`; return whether that has to be arranged for."""
        first = not self._held and not self.blocked
        self._held.append(data)
        self.size += len(data)
        return first

    def flush(self) -> None:
        """Write what is kept, as far as the transport takes it."""
        if self.blocked or not self._held:
            return
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held.clear()
        self.size = 0
        if len(data) <= CHUNK:
            self._write(data)
        else:
            self._write_chunks(data)

    def _write_chunks(self, data: bytes) -> None:
        offset, end = 0, len(data)
        while offset < end and not self.blocked:
            self._write(data[offset : offset + CHUNK])
            offset += CHUNK
        if offset < end:
            self._held.insert(0, data[offset:])
            self.size += end - offset

    def drop(self) -> None:
        """Forget what is kept."""
        self._held.clear()
        self.size = 0

    def release(self) -> None:
        """Write all that is kept, whether or not the transport's buffer is full: the connection is to be closed."""
        self.blocked = False
        data = b"".join(self._held)
        self.drop()
        if data:
            self._write(data)

    def pauseProducing(self) -> None:
        """Twisted: the transport's buffer is full."""
        if not self.blocked:
            self.blocked = True
            self._stalled()

    def resumeProducing(self) -> None:
        """Twisted: the transport's buffer is empty again."""
        if self.blocked:
            self.blocked = False
            self.flush()
            self._moved()

    def stopProducing(self) -> None:
        """Twisted: the connection is gone."""
        self.drop()
