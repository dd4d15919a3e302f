"""Session tokens: what the client holds, what the store keeps, and when a session is over."""

from __future__ import annotations

import base64
import binascii
import hashlib

from imchat.domain.errors import Unauthenticated

TOKEN_LENGTH = 32
"""Length of a token, in bytes."""

TOKEN_TEXT_LENGTH = 43
"""Length of a token's text, in characters."""

DAY_MS = 86_400_000

# Why sessions were ended, as private streams tell it (beside others, that have no rule of their own).
ENDED = "ended"
PASSWORD_CHANGE = "password_change"  # noqa: S105
ACCOUNT_DELETED = "account_deleted"


def token_text(token: bytes) -> str:
    """Return a token as clients hold it: base64url without padding."""
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii")


def token_bytes(text: str) -> bytes:
    """Return the bytes of a token's text.

    Raises:
        Unauthenticated: the text is no token, or is another spelling of one.
    """
    if len(text) != TOKEN_TEXT_LENGTH or not text.isascii():
        raise Unauthenticated("the token is not valid")
    try:
        token = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        raise Unauthenticated("the token is not valid") from None
    # The last character carries two bits that belong to no byte: one token has one text only.
    if len(token) != TOKEN_LENGTH or token_text(token) != text:
        raise Unauthenticated("the token is not valid")
    return token


def token_hash(token: bytes) -> bytes:
    """Return what the store keeps of a token. A token has 256 random bits, so that no salt is needed."""
    return hashlib.sha256(token).digest()


def hash_of_text(text: str) -> bytes:
    """Return the hash under which a token's text is found.

    Raises:
        Unauthenticated: the text is no token.
    """
    return token_hash(token_bytes(text))


def expires_ms(last_used_ms: int, lifetime_ms: int) -> int:
    """When a session ends if it is not used again, in ms UTC."""
    return last_used_ms + lifetime_ms


def is_expired(last_used_ms: int, lifetime_ms: int, now_ms: int) -> bool:
    """Whether a session has gone unused for its whole lifetime."""
    return now_ms >= expires_ms(last_used_ms, lifetime_ms)
