"""Perspective Broker, cut down to what links need: calls of the root object with plain values, and their answers.

Everything else that a Broker offers a peer (references, copies, caches, classes) is refused, and what a peer sends
never raises into the reactor: whoever breaks the protocol is cut off with a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.spread import pb

from imchat.net.links.plain import MAX_SIZE, Malformed, Plain, PlainTypes

MAX_BEFORE_LOGIN = 4 * 1024
"""So many bytes of one expression are read from a peer that has not proved anything."""

MAX_UNFINISHED = MAX_SIZE + 132 * 1024
"""The same after login: the largest call, what stands around it, and what was read together with it."""

ROOT = b"root"

LINGER = 1.0
"""How long a connection stays after its last answer, in seconds."""


class LinkBroker(pb.Broker):
    """One end of a link.

    Args:
        is_client: Whether this end opened the connection.
        clock: The reactor, or a test's clock.

    Attributes:
        heard: When the peer last sent something, in seconds of the clock.
        lost: Fires with the reason once the connection is gone.
    """

    transport: Any
    factory: Any
    waitingForAnswers: Any
    knownDialects = [b"pb"]  # noqa: RUF012  Twisted's own annotation
    accepted: ClassVar[frozenset[bytes]] = frozenset()
    """The protocol messages that this end takes."""

    def __init__(self, is_client: bool, clock: IReactorTime) -> None:
        super().__init__(isClient=is_client, security=PlainTypes())
        self.clock = clock
        self.heard = clock.seconds()
        self.lost: Deferred[str] = Deferred()
        self._max_unfinished = MAX_BEFORE_LOGIN
        self._unfinished = 0
        self._deaf = False
        self._reason: str | None = None

    @property
    def cut(self) -> str | None:
        """Why this end cut the connection off; None where it did not."""
        return self._reason

    @property
    def ended(self) -> bool:
        """Whether the connection is gone, or was cut off and will be in a moment."""
        return bool(self.disconnected) or self._reason is not None

    def trust(self) -> None:
        """The peer proved that it knows the secret: read large values from it."""
        self._max_unfinished = MAX_UNFINISHED

    def abort(self, reason: str) -> None:
        """Cut the connection off, without waiting for what is still to be sent."""
        if not self.ended:
            self._reason = reason
            self.transport.abortConnection()

    def abort_soon(self, reason: str) -> None:
        """Read nothing more, leave a moment for the last answer to be sent, then cut the connection off."""
        self._deaf = True
        self.clock.callLater(LINGER, self.abort, reason)

    def broken(self, reason: str) -> None:
        """The peer broke the protocol: cut it off."""
        self.abort(f"it broke the protocol: {reason}"[:200])

    def dataReceived(self, chunk: bytes) -> None:
        """Twisted: bytes arrived."""
        if self.ended:
            return
        self.heard = self.clock.seconds()
        self._unfinished += len(chunk)
        if self._unfinished > self._max_unfinished:
            self.broken("too much data at once")
            return
        try:
            super().dataReceived(chunk)
        except Exception as error:
            # Whatever Banana raises, the peer's bytes caused it: the cut carries the reason to the log.
            self.broken(f"{type(error).__name__} {error}")

    def callExpressionReceived(self, obj: Any) -> None:
        """Banana: an expression is complete; several may have come in one chunk, the last of them a reason to end."""
        self._unfinished = 0
        if self.ended or self._deaf:
            return
        if self.currentDialect is None and b"pb" not in (obj if self.isClient else [obj]):
            self.broken("another dialect")
            return
        super().callExpressionReceived(obj)

    def connectionReady(self) -> None:
        """Banana: both ends speak the same dialect."""
        self.sendCall(b"version", self.version)

    def expressionReceived(self, sexp: Any) -> None:
        """Banana: the peer sent a protocol message."""
        if type(sexp) is not list or not sexp or sexp[0] not in self.accepted:
            self.broken("a message that links do not have")
            return
        super().expressionReceived(sexp)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        super().connectionLost(reason)
        self.lost.callback(self._reason or f"the connection was lost: {reason.getErrorMessage()}"[:200])


class ClientBroker(LinkBroker):
    """The end that calls.

    Attributes:
        ready: Fires once calls can be sent.
    """

    accepted: ClassVar = frozenset({b"version", b"answer", b"error"})

    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(True, clock)
        self.ready: Deferred[None] = Deferred()

    def connectionReady(self) -> None:
        """Banana: both ends speak the same dialect."""
        super().connectionReady()
        self.ready.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        if not self.ready.called:
            self.ready.errback(pb.PBConnectionLost(reason))
        super().connectionLost(reason)

    def request(self, method: str, fields: Plain) -> Deferred[object]:
        """Call a method of the peer's root object.

        Returns:
            What it answered; fails with ``PBConnectionLost`` if the connection goes first, with ``DeadReferenceError``
            if it is gone already, and nothing was sent.
        """
        if self.ended:
            return fail(pb.DeadReferenceError("the link is gone"))
        answer: Deferred[object] = self.remoteForName(ROOT).callRemote(method, fields)
        return answer

    def proto_answer(self, requestID: Any, netResult: Any) -> None:
        """PB: a result. An answer that cannot be read fails its call at once, where PB would leave it waiting."""
        waiting = self.waitingForAnswers.pop(requestID)
        try:
            value = self.unserialize(netResult)
        except Exception as error:
            waiting.errback(Malformed(f"an answer that cannot be read: {type(error).__name__}"))
            self.broken("an answer that cannot be read")
        else:
            waiting.callback(value)

    def proto_error(self, requestID: Any, fail: Any) -> None:
        """PB: a failure. Servers of links send errors as values: this one is none of ours."""
        self.waitingForAnswers.pop(requestID).errback(Malformed("a failure of Perspective Broker"))


class ServerBroker(LinkBroker):
    """The end that is called.

    Args:
        clock: The reactor, or a test's clock.
        peer: Where the caller is, for the log.
        ended: Called with the reason when the connection is gone.
    """

    accepted: ClassVar = frozenset({b"version", b"message"})

    def __init__(self, clock: IReactorTime, peer: str, ended: Callable[[ServerBroker, str], None]) -> None:
        super().__init__(False, clock)
        self.peer = peer
        self.lost.addCallback(lambda reason: ended(self, reason))

    def trust(self) -> None:
        """The peer proved that it knows the secret."""
        super().trust()
        # A peer that calls and does not read its answers is read no further. Not before the login: until a TLS
        # handshake is done, TLS pauses who writes, and would then never read the peer's part of the handshake.
        self.transport.registerProducer(_Reader(self.transport), True)

    def proto_message(
        self, requestID: Any, objectID: Any, message: Any, answerRequired: Any, netArgs: Any, netKw: Any
    ) -> None:
        """PB: a call."""
        if objectID != ROOT or type(message) is not bytes or not message.isascii():
            self.broken("a call of something else than the root object")
            return
        super().proto_message(requestID, objectID, message, answerRequired, netArgs, netKw)

    def sendCall(self, *exp: Any) -> None:
        """PB: send a protocol message; an answer that comes after the end goes nowhere."""
        if not self.ended:
            super().sendCall(*exp)


class _Reader:
    """Stops reading while the peer does not take what was written to it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def pauseProducing(self) -> None:
        """Twisted: the transport's buffer is full."""
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Twisted: the transport's buffer is empty again."""
        self._transport.resumeProducing()

    def stopProducing(self) -> None:
        """Twisted: the connection is gone."""
