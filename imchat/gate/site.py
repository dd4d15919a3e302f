"""The HTTP listener: what bounds a client that sends too much, too slowly, or from too many connections."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any, cast

from twisted.internet.interfaces import IAddress, IDelayedCall, IProtocol, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.http import Request as HttpRequest
from twisted.web.resource import IResource
from twisted.web.server import Request, Site

from imchat.gate.call import peer_of
from imchat.gate.http import encoded, too_large
from imchat.gate.problems import Answer
from imchat.gate.settings import HttpSettings

LINGER = 2.0
"""Seconds for which a refused client may go on sending, so that it comes to read the answer."""

ABORT_AFTER = 5.0
"""Seconds for a closing connection to take what is left for it."""

_MAX_DISCARDED = 1_048_576
_MAX_LENGTH_DIGITS = 20

_log = Logger()


class GateRequest(Request):
    """A request whose body is held in memory and bounded while it arrives."""

    channel: GateChannel
    _refused = False
    _received = 0

    def gotLength(self, length: int | None) -> None:
        """Twisted: the headers are in; ``length`` is that of the body, None where it comes in chunks."""
        self.content = io.BytesIO()
        if length is not None and length > self.channel.site.settings.max_body:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted: a part of the body is in."""
        self._received += len(data)
        if self._refused:
            return
        if self._received > self.channel.site.settings.max_body:
            self._refuse()
        else:
            cast(io.BytesIO, self.content).write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted: the request is in."""
        if not self._refused:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        self._refused = True
        # Whoever asks before sending must not be told to go on.
        self.requestHeaders.removeHeader(b"Expect")
        self.channel.refuse(too_large(self.channel.site.settings.max_body))


class GateChannel(HTTPChannel):
    """One connection. Its clock runs whenever a request is awaited or the connection is closing."""

    site: GateSite
    # ITCPTransport, a TLS connection or a UNIX socket, which no interface of Twisted names together.
    transport: Any
    peer = "local"
    maxHeaders = 100
    _deadline: IDelayedCall | None = None
    _refusing = False
    _discarded = 0

    def connectionMade(self) -> None:
        """Twisted: the connection is open."""
        super().connectionMade()
        self._await_request()

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes arrived."""
        if not self._refusing:
            super().dataReceived(data)
            return
        self._discarded += len(data)
        if self._discarded > _MAX_DISCARDED:
            self.forceAbortClient()

    def headerReceived(self, line: bytes) -> bool:
        """Twisted: a header line is in."""
        name, _, value = line.partition(b":")
        # Python refuses to read a number of thousands of digits, and Twisted does not expect that.
        if name.strip().lower() == b"content-length" and len(value.strip()) > _MAX_LENGTH_DIGITS:
            self._respondToBadRequestAndDisconnect()
            return False
        return bool(super().headerReceived(line))

    def allContentReceived(self) -> None:
        """Twisted: a request is in; from here on it is the server that takes its time."""
        self._stop_clock()
        super().allContentReceived()

    def requestDone(self, request: HttpRequest) -> None:
        """Twisted: the answer is written."""
        # Before the rest: a request that has arrived meanwhile is handled in there, and stops the clock again.
        if self.persistent:
            self._await_request()
        super().requestDone(request)

    def refuse(self, answer: Answer) -> None:
        """Answer before the request is in, and close once the client had time to read that."""
        self._refusing = True
        self.persistent = 0
        self.transport.write(encoded(answer))
        self._start_clock(LINGER, self.loseConnection)

    def loseConnection(self) -> None:
        """Close; a client that takes nothing any more is cut off after a while."""
        self._start_clock(ABORT_AFTER, self.forceAbortClient)
        super().loseConnection()

    def forceAbortClient(self) -> None:
        """Cut the connection off."""
        self._stop_clock()
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        self._stop_clock()
        self.site.forget(self.peer)
        super().connectionLost(reason)

    def _await_request(self) -> None:
        self._start_clock(self.site.settings.request_timeout, self.loseConnection)

    def _start_clock(self, seconds: float, then: Any) -> None:
        self._stop_clock()
        self._deadline = self.site.reactor.callLater(seconds, then)

    def _stop_clock(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None


class _TooMany(Protocol):
    """Ends a connection at once: a factory that returns no protocol breaks under TLS."""

    def connectionMade(self) -> None:
        cast(Any, self.transport).abortConnection()


class GateSite(Site):
    """Serves a resource within bounds; writes no access log.

    Args:
        resource: The root.
        settings: The bounds.
        clock: For time-outs.
    """

    requestFactory = GateRequest
    protocol = GateChannel  # type: ignore[assignment]  # Twisted's annotation is of its HTTP/2 switch, left out here
    noisy = False

    def __init__(self, resource: IResource, settings: HttpSettings, clock: IReactorTime) -> None:
        super().__init__(resource, parsePOSTFormSubmission=False, timeout=None, reactor=clock)
        self.settings = settings
        self._connections: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._connections.total()

    def buildProtocol(self, addr: IAddress) -> IProtocol:  # type: ignore[override]  # as for ``protocol``
        """Twisted: a connection from ``addr``."""
        peer = peer_of(addr)
        settings = self.settings
        if self.connections >= settings.max_connections or self._connections[peer] >= settings.connections_per_peer:
            _log.debug("connection from {peer} refused: too many", peer=peer)
            return _TooMany()
        channel = cast(GateChannel, super().buildProtocol(addr))
        channel.peer = peer
        self._connections[peer] += 1
        return channel

    def forget(self, peer: str) -> None:
        """A connection of this peer is gone."""
        self._connections[peer] -= 1
        if not self._connections[peer]:
            del self._connections[peer]

    def acceptableProtocols(self) -> list[bytes]:
        """Twisted: what TLS may negotiate."""
        return [b"http/1.1"]

    def startFactory(self) -> None:
        """Twisted: the first listener is open. There is no log file to open."""

    def stopFactory(self) -> None:
        """Twisted: the last listener is closed."""

    def log(self, request: HttpRequest) -> None:
        """Twisted: a request is done. Paths that are not ours may hold anything, and are not logged."""
        known = request.method.isalpha() and request.code not in (404, 405)
        _log.debug(
            "{method} {path} {status} {peer}",
            method=request.method.decode("ascii", "replace") if known else "-",
            path=request.path.decode("ascii", "replace") if known else "-",
            status=request.code,
            peer=peer_of(request.getClientAddress()),
        )
