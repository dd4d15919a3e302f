"""What may be written with a request and about a contact, and how many there may be."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imchat.domain.errors import InvalidRequest, TooMany

MAX_GREETING = 200
MAX_REMARK = 32
MAX_LABELS = 10
MAX_LABEL = 20
MAX_CONTACTS = 5_000
MAX_BLOCKED = 10_000

# Control characters, separators of lines, changes of writing direction.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _check_text(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise InvalidRequest(f"a {name} has at most {longest} characters")
    if _FORBIDDEN.search(text):
        raise InvalidRequest(f"a {name} has no control characters and no changes of writing direction")


def check_greeting(greeting: str) -> None:
    """Check what somebody says with a request.

    Raises:
        InvalidRequest: it is too long, or has characters that it must not have.
    """
    _check_text("greeting", greeting, MAX_GREETING)


def check_remark(remark: str) -> None:
    """Check one's own name for another; raises as :func:`check_greeting`."""
    _check_text("remark", remark, MAX_REMARK)


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Check labels and return them, each once; raises as :func:`check_greeting`."""
    if len(labels) > MAX_LABELS:
        raise InvalidRequest(f"at most {MAX_LABELS} labels")
    for label in labels:
        if not label.strip():
            raise InvalidRequest("a label has at least one character that can be seen")
        _check_text("label", label, MAX_LABEL)
    return tuple(dict.fromkeys(labels))


def check_counts(contacts: int, blocked: int) -> None:
    """Check how many a list would hold.

    Raises:
        TooMany: more than it may.
    """
    if contacts > MAX_CONTACTS:
        raise TooMany(f"a list has at most {MAX_CONTACTS} contacts")
    if blocked > MAX_BLOCKED:
        raise TooMany(f"at most {MAX_BLOCKED} people can be blocked")
