"""The rules of verification codes: six digits, valid for a time, void after some wrong tries, good for one use."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

CODE_LENGTH = 6
"""Number of decimal digits of a code."""


@dataclass(frozen=True, slots=True)
class CodeRecord:
    """What is kept of a code.

    Attributes:
        digest: :func:`digest` of the code.
        expires_ms: From then on the code is no good.
        wrong_tries: How often another code was tried.
    """

    digest: bytes
    expires_ms: int
    wrong_tries: int = 0


def is_code(text: str) -> bool:
    """Whether a text has the form of a code."""
    return len(text) == CODE_LENGTH and text.isascii() and text.isdecimal()


def digest(code: str) -> bytes:
    """Return 32 bytes for a code of whatever length, so that comparing takes the same time for all.

    This hides nothing: there are a million codes only. It is the life of five minutes that protects them.
    """
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def issue(code: str, ttl_ms: int, now_ms: int) -> CodeRecord:
    """Return the record of a new code that is valid for ``ttl_ms`` milliseconds."""
    return CodeRecord(digest(code), now_ms + ttl_ms)


def check(record: CodeRecord, code: str, max_tries: int, now_ms: int) -> tuple[bool, CodeRecord | None]:
    """Try a code.

    Returns:
        Whether it is the right one and still good, and the record to keep; None where none is to be kept: the code
        was used, has expired, or this was the last wrong try.
    """
    if now_ms >= record.expires_ms or record.wrong_tries >= max_tries:
        return False, None
    if hmac.compare_digest(record.digest, digest(code)):
        return True, None
    wrong_tries = record.wrong_tries + 1
    return False, replace(record, wrong_tries=wrong_tries) if wrong_tries < max_tries else None
