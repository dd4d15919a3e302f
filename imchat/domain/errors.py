"""Errors that may reach a client, each with a stable code.

The tree (code in brackets)::

    IMError
     +-- InvalidRequest        [invalid_request]      the request breaks the protocol or a validation rule
     |    +-- TooLarge         [too_large]            a frame, body or content over its limit
     |    +-- Unsupported      [unsupported]          a body or content kind that this server does not know
     +-- UpgradeRequired       [upgrade_required]     the client's protocol version is below the server's minimum
     +-- Unauthenticated       [unauthenticated]      no session, or a token that is wrong, expired or ended
     |    +-- BadCredentials   [bad_credentials]      wrong name or password; which of them is not told
     +-- SessionReplaced       [replaced]             the same device logged in again
     +-- SessionEnded          [session_ended]        the session was ended: log-out, password reset, by an operator
     +-- Forbidden             [forbidden]            the session may not do this
     |    +-- RegistrationClosed [registration_closed] the operator lets nobody register
     |    +-- InvitationInvalid  [invitation_invalid]  wrong, used up or expired invitation code
     |    +-- CodeInvalid      [code_invalid]         wrong, used, void or expired verification code
     |    +-- WeakPassword     [weak_password]        on the list of common passwords, or like the name
     |    +-- ValueRefused     [value_refused]        a value fits its schema and is still not acceptable
     |    +-- NotContacts      [not_contacts]         the two are not contacts, or one does not let the other write
     |    +-- TooLate          [too_late]             the time within which this could be done is over
     |    +-- TooMany          [too_many]             a bound on how many there may be is reached
     +-- NotFound              [not_found]            no such thing, or none that this user may know of
     +-- Conflict              [conflict]             the same client id was used before with another content
     |    +-- NameTaken        [name_taken]           another account has this name
     |    +-- EmailTaken       [email_taken]          another account has this address (told after a right code only)
     |    +-- Unchanged        [unchanged]            it is so already, by another request
     +-- Passing                                      may succeed when the same request is made again later
     |    +-- RateLimited      [rate_limited]         too many requests; ``retry_after_ms`` says how long to wait
     |    +-- Unavailable      [unavailable]          the outcome is unknown or a part is down; repeat with the same id
     |         +-- Contended   [unavailable]          nothing was stored: others held what it needs locked
     +-- Internal              [internal]             a fault of the server; its log has the details
"""

from __future__ import annotations

from typing import ClassVar


class IMError(Exception):
    """An error with a stable code that a client may see.

    Args:
        message: One English sentence for people; clients decide by ``code`` alone.
        retry_after_ms: How long to wait before the same request may succeed, in milliseconds.
    """

    code: ClassVar[str] = "internal"

    def __init__(self, message: str = "", retry_after_ms: int | None = None) -> None:
        super().__init__(message or type(self).__name__)
        self.message = message or self.code.replace("_", " ")
        self.retry_after_ms = retry_after_ms


class InvalidRequest(IMError):
    """The request breaks the protocol or a validation rule."""

    code = "invalid_request"


class TooLarge(InvalidRequest):
    """Something in the request is over its documented limit."""

    code = "too_large"


class Unsupported(InvalidRequest):
    """A body or a kind of content that this server does not know."""

    code = "unsupported"


class UpgradeRequired(IMError):
    """The client's protocol version is below the server's minimum."""

    code = "upgrade_required"


class Unauthenticated(IMError):
    """No session, or a token that is wrong, expired or ended."""

    code = "unauthenticated"


class BadCredentials(Unauthenticated):
    """Wrong name or password; which of them is not told."""

    code = "bad_credentials"


class SessionReplaced(IMError):
    """The same device logged in again; the older connection ends."""

    code = "replaced"


class SessionEnded(IMError):
    """The session was ended by a log-out, a password reset or an operator."""

    code = "session_ended"


class Forbidden(IMError):
    """The session may not do this."""

    code = "forbidden"


class RegistrationClosed(Forbidden):
    """The operator lets nobody register."""

    code = "registration_closed"


class InvitationInvalid(Forbidden):
    """The invitation code is wrong, used up or expired."""

    code = "invitation_invalid"


class NotContacts(Forbidden):
    """The two are not contacts, or one does not let the other write; which of them is not told."""

    code = "not_contacts"


class TooLate(Forbidden):
    """The time within which this could be done is over."""

    code = "too_late"


class TooMany(Forbidden):
    """A bound on how many there may be is reached."""

    code = "too_many"


class CodeInvalid(Forbidden):
    """The verification code is wrong, used, void or expired; which of them is not told."""

    code = "code_invalid"


class WeakPassword(Forbidden):
    """The password is on the list of common ones or is the account's own name."""

    code = "weak_password"


class ValueRefused(Forbidden):
    """A value that fits its schema breaks a rule that no schema can state.

    Args:
        message: As in :class:`IMError`.
        retry_after_ms: As in :class:`IMError`.
        field: Name of the field, empty where none is to blame.
    """

    code = "value_refused"

    def __init__(self, message: str = "", retry_after_ms: int | None = None, *, field: str = "") -> None:
        super().__init__(message, retry_after_ms)
        self.field = field


class NotFound(IMError):
    """There is no such thing, or none that this user may know of."""

    code = "not_found"


class Conflict(IMError):
    """The same client id came before with another content."""

    code = "conflict"


class NameTaken(Conflict):
    """Another account has this name."""

    code = "name_taken"


class Unchanged(Conflict):
    """It is so already, by another request: nothing was stored."""

    code = "unchanged"


class EmailTaken(Conflict):
    """Another account has this address; told only to one who proved to own it."""

    code = "email_taken"


class Passing(IMError):
    """An error for a passing reason: the same request may succeed later."""


class RateLimited(Passing):
    """Too many requests."""

    code = "rate_limited"


class Unavailable(Passing):
    """The outcome is unknown, or something that the request needs is down."""

    code = "unavailable"


class Contended(Unavailable):
    """Others held what the request needs locked, again and again; nothing was stored.

    Unlike an outage it may concern one part of a batch alone. Outside it is ``unavailable`` like any other.
    """


class Internal(IMError):
    """A fault of the server; its log has the details under the id in the message."""

    code = "internal"


def by_code() -> dict[str, type[IMError]]:
    """Every error class by its code, for clients that turn a received code back into an exception."""
    found: dict[str, type[IMError]] = {}
    pending: list[type[IMError]] = [IMError]
    while pending:
        error = pending.pop()
        pending.extend(error.__subclasses__())
        if "code" in vars(error):
            found[error.code] = error
    found["internal"] = Internal
    return found
