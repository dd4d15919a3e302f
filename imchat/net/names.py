"""Names of hosts to addresses, for those who need connectors rather than endpoints."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostResolution, IReactorPluggableNameResolver, IResolutionReceiver
from zope.interface import implementer


@implementer(IResolutionReceiver)
class _Gathered:
    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.complete: Deferred[list[str]] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Twisted: the search has begun; nobody cancels it."""

    def addressResolved(self, address: IAddress) -> None:
        """Twisted: one address."""
        # IPv4 or IPv6, for TCP.
        found: Any = address
        if found.host not in self.hosts:
            self.hosts.append(found.host)

    def resolutionComplete(self) -> None:
        """Twisted: that was all."""
        self.complete.callback(self.hosts)


def addresses_of(reactor: IReactorPluggableNameResolver, host: str, port: int) -> Deferred[list[str]]:
    """All addresses of a host, IPv6 as well as IPv4, best first as the system's rules have it.

    ``reactor.connectTCP`` knows the IPv4 addresses of a name only.

    Returns:
        A Deferred that never fails; the list is empty where the name is not known.
    """
    gathered = _Gathered()
    reactor.nameResolver.resolveHostName(gathered, host, port)
    return gathered.complete
