"""The outer side of a client's connection: its life, when it is read from, and what goes out on it."""

from __future__ import annotations

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from imchat.chat.logic.connection import Hold
from imchat.chat.logic.connections import Connections
from imchat.chat.settings import ChatSettings
from imchat.chat.translate import accepted_frame, error_frame, goodbye_frame
from imchat.domain.errors import IMError, Unauthenticated, by_code
from imchat.domain.models import Event
from imchat.net.framing import FrameProtocol
from imchat.net.turn import Turn
from imchat.wire import imchat_pb2 as pb

_NO_HOLDS: frozenset[Hold] = frozenset()
_ERRORS = by_code()


class ClientLink(FrameProtocol):
    """All of the logic's :class:`imchat.chat.logic.connection.Connection` but what frames mean.

    Args:
        settings: Times and bounds.
        connections: Where it is counted.
        clock: The time.
        turn: The end of the reactor turn, shared by all connections.
        address: Where the client is, as far as limits are concerned.

    Attributes:
        welcomed: The client has a session and was told so.
    """

    def __init__(
        self, settings: ChatSettings, connections: Connections, clock: IReactorTime, turn: Turn, address: str
    ) -> None:
        super().__init__(clock, turn)
        self._settings = settings
        self._connections = connections
        self.frame_timeout = settings.frame_timeout
        self.stall_timeout = settings.stall_timeout
        self.welcomed = False
        self._address = address
        self._holds = _NO_HOLDS
        self._outstanding = 0
        self._missed: dict[int, int] = {}
        self._heard = clock.seconds()
        self._timer: IDelayedCall | None = None

    # --- the connection's life

    def connectionMade(self) -> None:
        """Twisted: a client is there."""
        self._connections.opened(self, self._address)
        self._timer = self.clock.callLater(self._settings.hello_timeout, self._no_hello)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Twisted: it is gone."""
        super().connectionLost(reason)
        self.stop_timer()
        self._connections.lost(self)
        self.welcomed = False
        self._missed.clear()

    def stop_timer(self) -> None:
        """Wait no longer for Hello, or for a sign of life."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _no_hello(self) -> None:
        self.end_with(goodbye_frame(Unauthenticated("there was no Hello in time")))

    def end_with(self, last: pb.Frame) -> None:
        """Send a last frame and close."""
        self.send(last)
        self.close()

    def watch(self) -> None:
        """Begin to look for signs of life, which only a client with a session has to give."""
        self._heard = self.clock.seconds()
        self._timer = self.clock.callLater(self._settings.idle_timeout / 2, self._watch)

    def _watch(self) -> None:
        """See whether the client is alive; ask it after half of the time that it has."""
        limit = self._settings.idle_timeout
        now = self.clock.seconds()
        if self._holds:
            # It may have said something; it is us who do not listen.
            self._heard = now
        silent = now - self._heard
        if silent >= limit:
            self.abort()
            return
        if silent >= limit / 2:
            self.send(pb.Frame(ping=pb.Ping()))
            delay = limit - silent
        else:
            delay = limit / 2 - silent
        self._timer = self.clock.callLater(delay, self._watch)

    # --- what arrives

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes arrived."""
        self._heard = self.clock.seconds()
        super().dataReceived(data)

    def broken(self, code: str, message: str) -> None:
        """What arrives is no protocol of ours."""
        self.end_with(error_frame(0, _ERRORS[code](message)))

    # --- answers and pushes out

    def weigh(self, weight: int) -> None:
        """Count a request that waits for its answer, or, with a negative weight, one that waits no more."""
        self._outstanding += weight
        if weight > 0:
            if self._outstanding >= self._settings.max_outstanding:
                self.hold(Hold.OUTSTANDING)
        elif self._holds and self._outstanding <= self._settings.max_outstanding // 2:
            self.release(Hold.OUTSTANDING)

    def reply(self, frame: pb.Frame) -> None:
        """Send an answer; who does not take answers is not read from."""
        self.send(frame)
        if self.slow:
            self.hold(Hold.OUTPUT)

    def accepted(self, tag: int, event: Event, resent: bool) -> None:
        """Logic: a message is durable."""
        self.weigh(-1)
        self.reply(accepted_frame(tag, event, resent))

    def refused(self, tag: int, error: IMError) -> None:
        """Logic: a message was not taken."""
        self.weigh(-1)
        self.reply(error_frame(tag, error))

    def push(self, stream_id: int, seq: int, data: bytes) -> None:
        """Logic: an event. Before the Welcome it is left out: the client asks for what is new after that."""
        if not self.welcomed:
            return
        if self.slow:
            self.behind(stream_id, seq)
        else:
            self.send_framed(data)

    def behind(self, stream_id: int, last_seq: int) -> None:
        """Logic: not all of a stream was pushed here. Before the Welcome it is left out, as pushes are."""
        if not self.welcomed:
            return
        if self.slow:
            self._missed[stream_id] = max(last_seq, self._missed.get(stream_id, 0))
        else:
            self.send(pb.Frame(stream_at=pb.StreamAt(stream_id=stream_id, last_seq=last_seq)))

    def tell(self, data: bytes) -> bool:
        """Logic: what is worth nothing later. Who reads slowly, or has had no Welcome, is not told."""
        if not self.welcomed or self.slow or self.closing:
            return False
        self.send_framed(data)
        return True

    def drained(self) -> None:
        """The client has caught up: tell it which streams went on without it."""
        missed, self._missed = self._missed, {}
        for stream_id, seq in missed.items():
            self.send(pb.Frame(stream_at=pb.StreamAt(stream_id=stream_id, last_seq=seq)))
        self.release(Hold.OUTPUT)

    def goodbye(self, error: IMError) -> None:
        """Logic: the session is over here."""
        self.end_with(goodbye_frame(error))

    def move(self, after_ms: int) -> None:
        """Logic: this node is going away."""
        self.end_with(pb.Frame(move=pb.Move(after_ms=after_ms)))

    def hold(self, reason: Hold) -> None:
        """Logic: do not read."""
        self._holds |= {reason}
        self.pause_reading()

    def release(self, reason: Hold) -> None:
        """Logic: this is no reason any more not to read."""
        if reason in self._holds:
            self._holds -= {reason}
            if not self._holds and not self.closing:
                # Later in this turn: the frames that wait must not be handled in the midst of what releases them.
                self._turn.at_end(self._read_again)

    def _read_again(self) -> None:
        if not self._holds and not self.closing:
            self._heard = self.clock.seconds()
            self.resume_reading()
