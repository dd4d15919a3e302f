"""Transports in memory: one that tells what happened to it, and a pipe between two protocols."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure


class ScriptedTransport(StringTransportWithDisconnection):
    """A transport whose buffer is as full as a test says.

    Args:
        protocol: Told of the end of the connection.
        host: Where the peer seems to be.
        room: How many bytes it takes before it pauses its producer; None is no end.
    """

    def __init__(self, protocol: IProtocol, host: str = "192.0.2.1", room: int | None = None) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", host, 40000))
        self.protocol: Any = protocol
        self.room = room
        self.aborted = False
        self.lost = False
        self.reading = True
        self._unsent = 0

    def write(self, data: bytes) -> None:
        if self.disconnecting or self.lost:
            return
        super().write(data)
        self._unsent += len(data)
        if self.room is not None and self._unsent > self.room and self.producer is not None:
            self.producer.pauseProducing()

    def drain(self) -> None:
        """The peer read all that was written."""
        self._unsent = 0
        if self.producer is not None:
            self.producer.resumeProducing()

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def loseConnection(self) -> None:
        """Close once all is sent, as a real transport does: at once unless its buffer is full or has a producer."""
        self.disconnecting = True
        if self.producer is None and not (self.room is not None and self._unsent > self.room):
            self._end(ConnectionDone())

    def abortConnection(self) -> None:
        self.aborted = True
        self._end(ConnectionAborted())

    def _end(self, reason: Exception) -> None:
        if not self.lost:
            self.lost = True
            self.connected = False
            self.protocol.connectionLost(Failure(reason))
