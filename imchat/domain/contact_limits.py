"""What may be written with a request and about a contact, and how many there may be."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.errors import InvalidRequest, TooMany
from imchat.domain.profiles import check_text

MAX_GREETING = 200
MAX_REMARK = 32
MAX_LABELS = 10
MAX_LABEL = 20
MAX_CONTACTS = 5_000
MAX_BLOCKED = 10_000


def check_greeting(greeting: str) -> str:
    """Check what somebody says with a request.

    Returns:
        The form to store.

    Raises:
        InvalidRequest: it is too long, or breaks the rules of :func:`imchat.domain.profiles.check_text`.
    """
    return check_text("greeting", greeting, MAX_GREETING)


def check_remark(remark: str) -> str:
    """Check one's own name for another; returns and raises as :func:`check_greeting`."""
    return check_text("remark", remark, MAX_REMARK)


def check_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Check labels and return them in the form to store, each once; raises as :func:`check_greeting`."""
    if len(labels) > MAX_LABELS:
        raise InvalidRequest(f"at most {MAX_LABELS} labels")
    checked = [check_text("label", label, MAX_LABEL) for label in labels]
    if not all(checked):
        raise InvalidRequest("a label has at least one character that can be seen")
    return tuple(dict.fromkeys(checked))


def check_counts(contacts: int, blocked: int) -> None:
    """Check how many a list would hold.

    Raises:
        TooMany: more than it may.
    """
    if contacts > MAX_CONTACTS:
        raise TooMany(f"a list has at most {MAX_CONTACTS} contacts")
    if blocked > MAX_BLOCKED:
        raise TooMany(f"at most {MAX_BLOCKED} people can be blocked")
