"""Every operation of the HTTP API, as its description tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import BaseModel

from imchat.gate import schemas

_NO_CODES: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path.

    Attributes:
        name: The handler's name, and the operation's id.
        summary: One line.
        text: What one must know to use it.
        request: Schema of the body, None where there is none.
        status: Of success.
        answer: Schema of the answer, None where it has no body.
        refusals: Status to the codes that it can carry here, beside those that all operations have.
        secured: Whether a token is needed.
        localised: Whether ``Accept-Language`` matters.
        limited: Whether it counts against the limit of requests.
    """

    method: str
    path: str
    name: str
    summary: str
    text: str
    status: int
    request: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    refusals: Mapping[int, str] = field(default_factory=lambda: _NO_CODES)
    secured: bool = False
    localised: bool = False
    limited: bool = True


UNREACHABLE = {503: "`unavailable`: a part that this needs is down or busy"}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/verification-codes",
        "request_code",
        "Have a code mailed",
        "Whether the address has an account is told in the mail only: the answer is the same.",
        202,
        schemas.CodeRequest,
        schemas.CodeAnswer,
        {403: "`registration_closed`, `value_refused`", **UNREACHABLE},
        localised=True,
    ),
    Operation(
        "POST",
        "/v1/users",
        "register",
        "Register with a mailed code",
        "A code is used up by success, and by refusals that only its owner may see.",
        201,
        schemas.UserRequest,
        schemas.UserAnswer,
        {
            403: "`registration_closed`, `invitation_invalid`, `code_invalid`, `weak_password`, `value_refused`",
            409: "`name_taken`; `email_taken` (after a right code only)",
            **UNREACHABLE,
        },
    ),
    Operation(
        "POST",
        "/v1/password-resets",
        "reset_password",
        "Set a new password with a mailed code",
        "All sessions of the account end.",
        204,
        schemas.PasswordResetRequest,
        None,
        {403: "`code_invalid`, `weak_password`, `value_refused`", **UNREACHABLE},
    ),
    Operation(
        "POST",
        "/v1/logins",
        "login",
        "Log in",
        "Opens the session of a device; one that the device has already is replaced, and its token is void.",
        200,
        schemas.LoginRequest,
        schemas.LoginAnswer,
        {401: "`bad_credentials`", **UNREACHABLE},
    ),
    Operation(
        "POST",
        "/v1/password-changes",
        "change_password",
        "Set a new password with the old one",
        "All other sessions of the account end; that of the token stays.",
        204,
        schemas.PasswordChangeRequest,
        None,
        {403: "`bad_credentials`, `weak_password`, `value_refused`", **UNREACHABLE},
        secured=True,
    ),
    Operation(
        "POST",
        "/v1/account-deletions",
        "delete_account",
        "Delete the account",
        "For good, with all its sessions. Name and address are free again; who talked with it keeps what was said.",
        204,
        schemas.AccountDeletionRequest,
        None,
        {403: "`bad_credentials`", **UNREACHABLE},
        secured=True,
    ),
    Operation(
        "POST",
        "/v1/routes",
        "route",
        "Get a chat node for a token",
        "For reconnecting without the password. There is no body.",
        200,
        None,
        schemas.RouteAnswer,
        UNREACHABLE,
        secured=True,
    ),
    Operation(
        "DELETE",
        "/v1/sessions/current",
        "logout",
        "Log out",
        "Ends the session of the token, and its connection with it.",
        204,
        None,
        None,
        UNREACHABLE,
        secured=True,
    ),
    Operation("GET", "/v1/openapi.json", "describe", "This document", "The API as an OpenAPI document.", 200),
    Operation(
        "GET",
        "/healthz",
        "health",
        "The process lives",
        "For whoever restarts a process that does not answer.",
        200,
        None,
        schemas.HealthAnswer,
        limited=False,
    ),
    Operation(
        "GET",
        "/readyz",
        "ready",
        "The dependencies answer",
        "For load balancers. They are asked at most once a second.",
        200,
        None,
        schemas.ReadyAnswer,
        {503: "`unavailable`: at least one does not answer; `checks` says which"},
        limited=False,
    ),
)
