"""How long to wait before the next try. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting times that double up to a longest one, in seconds."""

    first: float = 0.5
    longest: float = 30.0

    def delay(self, attempt: int, fraction: float) -> float:
        """Seconds to wait after ``attempt`` failures in a row (0 is the first).

        Args:
            fraction: A random number from 0 up to 1: the wait is between half and the whole, so that clients that
                lost the same server do not come back at the same moment.
        """
        whole = min(self.longest, self.first * 2.0 ** min(attempt, 32))
        return whole * (0.5 + fraction / 2)


@dataclass(frozen=True, slots=True)
class Timing:
    """The client's time-outs and waits, in seconds.

    Attributes:
        request: For the answer to one request; beyond it the connection counts as dead.
        connect: For a connection to a node.
        route: For the gate's answer where to connect; beyond it the nodes that it told before will do.
        ping: A ping is sent after so long without other traffic.
        silence: A connection on which nothing arrives for so long counts as dead.
        steady: A connection that lived so long starts the back-off anew.
        hole: A missing event is fetched when it has not arrived by itself within one to three times so long: what
            this client misses, many others may miss too.
        crowded: A server that says farewell because it has no room is left alone for so long.
        handlers: How long :meth:`Client.stop` waits for handlers that run.
        patience: Who is to wait longer than this before a request may succeed is told so instead.
    """

    request: float = 30.0
    connect: float = 10.0
    route: float = 5.0
    ping: float = 30.0
    silence: float = 90.0
    steady: float = 10.0
    hole: float = 1.0
    crowded: float = 5.0
    handlers: float = 5.0
    patience: float = 120.0
    backoff: Backoff = Backoff()


def retry_delay(retry_after_ms: int | None, backoff: Backoff, attempt: int, fraction: float) -> float:
    """Seconds until a request that failed for a passing reason is made again: longer with each failure in a row.

    Args:
        retry_after_ms: What the server asked for; None or 0 means that it said nothing.
    """
    if retry_after_ms:
        asked = retry_after_ms / 1000
        return min(max(asked, backoff.longest), asked * 2.0 ** min(attempt, 32)) * (1 + fraction / 4)
    return backoff.delay(attempt, fraction)


def limited_delay(retry_after_ms: int, backoff: Backoff, fraction: float) -> float:
    """Seconds until requests that were over a rate limit are made again, each time the same.

    The server has said when there is room for one, which is no outage to wait out. But never less than the first wait
    of the back-off: room for more gathers meanwhile, so that each round has fewer refusals for what gets through.

    Args:
        retry_after_ms: What the server asked for, above 0.
    """
    return max(retry_after_ms / 1000, backoff.first) * (1 + fraction / 4)
