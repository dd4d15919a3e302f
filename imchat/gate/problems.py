"""How an error looks outside: problem details (RFC 9457), with our stable ``code``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from pydantic import BaseModel

from imchat.domain.errors import IMError, Unavailable, ValueRefused
from imchat.gate.schemas import Check, Fault, Problem

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

DEFAULT_RETRY_MS = 1_000
_UNAVAILABLE = "this cannot be done at the moment; try again later"

STATUS_BY_CODE: Mapping[str, int] = {
    "invalid_request": 422,
    "too_large": 413,
    "unsupported": 415,
    "upgrade_required": 426,
    "unauthenticated": 401,
    "bad_credentials": 401,
    "replaced": 401,
    "session_ended": 401,
    "forbidden": 403,
    "registration_closed": 403,
    "invitation_invalid": 403,
    "code_invalid": 403,
    "weak_password": 403,
    "value_refused": 403,
    "not_contacts": 403,
    "too_late": 403,
    "too_many": 403,
    "not_found": 404,
    "conflict": 409,
    "name_taken": 409,
    "email_taken": 409,
    "unchanged": 409,
    "rate_limited": 429,
    "unavailable": 503,
    "internal": 500,
}
"""The HTTP status of each code; a refusal by HTTP itself may have another (:class:`HttpRefusal`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, a body (as a schema or as JSON) or none, and headers beside the usual ones."""

    status: int
    body: BaseModel | bytes | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpRefusal(Exception):
    """A request refused for how it uses HTTP or JSON.

    Args:
        error: The error, whose code is told.
        status: The HTTP status, where it is not the code's usual one.
        faults: What is wrong with which field.
        headers: More response headers.
    """

    def __init__(
        self,
        error: IMError,
        status: int | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status
        self.faults = tuple(faults)
        self.headers = headers or {}


def problem(
    error: IMError,
    status: int | None = None,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    checks: Sequence[Check] | None = None,
) -> Answer:
    """Return the answer that tells an error; 401 names the scheme, 429 and 503 say when to come back."""
    status = status or STATUS_BY_CODE[error.code]
    if isinstance(error, ValueRefused) and error.field:
        faults = (Fault(field=error.field, message=error.message),)
    all_headers = dict(headers or {})
    retry_ms = error.retry_after_ms
    if status in (429, 503):
        retry_ms = retry_ms or DEFAULT_RETRY_MS
        all_headers["Retry-After"] = str(-(-retry_ms // 1000))
    if status == HTTPStatus.UNAUTHORIZED:
        all_headers["WWW-Authenticate"] = "Bearer"
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        # What is down is for the operator: such messages may name hosts and paths.
        detail=_UNAVAILABLE if isinstance(error, Unavailable) else error.message,
        code=error.code,
        errors=list(faults) or None,
        retry_after_ms=retry_ms,
        checks=list(checks) if checks is not None else None,
    )
    return Answer(status, body, PROBLEM_JSON, all_headers)
