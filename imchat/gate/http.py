"""JSON over Klein: how a handler is called and answered, and the one place where errors become problem details."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

from klein import Klein
from pydantic import BaseModel
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET
from werkzeug.exceptions import MethodNotAllowed
from zope.interface import implementer

from imchat.domain.errors import IMError, Internal, NotFound, TooLarge, Unsupported
from imchat.gate.call import Call
from imchat.gate.logic.throttle import take_or_refuse
from imchat.gate.problems import Answer, HttpRefusal, problem
from imchat.gate.settings import HttpSettings
from imchat.ports import Ids, RateLimiter

T = TypeVar("T")

_log = Logger()


Handler = Callable[[Any, Call], Awaitable[Answer]]
KleinHandler = Callable[[Any, IRequest], Coroutine[Deferred[Any], Any, bytes]]


def endpoint(*, limited: bool = True, cancellable: bool = False) -> Callable[[Handler], KleinHandler]:
    """Make a Klein handler, as a method of an :class:`Api`, of one that takes a :class:`Call`.

    What it raises is answered as problem details; nothing that it raises reaches Klein.

    Args:
        limited: Count it against the limit of requests per peer.
        cancellable: Stop when the client goes away; else what has begun is finished (a code that is used up must
            lead to the account).
    """

    def decorate(handler: Handler) -> KleinHandler:
        @wraps(handler)
        async def handle(self: Api, request: IRequest) -> bytes:
            call = Call(request)

            async def run() -> Answer:
                if limited:
                    await self.admit(call)
                return await handler(self, call)

            answering = self.answer(handler.__name__, run())
            return write(request, await (answering if cancellable else finished_anyway(answering)))

        return handle

    return decorate


def authenticated(handler: Callable[[Any, Call, str], Awaitable[Answer]]) -> Handler:
    """Give a handler the bearer token; without one the answer is 401."""

    @wraps(handler)
    async def handle(self: Any, call: Call) -> Answer:
        return await handler(self, call, call.token())

    return handle


def finished_anyway(work: Coroutine[Deferred[Any], Any, T]) -> Deferred[T]:
    """Run a coroutine to its end, also where the Deferred that waits for it is cancelled."""
    waiting: Deferred[T] = Deferred()

    def done(outcome: T | Failure) -> None:
        if not waiting.called:
            waiting.callback(outcome)
        elif isinstance(outcome, Failure):
            _log.failure("a request whose client went away failed", failure=outcome)

    Deferred.fromCoroutine(work).addBoth(done)
    return waiting


COMMON_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _parts(answer: Answer) -> tuple[dict[str, str], bytes]:
    body = answer.body or b""
    if isinstance(body, BaseModel):
        body = body.model_dump_json(exclude_none=True).encode("utf-8")
    headers = {**COMMON_HEADERS, **answer.headers}
    if answer.body is not None:
        headers |= {"Content-Type": answer.content_type, "Content-Length": str(len(body))}
    return headers, body


def write(request: IRequest, answer: Answer) -> bytes:
    """Set status and headers, and return the body's bytes."""
    headers, body = _parts(answer)
    request.setResponseCode(answer.status)
    for name, value in headers.items():
        request.setHeader(name, value)
    return body


def encoded(answer: Answer) -> bytes:
    """A whole HTTP/1.1 response that ends its connection, for where there is no request to answer yet."""
    headers, body = _parts(answer)
    lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def routes() -> Klein:
    """A Klein for the class of an :class:`Api`: a path is that path only, without redirects from others like it."""
    app = Klein()
    app.url_map.merge_slashes = False
    return app


class Api:
    """What the APIs have in common. Subclasses have a class-level :func:`routes` named ``app``.

    Args:
        ids: For the ids of internal errors.
        limiter: Counts requests.
        settings: Bounds.
    """

    app: Klein

    def __init__(self, ids: Ids, limiter: RateLimiter, settings: HttpSettings) -> None:
        self._ids = ids
        self._limiter = limiter
        self.settings = settings

    def resource(self) -> IResource:
        """The root of the API."""
        return ApiRoot(self)

    async def admit(self, call: Call) -> None:
        """Count a request.

        Raises:
            RateLimited: too many from this peer.
        """
        if self.settings.requests_per_peer is not None:
            await take_or_refuse(self._limiter, f"http:{call.peer}", self.settings.requests_per_peer)

    async def answer(self, name: str, work: Awaitable[Answer]) -> Answer:
        """Await an answer; the one place that turns errors into problem details.

        Args:
            name: Of the endpoint, for the log.
        """
        try:
            return await work
        except HttpRefusal as refusal:
            return problem(refusal.error, refusal.status, refusal.faults, refusal.headers)
        except CancelledError:
            raise
        except Exception as error:
            if isinstance(error, IMError) and error.code != Internal.code:
                return problem(error)
            return self.internal(name, Failure())

    def internal(self, name: str, failure: Failure) -> Answer:
        """Log a fault under an id, and tell the id only."""
        fault_id = self._ids.client_id().hex()
        _log.failure("{name} failed, id {fault_id}", failure=failure, name=name, fault_id=fault_id)
        return problem(Internal(f"a fault of the server; its log has more under {fault_id}"))

    def not_routed(self, request: IRequest, failure: Failure) -> bytes:
        """Answer where no endpoint has the path, or none the method."""
        error = failure.value
        if isinstance(error, MethodNotAllowed):
            allowed = ", ".join(sorted(error.valid_methods or ()))
            refused = Unsupported("this path does not have this method")
            return write(request, problem(refused, 405, headers={"Allow": allowed}))
        return write(request, problem(NotFound("there is nothing at this path")))


@implementer(IResource)
class ApiRoot(Resource):
    """Stands before Klein, which logs tracebacks for paths, methods and hosts that are no text.

    Args:
        api: What is served.
    """

    isLeaf = True

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._api = api
        self._klein = api.app.resource()

    def render(self, request: IRequest) -> int:
        """Twisted: answer a request."""
        request.responseHeaders.removeHeader(b"Server")
        refused = self._refusal(request)
        if refused is not None:
            request.write(write(request, refused))
            request.finish()
            return NOT_DONE_YET
        # No answer depends on the name under which the server was reached, and UNIX sockets have none.
        request.requestHeaders.setRawHeaders(b"Host", [b"localhost"])
        return cast(int, self._klein.render(request))

    def _refusal(self, request: IRequest) -> Answer | None:
        content = cast(Any, request.content)
        if content.seek(0, 2) > self._api.settings.max_body:
            return too_large(self._api.settings.max_body)
        content.seek(0)
        try:
            b"/".join(cast(Any, request).postpath).decode("utf-8")
            request.method.decode("ascii")
        except UnicodeDecodeError:
            return problem(NotFound("there is nothing at this path"))
        return None


def too_large(max_body: int) -> Answer:
    """The answer to a body over the limit."""
    return problem(TooLarge(f"a body has at most {max_body} bytes"))
