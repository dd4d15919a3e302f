"""From payload to typed frame and back: the one codec of servers and clients."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from imchat.wire.imchat_pb2 import Frame

PROTOCOL_VERSION = 1
"""The version that this code speaks, in ``Hello``."""

MIN_PROTOCOL_VERSION = 1
"""The oldest version that this server still serves."""

MAX_FRAME_BEFORE_HELLO = 64 * 1024
"""Longest payload before login, in bytes."""

MAX_FRAME = 1024 * 1024
"""Longest payload after login, in bytes."""


class ProtocolError(Exception):
    """A payload that is no ``Frame``. The connection it came on cannot be trusted any further."""


def decode(payload: bytes) -> Frame:
    """Return the frame that a payload carries.

    Raises:
        ProtocolError: the payload is not an encoded ``Frame`` (truncated, garbage, text that is not UTF-8).
    """
    try:
        return Frame.FromString(payload)
    except DecodeError as error:
        raise ProtocolError("the payload is not a Frame") from error


def encode(frame: Frame) -> bytes:
    """Return the payload of a frame, without the length prefix."""
    return frame.SerializeToString()


def body_name(frame: Frame) -> str | None:
    """The name of the body that is set; None for an empty frame or a body unknown to this code."""
    name: str | None = frame.WhichOneof("body")
    return name
