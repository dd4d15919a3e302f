"""The gate's HTTP API as a client calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from OpenSSL.SSL import Error as TLSError
from service_identity import VerificationError
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectingCancelledError, ConnectionClosed
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed

from imchat.client.errors import Unreachable, one_line
from imchat.domain.errors import IMError, Internal, by_code
from imchat.domain.models import Device, Login, NodeAddress, Route

T = TypeVar("T")

TIMEOUT = 20.0
"""Seconds for one call."""

_NETWORK_ERRORS = (
    ConnectError,
    ConnectionClosed,
    ConnectingCancelledError,  # a time-out that struck while connecting
    ResponseFailed,
    RequestTransmissionFailed,
    RequestGenerationFailed,
    OSError,
    DeferredTimeout,
)


@dataclass(frozen=True, slots=True)
class CodeSent:
    """Answer to a request for a code, in ms: how long it is valid, and when another may be asked for."""

    expires_in_ms: int
    retry_after_ms: int


class HttpApi:
    """JSON over HTTP with problem details for errors.

    Args:
        base: URL in front of the paths.
        http: A treq client.
        clock: For time-outs.
        name: What to call the server when it cannot be reached; the URL by default.
        timeout: Seconds for one call.
    """

    def __init__(
        self, base: str, http: HTTPClient, clock: IReactorTime, name: str = "", timeout: float = TIMEOUT
    ) -> None:
        self.base = base.rstrip("/")
        self.name = name or self.base
        self._http = http
        self._clock = clock
        self._timeout = timeout

    async def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """Make one call.

        Returns:
            The JSON object of the answer, empty where it has no body.

        Raises:
            IMError: what the server refused, by its code.
            Unreachable: no answer, or none that this API gives.
        """
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            deferred = Deferred.fromCoroutine(self._exchange(method, path, body, headers))
            status, data = await deferred.addTimeout(self._timeout, self._clock)
        except _NETWORK_ERRORS as error:
            raise Unreachable(f"cannot reach {self.name}: {_describe(error)}") from error
        if 200 <= status < 300:
            return self._object(data) if data else {}
        raise self._problem(status, data)

    async def _exchange(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        # Tokens and passwords go nowhere but to the server that was named: no redirects.
        options: dict[str, Any] = {"headers": headers, "allow_redirects": False, "reactor": self._clock}
        if body is not None:
            options["json"] = body
        response = await self._http.request(method, self.base + path, **options)
        return response.code, await response.content()

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            value = json.loads(data)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Unreachable(f"cannot use {self.name}: its answer is no JSON object; is it an imchat gate?")
        return value

    def _problem(self, status: int, data: bytes) -> Exception:
        try:
            problem = json.loads(data)
            code, detail = problem["code"], str(problem.get("detail") or problem.get("title") or "")
        except (ValueError, TypeError, KeyError, AttributeError):
            hint = "" if status >= 500 else "; is it an imchat gate?"
            return Unreachable(f"cannot use {self.name}: it answers with HTTP status {status}{hint}")
        faults = "; ".join(f"{f['field']}: {f['message']}" for f in problem.get("errors") or [] if _is_fault(f))
        retry_after = problem.get("retry_after_ms")
        kind: type[IMError] = by_code().get(str(code), Internal)
        return kind(faults or detail, retry_after if isinstance(retry_after, int) else None)


def _is_fault(value: object) -> bool:
    return isinstance(value, dict) and {"field", "message"} <= value.keys()


def _describe(error: BaseException) -> str:
    if isinstance(error, DeferredTimeout | CancelledError | ConnectingCancelledError):
        return "no answer in time"
    reasons = [failure.value for failure in getattr(error, "reasons", ())]
    if reasons:
        # A connection that breaks cancels the rest of its request: that is a consequence, no reason.
        return _describe(next((r for r in reasons if not isinstance(r, CancelledError)), reasons[0]))
    if type(error).__name__ == "ParseError":  # treq's and Twisted's HTTP client have no public name for it
        return "its answer is no HTTP"
    if isinstance(error, VerificationError):
        return "its certificate is for another name"
    if isinstance(error, TLSError):
        return f"TLS failed: {_tls_reason(error)}"
    return one_line(error)


def _tls_reason(error: TLSError) -> str:
    parts = error.args[0] if error.args and isinstance(error.args[0], list) else ()
    return "; ".join(str(part[-1]) for part in parts if part) or one_line(error)


class Gate(HttpApi):
    """The gate of one imchat server; every method raises as :meth:`HttpApi.call` does."""

    async def request_code(self, purpose: str, email: str) -> CodeSent:
        """Ask for a code by mail; ``purpose`` is ``registration`` or ``password_reset``."""
        answer = await self.call("POST", "/v1/verification-codes", {"purpose": purpose, "email": email})
        return self._read(lambda: CodeSent(int(answer["expires_in_ms"]), int(answer["retry_after_ms"])))

    async def register(
        self, name: str, email: str, password: str, code: str, invitation: str | None = None
    ) -> tuple[int, str]:
        """Create an account with a code from the mail. Returns the user's id and name."""
        body = {"name": name, "email": email, "password": password, "code": code}
        if invitation is not None:
            body["invitation"] = invitation
        answer = await self.call("POST", "/v1/users", body)
        return self._read(lambda: (int(answer["user_id"]), str(answer["name"])))

    async def reset_password(self, email: str, code: str, password: str) -> None:
        """Set a new password with a code from the mail; all sessions end."""
        await self.call("POST", "/v1/password-resets", {"email": email, "code": code, "password": password})

    async def change_password(self, token: str, old: str, new: str) -> None:
        """Set a new password with the old one; all sessions but that of the token end.

        Raises:
            BadCredentials: the old one is wrong. The session goes on.
        """
        await self.call("POST", "/v1/password-changes", {"old_password": old, "new_password": new}, token)

    async def delete_account(self, token: str, password: str) -> None:
        """Delete the account of a token for good; all sessions end.

        Raises:
            BadCredentials: the password is wrong.
        """
        await self.call("POST", "/v1/account-deletions", {"password": password}, token)

    async def login(self, login: str, password: str, device: Device) -> Login:
        """Open a session; one that the device has already ends."""
        body = {
            "login": login,
            "password": password,
            "device_id": device.device_id,
            "device_name": device.device_name,
            "platform": device.platform,
        }
        return self._login(await self.call("POST", "/v1/logins", body))

    async def route(self, token: str) -> Login:
        """Chat nodes for a valid token, best first; the token in the answer is the one given."""
        answer = await self.call("POST", "/v1/routes", token=token)
        return self._login({**answer, "token": token})

    async def logout(self, token: str) -> None:
        """End the session of a token."""
        await self.call("DELETE", "/v1/sessions/current", token=token)

    def _login(self, answer: dict[str, Any]) -> Login:
        def read() -> Login:
            nodes = tuple(NodeAddress(str(n["host"]), int(n["port"]), bool(n["tls"])) for n in answer["nodes"])
            return Login(
                int(answer["user_id"]),
                str(answer["name"]),
                str(answer["token"]),
                int(answer["expires_ms"]),
                Route(nodes),
            )

        return self._read(read)

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"cannot use {self.name}: its answer lacks {error}; is it an imchat gate?") from error
