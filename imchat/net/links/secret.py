"""The secret that all servers of one installation share, and how they prove to each other that they know it.

Each side sends a random nonce and answers the other's with an HMAC-SHA256 over both; the secret itself never travels.
The caller proves first. The proof names the service, so that one given to a status server is no good at verify.
It does not bind the channel: links run over TLS or stay on the machine (:mod:`imchat.net.links.endpoints`).
"""

from __future__ import annotations

import hmac
from typing import Literal

MIN_SECRET = 16
"""Shortest secret, in bytes."""

_MIN_DISTINCT = 6
_NONCE_LENGTH = 32
_PLACEHOLDERS = ("change", "example", "default", "password", "secret", "imchat", "placeholder", "insert")

Side = Literal["caller", "server"]


class SecretRefused(ValueError):
    """The shared secret cannot be used; the message says why and never holds the secret."""


class SharedSecret:
    """The shared secret.

    Args:
        value: The secret; white space around it (a file's last newline) does not count.

    Raises:
        SecretRefused: it is missing, too short, or one that everybody would guess.
    """

    __slots__ = ("_key",)

    def __init__(self, value: str | bytes | None) -> None:
        key = (value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value or b"").strip()
        fault = _fault(key)
        if fault:
            raise SecretRefused(f"the shared secret of the servers {fault}; make one with: openssl rand -hex 32")
        self._key = key

    def __repr__(self) -> str:
        return "<SharedSecret>"

    def proof(self, side: Side, service: str, server_nonce: bytes, caller_nonce: bytes) -> bytes:
        """What a side sends to prove that it knows the secret (32 bytes)."""
        label = "\0".join(("imchat link 1", side, service, "")).encode()
        return hmac.digest(self._key, label + server_nonce + caller_nonce, "sha256")

    def proves(self, proof: bytes, side: Side, service: str, server_nonce: bytes, caller_nonce: bytes) -> bool:
        """Whether a proof is the right one, compared in constant time."""
        if len(server_nonce) != _NONCE_LENGTH or len(caller_nonce) != _NONCE_LENGTH:
            return False
        return hmac.compare_digest(proof, self.proof(side, service, server_nonce, caller_nonce))


def _fault(key: bytes) -> str | None:
    if not key:
        return "is missing"
    if len(key) < MIN_SECRET:
        return f"has fewer than {MIN_SECRET} bytes"
    if len(set(key)) < _MIN_DISTINCT:
        return f"has fewer than {_MIN_DISTINCT} different bytes"
    # What is left of a default when the words of which defaults are made are taken out must itself be long enough.
    rest = key.lower()
    for word in _PLACEHOLDERS:
        rest = rest.replace(word.encode(), b"")
    if len(rest) < MIN_SECRET and rest != key.lower():
        return "looks like a default that was never changed"
    return None
