"""What the logic is given instead of taking it from the world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol


class Ids(Protocol):
    """Where randomness comes from: injected, so that a test can repeat it."""

    def new_id(self) -> int:
        """A random id for a user or conversation, 1 to 2**53 - 1."""

    def token(self) -> bytes:
        """32 random bytes for a session token."""

    def client_id(self) -> bytes:
        """16 random bytes for an event that the server makes."""

    def digits(self, count: int) -> str:
        """``count`` random decimal digits, for a verification code."""

    def fraction(self) -> float:
        """A random number from 0 up to 1, for jitter. Need not be unpredictable."""


Spawn = Callable[[str, Awaitable[object]], None]
"""Starts an awaitable that nobody waits for; its failure is logged under the name given."""
