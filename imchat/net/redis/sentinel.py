"""Redis Sentinel: where the master is at the moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, clientFromString, connectProtocol
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from zope.interface import implementer

from imchat.net.background import as_deferred
from imchat.net.redis.bounded import within
from imchat.net.redis.connection import CommandConnection, Refused, shake_hands
from imchat.net.redis.settings import RedisSettings


@implementer(IStreamClientEndpoint)
class SentinelEndpoint:
    """Asks the Sentinels for the master before each connection, one after the other until one knows it.

    txredisapi's own support was not used: it compares the server's role as text, which fails without a charset, and
    leaves a waiting call behind for every Sentinel that is away.

    Args:
        reactor: For connections and time-outs.
        settings: With ``sentinels`` and ``master_name``.
    """

    def __init__(self, reactor: Any, settings: RedisSettings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._sentinels = list(settings.sentinels)
        self._login = replace(
            settings, username=settings.sentinel_username, password=settings.sentinel_password, db=0, sentinels=()
        )

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Twisted: connect to the master."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        host, port = await self._find()
        # The caller gives the whole attempt a time-out.
        return await HostnameEndpoint(self._reactor, host, port).connect(factory)

    async def _find(self) -> tuple[str, int]:
        reasons = []
        # Each gets its share of the time that the caller gives us all.
        share = self._settings.timeout / (len(self._sentinels) + 1)
        for sentinel in list(self._sentinels):
            try:
                return await within(share, self._reactor, as_deferred(self._ask(sentinel)))
            except (CancelledError, ConnectingCancelledError):
                raise
            except Exception as error:
                # It is the next one's turn, here and at the next attempt.
                self._sentinels.remove(sentinel)
                self._sentinels.append(sentinel)
                reasons.append(f"{sentinel}: {str(error).strip()}")
        raise Refused(f"no Sentinel knows the master ({'; '.join(reasons)})")

    async def _ask(self, sentinel: str) -> tuple[str, int]:
        connection = CommandConnection()
        await connectProtocol(clientFromString(self._reactor, sentinel), connection)
        try:
            await shake_hands(connection, self._login)
            name = self._settings.master_name
            address = await connection.ask(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", name.encode())
        finally:
            end = connection.end()
            connection.give_up("asked")
            await end
        if not isinstance(address, list):
            raise Refused(f"it knows no master named {name}")
        return address[0].decode(), int(address[1])
