"""How a client reaches servers: endpoints and HTTP on a real reactor, TLS with the host's name verified."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from OpenSSL.crypto import Error as CryptoError
from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.internet.threads import deferToThreadPool
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, HTTPConnectionPool
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from imchat.domain.models import NodeAddress

T = TypeVar("T")

Connect = Callable[[NodeAddress], IStreamClientEndpoint]
"""Makes the endpoint of a chat node."""

RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Runs a blocking function away from the reactor."""


def trust_root(ca_file: Path | None) -> Any:
    """The certificates to trust: those of a PEM file, or the system's.

    Raises:
        ValueError: the file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return None
    marker = b"-----BEGIN CERTIFICATE-----"
    try:
        parts = ca_file.read_bytes().split(marker)[1:]
        certificates = [Certificate.loadPEM(marker + part) for part in parts]
    except OSError as error:
        raise ValueError(f"{ca_file}: cannot be read: {error.strerror}") from error
    except CryptoError as error:
        raise ValueError(f"{ca_file}: holds a broken certificate") from error
    if not certificates:
        raise ValueError(f"{ca_file}: holds no certificate")
    return trustRootFromCertificates(certificates)


def node_connector(reactor: Any, ca_file: Path | None = None, timeout: float = 10.0) -> Connect:
    """Endpoints for chat nodes; with ``tls`` the node's certificate must be for its host name.

    Args:
        ca_file: PEM file of the certificates to trust instead of the system's.
        timeout: Seconds for the connection.
    """
    root = trust_root(ca_file)

    def connect(node: NodeAddress) -> IStreamClientEndpoint:
        plain = HostnameEndpoint(reactor, node.host, node.port, timeout=timeout)
        if not node.tls:
            return plain
        return wrapClientTLS(optionsForClientTLS(node.host, trustRoot=root), plain)

    return connect


def http_client(reactor: Any, ca_file: Path | None = None, timeout: float = 10.0) -> HTTPClient:
    """An HTTP client; https is verified."""
    pool = HTTPConnectionPool(reactor, persistent=False)
    policy = BrowserLikePolicyForHTTPS(trustRoot=trust_root(ca_file))
    return HTTPClient(Agent(reactor, policy, connectTimeout=timeout, pool=pool))


@implementer(IAgentEndpointFactory)
class _OneSocket:
    def __init__(self, reactor: Any, path: Path) -> None:
        self._reactor, self._path = reactor, path

    def endpointForURI(self, uri: object) -> IStreamClientEndpoint:
        return UNIXClientEndpoint(self._reactor, str(self._path))


def unix_http_client(reactor: Any, path: Path) -> HTTPClient:
    """An HTTP client whose every request goes to one UNIX socket."""
    pool = HTTPConnectionPool(reactor, persistent=False)
    return HTTPClient(Agent.usingEndpointFactory(reactor, _OneSocket(reactor, path), pool))


def in_threads(reactor: Any) -> RunInThread:
    """Run blocking functions in the reactor's thread pool."""

    def run(function: Callable[[], T]) -> Deferred[T]:
        return deferToThreadPool(reactor, reactor.getThreadPool(), function)

    return run
