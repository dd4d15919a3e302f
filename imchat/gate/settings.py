"""The operator's choices, as the gate's HTTP side takes them."""

from __future__ import annotations

from dataclasses import dataclass

from imchat.ports import Limit


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Bounds of an HTTP listener.

    "Peer" is the network that a request comes from: an IPv4 address or an IPv6 /64.

    Attributes:
        max_body: Longest request body, in bytes.
        request_timeout: Seconds for a request to arrive whole, counted from the connection or from the end of the
            answer before it; an idle connection is closed after as long.
        max_connections: Connections at once, altogether.
        connections_per_peer: Connections at once from one peer.
        requests_per_peer: Requests to the endpoints under ``/v1/``; None where all callers are trusted.
        health_timeout: Seconds for a dependency to answer ``/readyz``.
    """

    max_body: int = 65_536
    request_timeout: float = 30.0
    max_connections: int = 2_000
    connections_per_peer: int = 200
    requests_per_peer: Limit | None = None
    health_timeout: float = 3.0
