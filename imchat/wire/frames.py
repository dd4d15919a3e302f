"""Frames: a 4-byte big-endian length and so many bytes. Sans-IO: bytes in, payloads out."""

from __future__ import annotations

from struct import Struct

_LENGTH = Struct("!I")
PREFIX = _LENGTH.size


def frame(payload: bytes) -> bytes:
    """Return the payload with its length in front."""
    return _LENGTH.pack(len(payload)) + payload


class FrameSplitter:
    """Cuts a byte stream into payloads; linear in the number of bytes, whatever the chunks.

    Args:
        max_length: Longest payload accepted, in bytes; may be changed between calls.

    Attributes:
        overlong: The announced length of a frame over ``max_length``, None while there was none. After it nothing
            more can be read from this stream: the connection must end.
    """

    __slots__ = ("_rest", "_wanted", "max_length", "overlong")

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length
        self.overlong: int | None = None
        # A frame that has begun. A bytearray, for it grows in place: many small chunks cost no more than one.
        self._rest: bytearray | None = None
        self._wanted = PREFIX

    @property
    def pending(self) -> bool:
        """Whether a part of a frame has arrived whose rest has not."""
        return self._rest is not None

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived and return the payloads that are now whole, in order."""
        if self.overlong is not None:
            return []
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._wanted:
                return []
            data = bytes(self._rest)
            self._rest = None
        return self._cut(data)

    def _cut(self, data: bytes) -> list[bytes]:
        payloads: list[bytes] = []
        offset, end = 0, len(data)
        self._wanted = PREFIX
        while end - offset >= PREFIX:
            (length,) = _LENGTH.unpack_from(data, offset)
            if length > self.max_length:
                self.overlong = length
                return payloads
            stop = offset + PREFIX + length
            if stop > end:
                self._wanted = PREFIX + length
                break
            payloads.append(data[offset + PREFIX : stop])
            offset = stop
        if offset < end:
            self._rest = bytearray(data[offset:])
        return payloads
