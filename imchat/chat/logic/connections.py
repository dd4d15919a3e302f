"""All connections of this node, with or without a session: how many there may be, and how they end together."""

from __future__ import annotations

from imchat.chat.logic.connection import Connection
from imchat.chat.logic.waiting import Work
from imchat.chat.settings import ChatSettings
from imchat.domain.errors import IMError, RateLimited, Unavailable

RETRY_MS = 5_000


class Connections:
    """Counts connections.

    Args:
        settings: How many there may be.

    Attributes:
        draining: The node is going away and takes no more.
        open: Connections that are there.
        requests: Requests other than messages that are being answered.
    """

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._addresses: dict[Connection, str] = {}
        self._by_address: dict[str, int] = {}
        self.draining = False
        self.open = Work()
        self.requests = Work()

    def __len__(self) -> int:
        return len(self._addresses)

    def all(self) -> tuple[Connection, ...]:
        """Every connection, in the order in which they came."""
        return tuple(self._addresses)

    def refusal(self, address: str) -> IMError | None:
        """Why a connection from an address cannot be taken now; None if it can."""
        if self.draining:
            return Unavailable("this node is going away", RETRY_MS)
        if len(self._addresses) >= self._settings.max_connections:
            return Unavailable("this node has all the connections that it takes", RETRY_MS)
        if self._by_address.get(address, 0) >= self._settings.connections_per_address:
            return RateLimited("too many connections from this address", RETRY_MS)
        return None

    def opened(self, connection: Connection, address: str) -> None:
        """A connection is there."""
        self._addresses[connection] = address
        self._by_address[address] = self._by_address.get(address, 0) + 1
        self.open.begin()

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        address = self._addresses.pop(connection, None)
        if address is None:
            return
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self.open.end()
