"""One connection to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hiredis import ProtocolError, Reader
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.simulation.redis.commands import execute
from tests.simulation.redis.replies import error

if TYPE_CHECKING:
    from tests.simulation.redis.server import Run


class Connection(Protocol):
    """Takes commands and answers them, in their order.

    Args:
        run: Of the server.

    Attributes:
        run: Of the server.
        keys: The database that it uses.
        trusted: It need not give a password any more.
        channels: Those it is subscribed to.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.keys = run.server.keys(0)
        self.trusted = not run.server.password
        self.channels: dict[bytes, None] = {}
        self._reader = Reader()
        self._output: list[bytes] = []
        self._paused = False
        self._waiting = 0

    def connectionMade(self) -> None:
        """Twisted: it stands."""
        self.transport.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes arrived."""
        reader = self._reader
        reader.feed(data)
        try:
            while (words := reader.gets()) is not False:
                if type(words) is not list or {*map(type, words)} != {bytes}:
                    raise ProtocolError("expected words")
                self.say(execute(self, words))
        except ProtocolError as fault:
            self.say(error(f"ERR Protocol error: {fault}"))
            self.run.flush()
            self.transport.unregisterProducer()
            self.transport.loseConnection()
        else:
            self.run.flush()

    def say(self, line: bytes) -> None:
        """Send something at the end of this turn."""
        if not self._output:
            self.run.speaks(self)
        self._output.append(line)

    def flush(self) -> None:
        """Send it now."""
        data = b"".join(self._output)
        self._output.clear()
        if self._paused:
            self._waiting += len(data)
            if self.channels and self._waiting > self.run.server.output_limit:
                self.transport.abortConnection()
                return
        self.transport.write(data)

    def pauseProducing(self) -> None:
        """Twisted: the other side does not read."""
        self._paused = True
        self._waiting = 0

    def resumeProducing(self) -> None:
        """Twisted: it reads again."""
        self._paused = False

    def stopProducing(self) -> None:
        """Twisted: it is over."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: it has ended, and its subscriptions with it."""
        for channel in self.channels:
            self.run.leave(channel, self)
        self.channels.clear()
