"""The frames of the load generator, made before the measurement and read without a protobuf object per frame.

What is read is compared byte for byte with what must stand there, so that a wrong sender, a wrong text, or a message
twice or out of order is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import PROTOCOL_VERSION, decode, encode
from imchat.wire.frames import frame

_LENGTH = Struct("!I")
_NUMBER = Struct("!Q")
_PLACE = bytes.fromhex("f0e1d2c3b4a59687")
"""Stands for a message's number where a frame is prepared."""

MAX_SLOTS = 127
"""Messages of one sender that may be unanswered: their request ids are one byte long."""


class Violation(Exception):
    """The servers did not keep what they promise, or the generator does not understand them."""


def hello(token: str, device_id: str) -> bytes:
    """The first frame of a connection."""
    body = pb.Hello(protocol_version=PROTOCOL_VERSION, token=token, device_id=device_id, client="imchat-bench")
    return frame(encode(pb.Frame(request_id=1, hello=body)))


def pong() -> bytes:
    """The answer to the server's ping."""
    return frame(encode(pb.Frame(pong=pb.Pong())))


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a position, and the position behind it."""
    value = data[at]
    at += 1
    if value < 0x80:
        return value, at
    value &= 0x7F
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def cut(data: bytes) -> tuple[list[tuple[int, int]], int]:
    """Where the payloads of the whole frames in ``data`` begin and end, and where the rest begins."""
    found: list[tuple[int, int]] = []
    at, end = 0, len(data)
    while end - at >= _LENGTH.size:
        start = at + _LENGTH.size
        stop = start + _LENGTH.unpack_from(data, at)[0]
        if stop > end:
            break
        found.append((start, stop))
        at = stop
    return found, at


class Messages:
    """The messages of one sender to one conversation; message ``n`` has the client id ``mark`` + ``n``.

    Args:
        conversation_id: Where they go.
        sender_id: Who sends them.
        mark: 8 bytes that no other sender has.
        text: What all of them say.
        slots: How many may be unanswered: message ``n`` has the request id ``n % slots + 1``.
    """

    def __init__(self, conversation_id: int, sender_id: int, mark: bytes, text: str, slots: int) -> None:
        if not 1 <= slots <= MAX_SLOTS:
            raise ValueError(f"1 to {MAX_SLOTS} messages may be unanswered")
        self.slots = slots
        content = pb.Content(text=pb.Text(text=text))
        self._heads, self._tail = self._prepare(conversation_id, mark, content)
        # Fields travel in the order of their numbers: stream, seq, sender, client id, content, ordinal, time.
        self._stream = pb.Event(stream_id=conversation_id).SerializeToString() + b"\x10"
        self._sender = pb.Event(sender_id=sender_id).SerializeToString() + b"\x22\x10" + mark
        self._content = pb.Event(content=content).SerializeToString()

    def _prepare(self, conversation_id: int, mark: bytes, content: pb.Content) -> tuple[list[bytes], bytes]:
        heads, tail = [], b""
        for slot in range(self.slots):
            body = pb.SendMessage(conversation_id=conversation_id, client_id=mark + _PLACE, content=content)
            head, tail = frame(encode(pb.Frame(request_id=slot + 1, send_message=body))).split(_PLACE)
            heads.append(head)
        return heads, tail

    def send(self, number: int) -> bytes:
        """The frame of a message."""
        return self._heads[number % self.slots] + _NUMBER.pack(number) + self._tail

    def acknowledged(self, data: bytes, start: int, number: int) -> int:
        """The sequence number in a payload that must acknowledge this message, and was not stored before.

        Raises:
            Violation: it is anything else.
        """
        if (
            data[start] != 0x08
            or data[start + 1] != number % self.slots + 1
            or data[start + 2 : start + 4] != b"\x9a\x01"
        ):
            raise Violation(f"message {number} was not acknowledged, but: {_describe(data[start:])}")
        length, at = varint(data, start + 4)
        seq, at = varint(data, at + 1)
        _, at = varint(data, at + 1)
        if at != start + 5 + length:
            raise Violation(f"message {number} was acknowledged as if it had been stored before")
        return seq

    def pushed(self, data: bytes, start: int, number: int) -> int:
        """The sequence number in a payload that must be the push of this message.

        Raises:
            Violation: it is anything else.
        """
        if data[start : start + 2] != b"\x82\x04":
            raise Violation(f"message {number} was not pushed, but: {_describe(data[start:])}")
        _, at = varint(data, start + 2)
        if not data.startswith(self._stream, at):
            raise Violation("an event of another stream was pushed")
        seq, at = varint(data, at + len(self._stream))
        if not data.startswith(self._sender, at):
            raise Violation("an event of another sender was pushed")
        at += len(self._sender)
        if not data.startswith(_NUMBER.pack(number) + self._content, at):
            (found,) = _NUMBER.unpack_from(data, at)
            raise Violation(f"message {found} was pushed where message {number} was due")
        return seq


def _describe(payload: bytes) -> str:
    try:
        return str(decode(payload)).replace("\n", " ")[:200]
    except Exception as error:
        return f"{len(payload)} bytes that are no frame ({error})"


def is_ping(data: bytes, start: int, stop: int) -> bool:
    """Whether a payload is the server's ping."""
    return stop - start <= 4 and decode(data[start:stop]).WhichOneof("body") == "ping"


def welcomed(payload: bytes) -> None:
    """Check that a payload is the Welcome.

    Raises:
        Violation: it is not.
    """
    if decode(payload).WhichOneof("body") != "welcome":
        raise Violation(f"no Welcome, but: {_describe(payload)}")


Receive = Callable[[bytes], None]
"""Takes what one read of a connection brought."""
