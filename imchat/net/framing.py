"""The framing protocol of both ends of a chat connection, over any Twisted stream transport."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITransport
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure

from imchat.net.direct import writer_of
from imchat.net.output import Output
from imchat.net.turn import Turn
from imchat.wire.codec import MAX_FRAME_BEFORE_HELLO, ProtocolError, decode, encode
from imchat.wire.frames import FrameSplitter, frame
from imchat.wire.imchat_pb2 import Frame

LINGER = 5.0
"""Seconds for the last bytes of a closing connection to leave; then it is aborted."""


def _cancel(call: IDelayedCall | None) -> None:
    if call is not None and call.active():
        call.cancel()


class FrameProtocol(Int32StringReceiver):
    """Speaks ``Int32StringReceiver`` frames that carry :class:`Frame`, and is faster than the stock receiver at it:
    all frames of one read are cut at once, all frames of one reactor turn are written at once.

    Subclasses override :meth:`frame_received`, :meth:`broken`, :meth:`drained` and, where they need them,
    ``connectionMade`` and ``connectionLost`` (calling that one here).

    Args:
        clock: For time-outs.
        turn: The end of the reactor turn, shared by all connections of one server; None makes one.

    Attributes:
        closing: Nothing that arrives is handled any more, and nothing is sent.
        frame_timeout: Seconds for a frame to arrive whole once it has begun, while this side reads.
        stall_timeout: Seconds in which a transport whose buffer is full must empty it.
    """

    # ITCPTransport and IConsumer in one, which no interface of Twisted names.
    transport: Any

    frame_timeout: float = 30.0
    stall_timeout: float = 30.0

    def __init__(self, clock: IReactorTime, turn: Turn | None = None) -> None:
        self.clock = clock
        self.closing = False
        self._turn = turn or Turn(clock)
        self._splitter = FrameSplitter(MAX_FRAME_BEFORE_HELLO)
        self._unhandled: list[bytes] = []
        self._reading = True
        self._handling = False
        self._output: Output | None = None
        self._frame_timer: IDelayedCall | None = None
        self._stall_timer: IDelayedCall | None = None
        self._linger_timer: IDelayedCall | None = None

    def makeConnection(self, transport: ITransport) -> None:
        """Twisted: the transport is there; ``connectionMade`` follows."""
        self.transport = transport
        self._output = Output(writer_of(self.transport), self._stalled, self._moved)
        self.transport.registerProducer(self._output, True)
        super().makeConnection(transport)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Twisted: the transport is gone."""
        self.closing = True
        self._unhandled.clear()
        for timer in (self._frame_timer, self._stall_timer, self._linger_timer):
            _cancel(timer)
        self._output = None

    # --- reading

    def set_max_frame(self, length: int) -> None:
        """Change the longest payload accepted, in bytes."""
        self._splitter.max_length = length

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes arrived."""
        if self.closing:
            return
        payloads = self._splitter.feed(data)
        if payloads:
            self._unhandled.extend(payloads)
        self._watch_frame(bool(payloads))
        self._handle()

    def _handle(self) -> None:
        if self._handling:
            return
        self._handling = True
        try:
            while self._unhandled and self._reading and not self.closing:
                payloads, self._unhandled = self._unhandled, []
                self._handle_payloads(payloads)
        finally:
            self._handling = False
        if self._splitter.overlong is not None and not self._unhandled and not self.closing:
            limit = self._splitter.max_length
            self.broken("too_large", f"a frame of {self._splitter.overlong} bytes; at most {limit} are accepted")

    def _handle_payloads(self, payloads: list[bytes]) -> None:
        for done, payload in enumerate(payloads):
            if not self._reading:
                self._unhandled = payloads[done:] + self._unhandled
                return
            if self.closing:
                return
            try:
                message = decode(payload)
            except ProtocolError as error:
                self.broken("invalid_request", str(error))
                return
            self.frame_received(message)

    def frame_received(self, message: Frame) -> None:
        """A frame arrived. Must not raise."""

    def broken(self, code: str, message: str) -> None:
        """What arrived is no frame of ours, and nothing that follows can be read: the connection must end."""
        self.abort()

    def pause_reading(self) -> None:
        """Take no more frames and no more bytes until :meth:`resume_reading`."""
        if self._reading:
            self._reading = False
            self._watch_frame(False)
            if self.transport is not None and not self.closing:
                self.transport.pauseProducing()

    def resume_reading(self) -> None:
        """Go on after :meth:`pause_reading`; frames that had arrived meanwhile are handled first."""
        if not self._reading:
            self._reading = True
            self._watch_frame(True)
            self._handle()
            if self._reading and self.transport is not None and not self.closing:
                self.transport.resumeProducing()

    def _watch_frame(self, anew: bool) -> None:
        # Whole frames are the rule: then this costs two comparisons and no timer.
        if not self._splitter.pending or not self._reading:
            if self._frame_timer is not None:
                _cancel(self._frame_timer)
                self._frame_timer = None
        elif self._frame_timer is None:
            self._frame_timer = self.clock.callLater(self.frame_timeout, self._frame_too_slow)
        elif anew:
            self._frame_timer.reset(self.frame_timeout)

    def _frame_too_slow(self) -> None:
        self._frame_timer = None
        if not self.closing:
            self.broken("invalid_request", f"a frame did not arrive whole within {self.frame_timeout:g} s")

    # --- writing

    @property
    def slow(self) -> bool:
        """Whether the other end reads more slowly than it is sent to: whatever can be left out should be."""
        return self._output is not None and self._output.slow

    def send(self, message: Frame) -> None:
        """Send a frame at the end of this reactor turn."""
        self.send_payload(encode(message))

    def send_payload(self, payload: bytes) -> None:
        """Send an encoded frame at the end of this reactor turn: one encoding serves many connections."""
        self.send_framed(frame(payload))

    def send_framed(self, data: bytes) -> None:
        """Send a payload that has its length prefix already."""
        if self.closing or self._output is None:
            return
        if self._output.add(data):
            self._turn.at_end(self.flush)

    def sendString(self, string: bytes) -> None:
        """Twisted's name for :meth:`send_payload`."""
        self.send_payload(string)

    def flush(self) -> None:
        """Write what was sent in this turn now."""
        output = self._output
        if output is None or self.closing:
            return
        if not output.slow:
            output.flush()
            return
        output.flush()
        if not output.slow:
            self.drained()

    def drained(self) -> None:
        """The other end has caught up: it is not :attr:`slow` any more."""

    def _stalled(self) -> None:
        if not self.closing and self._stall_timer is None:
            self._stall_timer = self.clock.callLater(self.stall_timeout, self._too_slow)

    def _moved(self) -> None:
        if self._stall_timer is not None:
            _cancel(self._stall_timer)
            self._stall_timer = None
        if self._output is None or self.closing:
            return
        if self._output.blocked:
            self._stalled()
        elif not self._output.slow:
            self.drained()

    def _too_slow(self) -> None:
        self._stall_timer = None
        self.abort()

    # --- ending

    def close(self) -> None:
        """Write what was sent, then close; nothing that arrives from now on is handled."""
        if self.closing:
            return
        self.closing = True
        if self._output is not None:
            self._output.release()
            # A transport does not close while it has a producer.
            self.transport.unregisterProducer()
            self._linger_timer = self.clock.callLater(LINGER, self._abort_transport)
        if self.transport is not None:
            self.transport.loseConnection()

    def abort(self) -> None:
        """Close without waiting for what is unsent."""
        if self.closing and self._linger_timer is None:
            return
        self.closing = True
        if self._output is not None:
            self._output.drop()
        self._abort_transport()

    def _abort_transport(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()
