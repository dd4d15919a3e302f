"""The operator's API, served on a UNIX socket that only the server's own account may open."""

from __future__ import annotations

from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import HTTPException

from imchat.gate.call import Call
from imchat.gate.http import Api, endpoint, routes
from imchat.gate.logic import Operators
from imchat.gate.problems import Answer
from imchat.gate.schemas import InvitationAnswer, InvitationRequest, NewUserRequest, UserAnswer
from imchat.gate.settings import HttpSettings
from imchat.ports import Ids, RateLimiter


class AdminApi(Api):
    """The operator's API.

    Args:
        operators: The logic.
        ids: For the ids of internal errors.
        limiter: Counts requests, where ``settings`` limit them.
        settings: Bounds.
    """

    app = routes()

    def __init__(self, operators: Operators, ids: Ids, limiter: RateLimiter, settings: HttpSettings) -> None:
        super().__init__(ids, limiter, settings)
        self._operators = operators

    @app.route("/v1/admin/invitations", methods=["POST"])
    @endpoint()
    async def invite(self, call: Call) -> Answer:
        """Make an invitation."""
        body = call.body(InvitationRequest)
        invitation = await self._operators.invite(body.uses, body.days)
        return Answer(201, InvitationAnswer(code=invitation.code, expires_ms=invitation.expires_ms))

    @app.route("/v1/admin/users", methods=["POST"])
    @endpoint()
    async def create_user(self, call: Call) -> Answer:
        """Create an account."""
        body = call.body(NewUserRequest)
        card = await self._operators.create_user(body.name, body.email, body.password)
        return Answer(201, UserAnswer(user_id=card.id, name=card.name))

    @app.handle_errors(HTTPException)
    def unknown(self, request: IRequest, failure: Failure) -> bytes:
        """No endpoint has this path, or none this method."""
        return self.not_routed(request, failure)
