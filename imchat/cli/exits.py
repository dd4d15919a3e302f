"""How the command ends: exit codes and one line on standard error."""

from __future__ import annotations

from enum import IntEnum

from twisted.internet.defer import CancelledError

from imchat.client import ClientError, NotLoggedIn, Stopped, Unreachable
from imchat.domain.errors import (
    BadCredentials,
    IMError,
    RateLimited,
    SessionEnded,
    SessionReplaced,
    Unauthenticated,
    Unavailable,
)


class Code(IntEnum):
    """Exit codes; scripts may rely on them."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_LOGGED_IN = 4
    TIMED_OUT = 5
    INTERRUPTED = 130


class Exit(Exception):
    """End the command with a code and, where there is something to say, a line on standard error."""

    def __init__(self, code: Code, message: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def exit_for(error: BaseException) -> Exit | None:
    """How the command ends because of an exception; None where it is a fault of this program."""
    match error:
        case Exit():
            return error
        case CancelledError() | Stopped() | KeyboardInterrupt():
            return Exit(Code.INTERRUPTED)
        case BrokenPipeError():
            return Exit(Code.REFUSED)
        case OSError():
            reason = error.strerror or str(error)
            return Exit(Code.REFUSED, f"{error.filename}: {reason}" if error.filename else reason)
        case NotLoggedIn() | SessionReplaced() | SessionEnded():
            return Exit(Code.NOT_LOGGED_IN, str(error))
        case BadCredentials():
            return Exit(Code.REFUSED, str(error) or "wrong name or password")
        case Unauthenticated():
            return Exit(Code.NOT_LOGGED_IN, "the session is over: log in again")
        case Unreachable() | Unavailable():
            return Exit(Code.UNREACHABLE, str(error))
        case IMError() | ClientError():
            return Exit(Code.REFUSED, f"{error}{_again(error)}")
    return None


def _again(error: BaseException) -> str:
    """When to try again, where that is known: in the unit in which people think of it, never too short."""
    if not isinstance(error, RateLimited) or not error.retry_after_ms:
        return ""
    return f": try again in {_duration(error.retry_after_ms)}"


def _duration(milliseconds: int) -> str:
    seconds = -(-milliseconds // 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 60 else f"{-(-minutes // 60)} h"
