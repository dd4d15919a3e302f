"""What the families of requests share: making one, and reading lists page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from imchat.wire.imchat_pb2 import Frame

T = TypeVar("T")

Call = Callable[[Frame], Awaitable[Frame]]
"""Makes a request that may be repeated, over as many connections as it takes."""


async def paged(
    call: Call, ask: Callable[[bytes], Frame], read: Callable[[Frame], tuple[Iterable[T], bytes]]
) -> AsyncIterator[T]:
    """Each entry of a list; the next page is asked for when the one before is used up.

    Args:
        ask: Makes the request for the page of a cursor, the first one's being empty.
        read: Entries and next cursor of an answer.
    """
    cursor = b""
    while True:
        entries, cursor = read(await call(ask(cursor)))
        for entry in entries:
            yield entry
        if not cursor:
            return
