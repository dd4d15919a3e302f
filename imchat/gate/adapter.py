"""The HTTP API for clients: each endpoint turns JSON into one call of the logic, and its result into JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException

from imchat.domain.errors import BadCredentials, Unavailable
from imchat.domain.models import Device
from imchat.gate import openapi
from imchat.gate.call import Call
from imchat.gate.health import Readiness
from imchat.gate.http import Api, authenticated, endpoint, routes
from imchat.gate.logic import Gate, Registration
from imchat.gate.problems import Answer, HttpRefusal, problem
from imchat.gate.schemas import (
    AccountDeletionRequest,
    Check,
    CodeAnswer,
    CodeRequest,
    HealthAnswer,
    LoginRequest,
    PasswordChangeRequest,
    PasswordResetRequest,
    ReadyAnswer,
    RouteAnswer,
    UserAnswer,
    UserRequest,
    login_answer,
    nodes_of,
)
from imchat.gate.settings import HttpSettings
from imchat.ports import Health, Ids, RateLimiter

_BESIDE_A_TOKEN = 403
"""Of a wrong password beside a token that is good: 401 would tell a client that its session is over."""


class GateApi(Api):
    """The HTTP API.

    Args:
        gate: The logic.
        dependencies: What must answer for ``/readyz``, by name.
        ids: For the ids of internal errors.
        limiter: Counts requests.
        settings: Bounds.
        clock: For time-outs.
    """

    app = routes()

    def __init__(
        self,
        gate: Gate,
        dependencies: Mapping[str, Health],
        ids: Ids,
        limiter: RateLimiter,
        settings: HttpSettings,
        clock: IReactorTime,
    ) -> None:
        super().__init__(ids, limiter, settings)
        self._gate = gate
        self._readiness = Readiness(dependencies, clock, settings.health_timeout)
        self._document = json.dumps(openapi.document()).encode("utf-8")

    @app.route("/v1/verification-codes", methods=["POST"])
    @endpoint()
    async def request_code(self, call: Call) -> Answer:
        """Mail a code."""
        body = call.body(CodeRequest)
        sent = await self._gate.request_code(body.purpose, body.email, call.language, call.peer)
        return Answer(202, CodeAnswer(expires_in_ms=sent.expires_in_ms, retry_after_ms=sent.retry_after_ms))

    @app.route("/v1/users", methods=["POST"])
    @endpoint()
    async def register(self, call: Call) -> Answer:
        """Create an account."""
        body = call.body(UserRequest)
        request = Registration(body.name, body.email, body.password, body.code, body.invitation)
        card = await self._gate.register(request, call.peer)
        return Answer(201, UserAnswer(user_id=card.id, name=card.name))

    @app.route("/v1/password-resets", methods=["POST"])
    @endpoint()
    async def reset_password(self, call: Call) -> Answer:
        """Set a new password."""
        body = call.body(PasswordResetRequest)
        await self._gate.reset_password(body.email, body.code, body.password, call.peer)
        return Answer(204)

    @app.route("/v1/logins", methods=["POST"])
    @endpoint(cancellable=True)
    async def login(self, call: Call) -> Answer:
        """Open a session; a client that goes away takes a password that still waits for its hash with it."""
        body = call.body(LoginRequest)
        device = Device(body.device_id, body.device_name, body.platform)
        return Answer(200, login_answer(await self._gate.login(body.login, body.password, device, call.peer)))

    @app.route("/v1/password-changes", methods=["POST"])
    @endpoint()
    @authenticated
    async def change_password(self, call: Call, token: str) -> Answer:
        """Set a new password with the old one."""
        body = call.body(PasswordChangeRequest)
        try:
            await self._gate.own_account.change_password(token, body.old_password, body.new_password, call.peer)
        except BadCredentials as error:
            raise HttpRefusal(error, _BESIDE_A_TOKEN) from error
        return Answer(204)

    @app.route("/v1/account-deletions", methods=["POST"])
    @endpoint()
    @authenticated
    async def delete_account(self, call: Call, token: str) -> Answer:
        """Delete the account."""
        password = call.body(AccountDeletionRequest).password
        try:
            await self._gate.own_account.delete(token, password, call.peer)
        except BadCredentials as error:
            raise HttpRefusal(error, _BESIDE_A_TOKEN) from error
        return Answer(204)

    @app.route("/v1/routes", methods=["POST"])
    @endpoint()
    @authenticated
    async def route(self, call: Call, token: str) -> Answer:
        """Chat nodes for a token."""
        session, route, expires_ms = await self._gate.route(token)
        nodes = nodes_of(route)
        return Answer(200, RouteAnswer(user_id=session.user_id, name=session.name, nodes=nodes, expires_ms=expires_ms))

    @app.route("/v1/sessions/current", methods=["DELETE"])
    @endpoint()
    @authenticated
    async def logout(self, call: Call, token: str) -> Answer:
        """End the session of the token."""
        await self._gate.logout(token)
        return Answer(204)

    @app.route("/v1/openapi.json", methods=["GET"])
    @endpoint()
    async def describe(self, call: Call) -> Answer:
        """This API as an OpenAPI document."""
        return Answer(200, self._document)

    @app.route("/healthz", methods=["GET"])
    @endpoint(limited=False)
    async def health(self, call: Call) -> Answer:
        """The process lives."""
        return Answer(200, HealthAnswer())

    @app.route("/readyz", methods=["GET"])
    @endpoint(limited=False)
    async def ready(self, call: Call) -> Answer:
        """The dependencies answer."""
        state = await self._readiness.check()
        checks = [Check(name=name, ok=ok) for name, ok in state.items()]
        if all(state.values()):
            return Answer(200, ReadyAnswer(checks=checks))
        return problem(Unavailable("a dependency does not answer"), checks=checks)

    @app.handle_errors(HTTPException)
    def unknown(self, request: IRequest, failure: Failure) -> bytes:
        """No endpoint has this path, or none this method."""
        return self.not_routed(request, failure)
