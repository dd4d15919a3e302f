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

    def __init__(self, max_length: int) -> None:
        self.max_length = max_length
        self.overlong: int | None = None
        self._chunks: list[bytes] = []
        self._buffered = 0
        self._wanted = PREFIX

    @property
    def pending(self) -> bool:
        """Whether a part of a frame has arrived whose rest has not."""
        return self._buffered > 0

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived and return the payloads that are now whole, in order."""
        if self.overlong is not None:
            return []
        self._chunks.append(data)
        self._buffered += len(data)
        if self._buffered < self._wanted:
            return []
        buffer = data if len(self._chunks) == 1 else b"".join(self._chunks)
        payloads: list[bytes] = []
        offset, end = 0, len(buffer)
        self._wanted = PREFIX
        while end - offset >= PREFIX:
            (length,) = _LENGTH.unpack_from(buffer, offset)
            if length > self.max_length:
                self.overlong = length
                self._chunks, self._buffered = [], 0
                return payloads
            stop = offset + PREFIX + length
            if stop > end:
                self._wanted = PREFIX + length
                break
            payloads.append(buffer[offset + PREFIX : stop])
            offset = stop
        rest = buffer[offset:]
        self._chunks = [rest] if rest else []
        self._buffered = len(rest)
        return payloads
