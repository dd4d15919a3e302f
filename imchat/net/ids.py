"""Where a running server takes its randomness from: the operating system."""

from __future__ import annotations

import secrets

from imchat.domain.models import CLIENT_ID_LENGTH, MAX_ID
from imchat.domain.sessions import TOKEN_LENGTH


class SecureIds:
    """The :class:`imchat.ports.Ids` of servers; nothing that it returns can be predicted."""

    def __init__(self) -> None:
        self._random = secrets.SystemRandom()

    def new_id(self) -> int:
        """A random id, 1 to 2**53 - 1."""
        return secrets.randbelow(MAX_ID) + 1

    def token(self) -> bytes:
        """32 random bytes."""
        return secrets.token_bytes(TOKEN_LENGTH)

    def client_id(self) -> bytes:
        """16 random bytes."""
        return secrets.token_bytes(CLIENT_ID_LENGTH)

    def digits(self, count: int) -> str:
        """``count`` random decimal digits."""
        return f"{secrets.randbelow(10**count):0{count}d}"

    def fraction(self) -> float:
        """A random number from 0 up to 1."""
        return self._random.random()
