"""Connections in memory with a latency, on a simulated clock."""

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class PipeTransport:
    """One end of an in-memory connection; bytes arrive after the network's latency, in order."""

    def __init__(self, clock: Clock, latency: float) -> None:
        self.clock, self.latency = clock, latency
        self.peer: PipeTransport
        self.protocol = None
        self.connected = True
        self.paused = False
        self._arrived: list[bytes] = []

    def write(self, data):
        if self.connected:
            self.clock.callLater(self.latency, self.peer.arrive, data)

    def writeSequence(self, parts):
        self.write(b"".join(parts))

    def arrive(self, data):
        if self.connected and self.protocol is not None:
            self._arrived.append(data)
            if not self.paused:
                self.resumeProducing()

    def pauseProducing(self):
        self.paused = True

    def resumeProducing(self):
        self.paused = False
        while self._arrived and not self.paused and self.connected:
            self.protocol.dataReceived(self._arrived.pop(0))

    def registerProducer(self, producer, streaming):
        pass

    def unregisterProducer(self):
        pass

    def loseConnection(self):
        self.clock.callLater(self.latency, self._end, ConnectionDone())

    def abortConnection(self):
        self.clock.callLater(0, self._end, ConnectionLost())

    def _end(self, reason):
        for end in (self, self.peer):
            if end.connected:
                end.connected = False
                self.clock.callLater(0, end.protocol.connectionLost, Failure(reason))

    def getPeer(self):
        return None

    getHost = getPeer
