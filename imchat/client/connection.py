"""One connection to a chat node: requests and their answers, pushes, signs of life."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from imchat.client.backoff import Timing
from imchat.client.errors import Disconnected
from imchat.client.tasks import Waiters
from imchat.domain.errors import IMError, Internal, by_code
from imchat.net.framing import FrameProtocol
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import MAX_FRAME, body_name
from imchat.wire.imchat_pb2 import Frame

Pushed = Callable[[Frame], None]


def error_of(error: pb.Error | pb.Goodbye) -> IMError:
    """The exception for an error that a node told."""
    kind: type[IMError] = by_code().get(error.code, Internal)
    message = error.message or f"the server says {error.code!r}"
    return kind(message, getattr(error, "retry_after_ms", 0) or None)


class Connection(FrameProtocol):
    """The client's end of a connection.

    Args:
        clock: For time-outs and pings.
        timing: How long to wait for what.
        pushed: Gets every frame that answers no request: events, ``StreamAt``, ``Goodbye``, ``Move``.

    Attributes:
        ended: Why the connection ended; None while it lives.
    """

    def __init__(self, clock: IReactorTime, timing: Timing, pushed: Pushed) -> None:
        super().__init__(clock)
        self.ended: Disconnected | None = None
        self._timing = timing
        self._pushed = pushed
        self._reason = ""
        self._last_id = 0
        self._unanswered: dict[int, tuple[Deferred[Frame], IDelayedCall]] = {}
        self._watchers: Waiters[Disconnected] = Waiters()
        self._heard = self._said = clock.seconds()
        self._watch_call: IDelayedCall | None = None

    # --- requests

    @property
    def usable(self) -> bool:
        """Whether it takes requests."""
        return self.ended is None and not self.closing

    def request(self, frame: Frame) -> Deferred[Frame]:
        """Send a request; its ``request_id`` is set here.

        Returns:
            A Deferred of the answer. It fails with an :class:`IMError` that the node told, or with
            :class:`Disconnected`; without an answer in time the whole connection counts as dead and ends.
        """
        if not self.usable:
            return fail(self.ended or Disconnected(self._reason or "the connection is closing"))
        self._last_id += 1
        request_id = self._last_id
        frame.request_id = request_id
        deferred: Deferred[Frame] = Deferred(lambda _: self._cancelled(request_id))
        timer = self.clock.callLater(self._timing.request, self.give_up, "a request was not answered in time")
        self._unanswered[request_id] = (deferred, timer)
        self.send(frame)
        return deferred

    def _cancelled(self, request_id: int) -> None:
        self._forget(request_id)

    def _forget(self, request_id: int) -> Deferred[Frame] | None:
        deferred, timer = self._unanswered.pop(request_id, (None, None))
        if timer is not None and timer.active():
            timer.cancel()
        return deferred

    def send_payload(self, payload: bytes) -> None:
        """As the base; it also puts off the next ping."""
        self._said = self.clock.seconds()
        super().send_payload(payload)

    # --- what arrives

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes arrived."""
        self._heard = self.clock.seconds()
        super().dataReceived(data)

    def frame_received(self, message: Frame) -> None:
        """A frame arrived."""
        name = body_name(message)
        if message.request_id:
            self._answered(message, name)
        elif name == "ping":
            self.send(Frame(pong=pb.Pong()))
        elif name == "error":
            self._reason = f"the server says: {message.error.message or message.error.code}"
        elif name not in (None, "pong"):
            self._pushed(message)

    def _answered(self, message: Frame, name: str | None) -> None:
        deferred = self._forget(message.request_id)
        if deferred is None:
            return  # it was cancelled here
        if name == "error":
            deferred.errback(error_of(message.error))
            return
        if name == "welcome":
            self.set_max_frame(MAX_FRAME)
        deferred.callback(message)

    def broken(self, code: str, message: str) -> None:
        """What arrived is no frame of ours."""
        self.give_up(f"the server does not speak this protocol: {message}")

    # --- life and end

    def connectionMade(self) -> None:
        """Twisted: the connection stands."""
        self._heard = self._said = self.clock.seconds()
        self._watch()

    def _watch(self) -> None:
        now = self.clock.seconds()
        if now - self._heard >= self._timing.silence:
            self._watch_call = None
            self.give_up("the server is silent")
            return
        if now - self._said >= self._timing.ping:
            self.request(Frame(ping=pb.Ping())).addErrback(lambda _: None)
        due = min(self._heard + self._timing.silence, self._said + self._timing.ping)
        self._watch_call = self.clock.callLater(max(due - now, 0.001), self._watch)

    def when_ended(self) -> Deferred[Disconnected]:
        """A Deferred of the reason for which the connection ended."""
        return self._watchers.add() if self.ended is None else succeed(self.ended)

    async def pause(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as the connection has ended."""
        with suppress(DeferredTimeout):
            await self.when_ended().addTimeout(seconds, self.clock)

    def shut(self, reason: str) -> None:
        """Close in order: what was sent is written first."""
        if self.ended is None and not self.closing:
            self._reason = self._reason or reason
            self.close()

    def give_up(self, reason: str) -> None:
        """Cut the connection."""
        if self.ended is None:
            self._reason = self._reason or reason
            self.abort()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Twisted: the connection is gone."""
        super().connectionLost(reason)
        if self._watch_call is not None and self._watch_call.active():
            self._watch_call.cancel()
        self.ended = Disconnected(self._reason or f"the connection was lost: {reason.getErrorMessage().rstrip('.')}")
        unanswered, self._unanswered = self._unanswered, {}
        for deferred, timer in unanswered.values():
            if timer.active():
                timer.cancel()
            deferred.errback(self.ended)
        self._watchers.fire(self.ended)
