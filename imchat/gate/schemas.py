"""The JSON of the HTTP API: strict, without unknown fields, and published as it is validated (OpenAPI).

What a schema can say is said here. What it cannot is refused with 403 by :mod:`imchat.domain.accounts`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from imchat.domain import accounts as rules
from imchat.domain.models import MAX_ID, Login, Route
from imchat.ports import Purpose


class Schema(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


Name = Annotated[
    str,
    Field(
        min_length=rules.MIN_NAME,
        max_length=rules.MAX_NAME,
        pattern=rules.NAME_PATTERN,
        description="2 to 32 letters of any script, digits, _ . - and single inner spaces; a letter or digit first",
    ),
]
Email = Annotated[
    str,
    Field(
        min_length=6,
        max_length=rules.MAX_EMAIL,
        pattern=rules.EMAIL_PATTERN,
        description="an e-mail address such as alice@example.org, at most 254 characters",
    ),
]
NewPassword = Annotated[
    str,
    Field(
        min_length=rules.MIN_PASSWORD,
        max_length=rules.MAX_PASSWORD,
        repr=False,
        description="8 to 256 characters, no common password, not the name or address",
    ),
]
Code = Annotated[
    str, Field(pattern=rules.CODE_PATTERN, repr=False, description="the six digits of the mail", examples=["246810"])
]
Milliseconds = Annotated[int, Field(ge=0)]
UserId = Annotated[int, Field(ge=1, le=MAX_ID)]
DeviceText = Annotated[
    str,
    Field(
        min_length=1,
        max_length=rules.MAX_DEVICE_TEXT,
        pattern=rules.DEVICE_TEXT_PATTERN,
        description="1 to 64 characters, no control characters",
    ),
]


Password = Annotated[
    str, Field(min_length=1, max_length=rules.MAX_PASSWORD, repr=False, description="1 to 256 characters")
]


# --- requests


class CodeRequest(Schema):
    """Asks for a code by mail."""

    model_config = _example(purpose="registration", email="alice@example.org")
    purpose: Purpose
    email: Email


class UserRequest(Schema):
    """Registers."""

    model_config = _example(name="Alice", email="alice@example.org", password="kelp-forest-42", code="246810")  # noqa: S106
    name: Name
    email: Email
    password: NewPassword
    code: Code
    invitation: (
        Annotated[
            str,
            Field(
                pattern=rules.INVITATION_PATTERN,
                max_length=64,
                description="letters, digits and hyphens, where the server asks for an invitation",
            ),
        ]
        | None
    ) = None


class PasswordResetRequest(Schema):
    """Sets a new password with a code."""

    model_config = _example(email="alice@example.org", code="246810", password="kelp-forest-43")  # noqa: S106
    email: Email
    code: Code
    password: NewPassword


class LoginRequest(Schema):
    """Opens a session."""

    model_config = _example(
        login="Alice",
        password="kelp-forest-42",  # noqa: S106
        device_id="b2f0c7a4",
        device_name="Alice's laptop",
        platform="linux",
    )
    login: Annotated[
        str, Field(min_length=1, max_length=rules.MAX_LOGIN, description="a name or an e-mail address, in any case")
    ]
    password: Password
    device_id: Annotated[
        str, Field(pattern=rules.DEVICE_ID_PATTERN, max_length=64, description="1 to 64 of A-Z a-z 0-9 . _ -")
    ]
    device_name: DeviceText
    platform: DeviceText


class PasswordChangeRequest(Schema):
    """Sets a new password with the old one."""

    model_config = _example(old_password="kelp-forest-42", new_password="kelp-forest-43")  # noqa: S106
    old_password: Password
    new_password: NewPassword


class AccountDeletionRequest(Schema):
    """Deletes the account of the token."""

    model_config = _example(password="kelp-forest-42")  # noqa: S106
    password: Password


class InvitationRequest(Schema):
    """Makes an invitation."""

    model_config = _example(uses=5, days=7)
    uses: Annotated[int, Field(ge=1, le=100_000)]
    days: Annotated[int, Field(ge=1, le=3_650)]


class NewUserRequest(Schema):
    """Creates an account without mail or code."""

    model_config = _example(name="Alice", email="alice@example.org", password="kelp-forest-42")  # noqa: S106
    name: Name
    email: Email
    password: NewPassword


# --- answers


class CodeAnswer(Schema):
    """A mail is on its way: for how long a code is valid, and when another may be asked for."""

    model_config = _example(expires_in_ms=300_000, retry_after_ms=60_000)
    expires_in_ms: Milliseconds
    retry_after_ms: Milliseconds


class UserAnswer(Schema):
    """The new account."""

    model_config = _example(user_id=4_215_570_112_345_678, name="Alice")
    user_id: UserId
    name: str


class Node(Schema):
    """Where a chat node listens."""

    model_config = _example(host="chat.example.org", port=8090, tls=True)
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)]
    tls: bool


class RouteAnswer(Schema):
    """Chat nodes to try, best first, and when the session ends if it is not used again."""

    model_config = _example(
        user_id=4_215_570_112_345_678,
        name="Alice",
        nodes=[{"host": "chat.example.org", "port": 8090, "tls": True}],
        expires_ms=1_800_000_000_000,
    )
    user_id: UserId
    name: str
    nodes: list[Node]
    expires_ms: Milliseconds


class LoginAnswer(RouteAnswer):
    """The session; the token is a secret and is told this once."""

    model_config = _example(
        user_id=4_215_570_112_345_678,
        name="Alice",
        token="q7Yk3yq0mYJ8r7d1S8m1o2l6bq9w4Zx5v3T0c1N2e4A",  # noqa: S106
        nodes=[{"host": "chat.example.org", "port": 8090, "tls": True}],
        expires_ms=1_800_000_000_000,
    )
    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", repr=False)]


class InvitationAnswer(Schema):
    """A new invitation: its code, and until when it is good."""

    model_config = _example(code="MZXW-6YTB-OI3Q-A2LK", expires_ms=1_800_000_000_000)
    code: str
    expires_ms: Milliseconds


class HealthAnswer(Schema):
    """The process lives."""

    model_config = _example(status="ok")
    status: Literal["ok"] = "ok"


class Check(Schema):
    """Whether one dependency answers."""

    model_config = _example(name="database", ok=True)
    name: str
    ok: bool


class ReadyAnswer(Schema):
    """All dependencies answer."""

    model_config = _example(status="ready", checks=[{"name": "database", "ok": True}])
    status: Literal["ready"] = "ready"
    checks: list[Check]


class Fault(Schema):
    """What is wrong with one field; an empty name is the body as a whole."""

    model_config = _example(field="email", message="must be an e-mail address")
    field: str
    message: str


class Problem(Schema):
    """An error (RFC 9457). Programs decide by ``code``; ``detail`` is a sentence for people."""

    model_config = _example(
        type="about:blank", title="Forbidden", status=403, detail="the code is wrong or expired", code="code_invalid"
    )
    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[Fault] | None = None
    retry_after_ms: Milliseconds | None = None
    checks: list[Check] | None = None


def nodes_of(route: Route) -> list[Node]:
    """The JSON of a route."""
    return [Node(host=node.host, port=node.port, tls=node.tls) for node in route.nodes]


def login_answer(login: Login) -> LoginAnswer:
    """The JSON of a new session."""
    return LoginAnswer(
        user_id=login.user_id,
        name=login.name,
        token=login.token,
        nodes=nodes_of(login.route),
        expires_ms=login.expires_ms,
    )
