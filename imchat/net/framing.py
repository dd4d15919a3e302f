"""The framing protocol of both ends of a chat connection, over any Twisted stream transport."""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.protocols.basic import Int32StringReceiver

from imchat.wire.codec import MAX_FRAME_BEFORE_HELLO, ProtocolError, decode, encode
from imchat.wire.frames import FrameSplitter, frame
from imchat.wire.imchat_pb2 import Frame


class FrameProtocol(Int32StringReceiver):
    """Speaks ``Int32StringReceiver`` frames that carry :class:`Frame`, and is faster than the stock receiver at it:
    all frames of one read are cut at once, all frames of one reactor turn are written at once.

    Subclasses override :meth:`frame_received`, :meth:`broken` and, where they need them, ``connectionMade`` and
    ``connectionLost`` (calling these here).

    Args:
        clock: For the end of the reactor turn.
    """

    # ITCPTransport and IPushProducer in one, which no interface of Twisted names.
    transport: Any

    def __init__(self, clock: IReactorTime) -> None:
        self.clock = clock
        self.closing = False
        self._splitter = FrameSplitter(MAX_FRAME_BEFORE_HELLO)
        self._waiting: deque[bytes] = deque()
        self._reading = True
        self._handling = False
        self._out: list[bytes] = []
        self._flush_call: IDelayedCall | None = None

    # --- reading

    def set_max_frame(self, length: int) -> None:
        """Change the longest payload accepted, in bytes."""
        self._splitter.max_length = length

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes arrived."""
        if self.closing:
            return
        self._waiting.extend(self._splitter.feed(data))
        self._handle_waiting()

    def _handle_waiting(self) -> None:
        if self._handling:
            return
        self._handling = True
        try:
            while self._waiting and self._reading and not self.closing:
                payload = self._waiting.popleft()
                try:
                    message = decode(payload)
                except ProtocolError as error:
                    self.broken("invalid_request", str(error))
                    return
                self.frame_received(message)
        finally:
            self._handling = False
        if self._splitter.overlong is not None and not self._waiting and not self.closing:
            limit = self._splitter.max_length
            self.broken("too_large", f"a frame of {self._splitter.overlong} bytes; at most {limit} are accepted")

    def frame_received(self, message: Frame) -> None:
        """A frame arrived."""

    def broken(self, code: str, message: str) -> None:
        """What arrived is no frame of ours, and nothing that follows can be read: the connection must end."""
        self.abort()

    def pause_reading(self) -> None:
        """Take no more frames and no more bytes until :meth:`resume_reading`."""
        if self._reading:
            self._reading = False
            if self.transport is not None and not self.closing:
                self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Go on after :meth:`pause_reading`; frames that had arrived meanwhile are handled first."""
        if not self._reading:
            self._reading = True
            self._handle_waiting()
            if self._reading and self.transport is not None and not self.closing:
                self.transport.resumeProducing()

    # --- writing

    def send(self, message: Frame) -> None:
        """Send a frame at the end of this reactor turn."""
        self.send_payload(encode(message))

    def send_payload(self, payload: bytes) -> None:
        """Send an encoded frame at the end of this reactor turn: one encoding serves many connections."""
        self.send_framed(frame(payload))

    def send_framed(self, data: bytes) -> None:
        """Send a payload that has its length prefix already."""
        if self.closing:
            return
        self._out.append(data)
        if self._flush_call is None:
            self._flush_call = self.clock.callLater(0, self.flush)

    def sendString(self, string: bytes) -> None:
        """Twisted's name for :meth:`send_payload`."""
        self.send_payload(string)

    def flush(self) -> None:
        """Write what was sent in this turn now."""
        if self._flush_call is not None:
            if self._flush_call.active():
                self._flush_call.cancel()
            self._flush_call = None
        if self._out and self.transport is not None:
            data, self._out = b"".join(self._out), []
            self.transport.write(data)

    # --- ending

    def close(self) -> None:
        """Write what was sent, then close; nothing that arrives from now on is handled."""
        if not self.closing:
            self.flush()
            self.closing = True
            if self.transport is not None:
                self.transport.loseConnection()

    def abort(self) -> None:
        """Close without waiting for what is unsent."""
        self.closing = True
        self._out.clear()
        if self.transport is not None:
            self.transport.abortConnection()
