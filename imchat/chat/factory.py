"""Takes connections, as many as there may be."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from imchat.chat.adapter import ChatConnection
from imchat.chat.services import Services
from imchat.chat.translate import goodbye_frame
from imchat.domain.errors import IMError
from imchat.net.framing import LINGER
from imchat.wire.codec import encode
from imchat.wire.frames import frame


class TurnedAway(Protocol):
    """A connection too many: it is told so and closed.

    Args:
        error: Why.
        clock: For the end of one that does not close.
    """

    def __init__(self, error: IMError, clock: IReactorTime) -> None:
        self._error = error
        self._clock = clock
        self._timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Twisted: it is there."""
        assert self.transport is not None  # noqa: S101  (Twisted set it)
        self._timer = self._clock.callLater(LINGER, self.transport.abortConnection)  # type: ignore[attr-defined]
        self.transport.write(frame(encode(goodbye_frame(self._error))))
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Twisted: it is gone."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


class ChatFactory(Factory):
    """Makes the protocol of each connection.

    Args:
        services: What connections use.
    """

    noisy = False

    def __init__(self, services: Services) -> None:
        self._services = services

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Twisted: a connection arrived; one too many is told so."""
        # Those that come through a UNIX socket are all from one place.
        address = str(getattr(addr, "host", "local"))
        refusal = self._services.connections.refusal(address)
        if refusal is not None:
            return TurnedAway(refusal, self._services.clock)
        return ChatConnection(self._services, address)
