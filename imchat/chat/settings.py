"""The settings of a chat node, as its logic and adapter see them."""

from __future__ import annotations

from dataclasses import dataclass

from imchat.domain.contacts import DAY_MS
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.rates import ACCOUNT_RATES, SESSION_RATES, Rates

_CONTACT_REQUESTS = Limit(50, DAY_MS)


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """All that can be set about a chat node. Times are seconds, sizes bytes.

    Attributes:
        contacts: Whether people must be contacts to talk to each other directly.
        contact_requests: Contact requests of one account.
        max_connections: Connections of this node, those without a session included.
        connections_per_address: Connections from one address.
        hello_timeout: For ``Hello`` to arrive.
        idle_timeout: Silence after which a connection is closed; half of it brings a ping.
        stall_timeout: For a reader whose buffers are full to take what they hold.
        frame_timeout: For a frame to arrive whole once it has begun.
        limits: Requests of one connection, by kind.
        account_limits: Requests of all connections of an account on this node, by kind.
        max_outstanding: Weight of the unanswered requests of one connection; beyond it, it is not read from.
        max_pending: Messages waiting for the database; beyond it, those who send more are not read from.
        max_pending_bytes: The same in bytes of content.
        flush_drafts: Most messages of one flush.
        flush_streams: Most streams of one flush.
        flush_bytes: Most bytes of content of one flush.
        fan_out: Deliveries of one event within one reactor turn.
        cached_members: Members of conversations kept in memory.
        report_interval: Between two reports to the status servers.
        revalidation_interval: Between two checks of all live sessions, and of the ends of their streams, against the
            database; at most, for they are made at once when something may have been missed.
        presence_refresh: Between two times at which the node tells all others again who is here. Three times as long
            its users seem to be there when it is killed.
        touch_interval: Between two notes in the database that a session is in use.
        drain_timeout: For an orderly end.
        retention: (kind, days) of what is kept for so many days alone.
    """

    contacts: ContactsPolicy = ContactsPolicy.REQUIRED
    contact_requests: Limit = _CONTACT_REQUESTS
    max_connections: int = 20_000
    connections_per_address: int = 2_000
    hello_timeout: float = 10
    idle_timeout: float = 90
    stall_timeout: float = 30
    frame_timeout: float = 30
    limits: Rates = SESSION_RATES
    account_limits: Rates = ACCOUNT_RATES
    max_outstanding: int = 128
    max_pending: int = 10_000
    max_pending_bytes: int = 32 * 1024 * 1024
    flush_drafts: int = 1_000
    flush_streams: int = 500
    flush_bytes: int = 2 * 1024 * 1024
    fan_out: int = 500
    cached_members: int = 1_000_000
    report_interval: float = 3
    revalidation_interval: float = 60
    presence_refresh: float = 30
    touch_interval: float = 3_600
    drain_timeout: float = 10
    retention: tuple[tuple[int, int], ...] = ()
