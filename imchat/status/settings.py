"""What the status server is told by its configuration."""

from __future__ import annotations

from dataclasses import dataclass

from imchat.domain.sessions import DAY_MS


@dataclass(frozen=True, slots=True)
class StatusSettings:
    """Placement and sessions.

    Attributes:
        report_interval_ms: How often chat nodes report; after three missed reports a node counts as dead.
        session_lifetime_ms: How long a session lasts after its last use.
    """

    report_interval_ms: int = 3_000
    session_lifetime_ms: int = 30 * DAY_MS
