"""What may be lost: kept in Redis or in memory."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from imchat.domain.limits import Limit
from imchat.domain.models import NodeReport
from imchat.domain.presence import PresenceEntry


class Purpose(StrEnum):
    """What a verification code is for; a code for one purpose is no good for another."""

    REGISTRATION = "registration"
    PASSWORD_RESET = "password_reset"  # noqa: S105


class CodeStore(Protocol):
    """Verification codes, under purpose and normalised address."""

    async def put(self, purpose: Purpose, address_key: str, code: str, ttl_ms: int) -> None:
        """Store a code with its time to live; an older one is void from now on."""

    async def take(self, purpose: Purpose, address_key: str, code: str, max_tries: int) -> bool:
        """Compare in constant time and, if equal, use the code up, atomically.

        A wrong try is counted; the code is void after ``max_tries`` of them.
        """

    async def discard(self, purpose: Purpose, address_key: str) -> None:
        """Forget a code (its mail could not be sent)."""


class RateLimiter(Protocol):
    """Counts events per key."""

    async def take(self, key: str, limit: Limit) -> int:
        """Count one event if the limit allows it.

        Returns:
            0 if it does; else how long to wait, in ms.
        """

    async def give_back(self, key: str, limit: Limit) -> None:
        """Uncount one event (what it stood for did not happen)."""


class NodeCopy(Protocol):
    """A copy of what chat nodes reported, for a status server that starts. Losing it costs the time to a report."""

    async def write(self, reports: Sequence[NodeReport], lifetime_ms: int) -> None:
        """Keep reports for so long, each in place of the older one of its node. Those of other nodes stay.

        Raises:
            Unavailable: they were perhaps not kept.
        """

    async def read(self) -> list[NodeReport]:
        """The report of each node that has one, in any order.

        Raises:
            Unavailable: the copy cannot be read.
        """


class PresenceStore(Protocol):
    """Which devices are there now, of all nodes. May be lost: everybody is offline then until nodes have put anew."""

    async def put(self, entries: Sequence[PresenceEntry], lifetime_ms: int) -> None:
        """Keep entries for so long, each in place of the older one of its user, node and device.

        Raises:
            Unavailable: some of them were perhaps not kept.
        """

    async def drop(self, entries: Sequence[PresenceEntry]) -> None:
        """Forget the entries of these users, nodes and devices.

        Raises:
            Unavailable: some of them are perhaps kept still.
        """

    async def get(self, user_ids: Sequence[int]) -> dict[int, tuple[PresenceEntry, ...]]:
        """The entries of those users who have any.

        Raises:
            Unavailable: they cannot be read.
        """
