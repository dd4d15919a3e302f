"""Cursors of pages that are ordered by (last_ms, stream_id), as clients hand them back."""

from __future__ import annotations

from struct import Struct

from imchat.domain.errors import InvalidRequest
from imchat.domain.models import MAX_ID

_CURSOR = Struct("!QQ")


def unpack(data: bytes) -> tuple[int, int] | None:
    """Return the place that a cursor names, None for an empty one.

    Raises:
        InvalidRequest: it is not from here.
    """
    if not data:
        return None
    if len(data) != _CURSOR.size:
        raise InvalidRequest("the cursor is not from here")
    last_ms, stream_id = _CURSOR.unpack(data)
    if last_ms > MAX_ID or stream_id > MAX_ID:
        raise InvalidRequest("the cursor is not from here")
    return last_ms, stream_id


def pack(place: tuple[int, int] | None) -> bytes:
    """Return the cursor of a place, an empty one for None."""
    return b"" if place is None else _CURSOR.pack(*place)
