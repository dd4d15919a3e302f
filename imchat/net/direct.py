"""Writing to plain TCP at once, past the transport's buffer while that is empty.

``transport.write`` only fills the buffer: the reactor is told to watch the socket, finds in its next turn that it can
be written, writes, and is told to watch it no more. That was the largest single cost of a message. What is written
here at once, in most cases all, costs one system call; the rest goes the ordinary way, as everything does behind it.

This rests on how Twisted's TCP transport keeps its buffer, which is no public interface of it; nothing else here does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.tcp import Connection


def writer_of(transport: Any) -> Callable[[bytes], Any]:
    """What writes to a transport: its own ``write`` or, where it is plain TCP, something quicker that does the same.

    The order of bytes, the calls of a producer and the end of the connection are those of ``write``.
    """
    if isinstance(transport, Connection) and not transport.TLS:
        return partial(_write, transport, transport.getHandle().send)
    write: Callable[[bytes], Any] = transport.write
    return write


def _write(transport: Any, send: Callable[[bytes], int], data: bytes) -> None:
    if transport.dataBuffer or transport._tempDataLen or transport.disconnecting or not transport.connected:
        transport.write(data)
        return
    try:
        sent = send(data)
    except OSError:
        # No room now, or the connection is lost: writing in the ordinary way finds which, and acts on it.
        sent = 0
    if sent < len(data):
        transport.write(data[sent:] if sent else data)
