"""What a refusal of the server means for what was typed, and what can be done."""

from __future__ import annotations

from imchat.domain.acts import EDIT_MS, RECALL_MS
from imchat.domain.errors import Forbidden, IMError, NotContacts, NotFound, TooLate, Unchanged

_MINUTE_MS = 60_000

_OTHERS = {
    "recall": "is not your own",
    "edit": "is not your own, or no text",
}

_LATE = {
    "recall": f"is gone, or older than the {RECALL_MS // _MINUTE_MS} minutes within which it can be recalled",
    "edit": f"is gone, or older than the {EDIT_MS // _MINUTE_MS} minutes within which it can be edited",
    "react": "is gone",
}

_UNCHANGED = {
    "recall": "is recalled already",
    "react": "has this reaction of yours already, or has none to take away",
}


def no_conversation(name: str) -> str:
    """What to say where the server knows no such conversation."""
    if name.startswith("#"):
        return f"there is no conversation {name} that you are in"
    return f"there is no conversation with {name!r}"


def lacking(name: str, what: str) -> str:
    """What to say where a conversation, or something in it, was not found; that with a user was opened before."""
    if name.startswith("#"):
        return f"{no_conversation(name)}, or it has {what}"
    return f"the conversation with {name!r} has {what}"


def no_contact(name: str) -> str:
    """What to say where two may not write to each other; which of the reasons it is, is a secret."""
    whom, ask = ("the other", "NAME") if name.startswith("#") else (repr(name), name)
    return (
        f"you and {whom} are not contacts, or one of you does not let the other write: "
        f"ask with 'imchat contacts add {ask}'"
    )


def not_sent(error: IMError, name: str, missing: str) -> str:
    """Why a message was not sent.

    Args:
        name: The conversation, as it was typed.
        missing: What in it the server may not have found.
    """
    match error:
        case NotContacts():
            return no_contact(name)
        case NotFound():
            return lacking(name, missing) if missing else no_conversation(name)
    return str(error)


def explained(error: IMError, act: str, name: str, seq: int) -> IMError:
    """The same refusal of an act on a message, with a sentence about it.

    Args:
        act: ``recall``, ``edit`` or ``react``.
        name: The conversation, as it was typed.
        seq: The number of the message.
    """
    sentence = _sentence(error, act, name, seq)
    return error if sentence is None else type(error)(sentence)


def _sentence(error: IMError, act: str, name: str, seq: int) -> str | None:
    reason = None
    match error:
        case NotContacts():
            return no_contact(name)
        case NotFound():
            return lacking(name, f"no message {seq} for this")
        case TooLate():
            reason = _LATE.get(act)
        case Unchanged():
            reason = _UNCHANGED.get(act)
        case Forbidden() if error.code == Forbidden.code:
            reason = _OTHERS.get(act)
    return None if reason is None else f"message {seq} {reason}"
