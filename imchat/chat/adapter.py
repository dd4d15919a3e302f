"""A client's connection: what its frames mean to the logic, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.python.failure import Failure

from imchat.chat.link import ClientLink
from imchat.chat.logic.connection import Hold, Live
from imchat.chat.requests import contacts, conversations, people, presence, reading
from imchat.chat.requests.request import Request
from imchat.chat.requests.sending import SENDS, Sent
from imchat.chat.services import Services
from imchat.chat.translate import error_frame
from imchat.domain.errors import IMError, InvalidRequest, Unauthenticated, Unsupported, UpgradeRequired
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import MAX_FRAME, MIN_PROTOCOL_VERSION

MAX_EARLY_PINGS = 10
"""Pings of a connection without a session."""

READ_WEIGHT = 32
"""What a request that reads weighs against ``max_outstanding``, for its answer is large; a message weighs 1."""

_NEVER_REFUSED = ("ping", "pong")
"""Bodies that need no request_id and get their answer at any rate."""


class ChatConnection(ClientLink):
    """One client.

    Args:
        services: Of the node.
        address: Where the client is, as far as limits are concerned.
    """

    def __init__(self, services: Services, address: str) -> None:
        super().__init__(services.settings, services.connections, services.clock, services.turn, address)
        self._services = services
        self._live: Live | None = None
        self._early_pings = 0

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Twisted: it is gone."""
        super().connectionLost(reason)
        self._services.sessions.lost(self)
        self._live = None

    def frame_received(self, message: pb.Frame) -> None:
        """A frame arrived."""
        name, request_id = message.WhichOneof("body"), message.request_id
        try:
            if self._live is None:
                self._without_session(name, request_id, message)
            else:
                self._with_session(self._live, name, request_id, message)
        except IMError as error:
            self.reply(error_frame(request_id, error))
        except Exception:
            self.reply(error_frame(request_id, self._services.faults.public(Failure(), f"the request {name}")))

    def _with_session(self, live: Live, name: str | None, request_id: int, message: pb.Frame) -> None:
        over = self._services.quota.request(live)
        if not request_id and name not in _NEVER_REFUSED:
            raise InvalidRequest("a request carries a request_id other than 0")
        if name is not None and name in SENDS:
            # Over its rate too it is looked up: it may be a resend of one that is stored.
            self._submit(live, request_id, SENDS[name](message), over)
        elif over is not None and name not in _NEVER_REFUSED:
            raise over
        elif name is not None and name in REQUESTS:
            self._serve(live, request_id, name, message)
        else:
            _HANDLERS.get(name, ChatConnection._unknown)(self, live, request_id, message)

    def _without_session(self, name: str | None, request_id: int, message: pb.Frame) -> None:
        if name == "ping" and self._early_pings < MAX_EARLY_PINGS:
            self._early_pings += 1
            self.send(pb.Frame(request_id=request_id, pong=pb.Pong()))
        elif name != "hello":
            self.end_with(error_frame(request_id, Unauthenticated("Hello comes first")))
        elif not request_id:
            self.end_with(error_frame(0, InvalidRequest("a request carries a request_id other than 0")))
        elif message.hello.protocol_version < MIN_PROTOCOL_VERSION:
            wanted = f"this server speaks versions from {MIN_PROTOCOL_VERSION}"
            self.end_with(error_frame(request_id, UpgradeRequired(wanted)))
        else:
            self.stop_timer()
            self.hold(Hold.HELLO)
            self._services.spawn("Hello", self._greet(request_id, message.hello.token, message.hello.device_id))

    async def _greet(self, request_id: int, token: str, device_id: str) -> None:
        try:
            live = await self._services.sessions.hello(self, token, device_id, self._address)
        except Exception:
            self.end_with(error_frame(request_id, self._services.faults.public(Failure(), "Hello")))
            return
        if live is None or self.closing:
            return
        self._live = live
        self.set_max_frame(MAX_FRAME)
        self.welcomed = True
        self.watch()
        welcome = pb.Welcome(
            user_id=live.user_id,
            name=live.name,
            server_time_ms=int(self.clock.seconds() * 1000),
            generation=live.generation,
            max_frame=MAX_FRAME,
            idle_timeout_ms=int(self._settings.idle_timeout * 1000),
        )
        self.send(pb.Frame(request_id=request_id, welcome=welcome))
        self.release(Hold.HELLO)

    def _unknown(self, live: Live, request_id: int, message: pb.Frame) -> None:
        name = message.WhichOneof("body")
        if name is None:
            raise Unsupported("this server does not know the body of the frame")
        raise InvalidRequest(f"{name} is not for clients to send")

    def handle_hello(self, live: Live, request_id: int, message: pb.Frame) -> None:
        """A second Hello."""
        raise InvalidRequest("this connection has a session already")

    def handle_ping(self, live: Live, request_id: int, message: pb.Frame) -> None:
        """The client wants to know whether the server is there."""
        self.reply(pb.Frame(request_id=request_id, pong=pb.Pong()))

    def handle_pong(self, live: Live, request_id: int, message: pb.Frame) -> None:
        """The client is there."""

    def _submit(self, live: Live, request_id: int, sent: Sent, over: IMError | None) -> None:
        self.weigh(1)
        try:
            where, client_id, content, replacement = sent
            self._services.sender.submit(live, request_id, where, client_id, content, over, replacement)
        except BaseException:
            self.weigh(-1)
            raise

    def _serve(self, live: Live, request_id: int, name: str, message: pb.Frame) -> None:
        """Answer a request when what it asks for is done."""
        self._services.quota.body(live, name)
        self.weigh(_weight(name))
        self._services.connections.requests.begin()
        self._services.spawn(name, self._await_and_answer(live, request_id, name, message))

    async def _await_and_answer(self, live: Live, request_id: int, name: str, message: pb.Frame) -> None:
        try:
            reply = await REQUESTS[name](self._services, live, message)
            reply.request_id = request_id
        except Exception:
            reply = error_frame(request_id, self._services.faults.public(Failure(), f"the request {name}"))
        self.weigh(-_weight(name))
        self.reply(reply)
        # Last: a node that ends closes its connections as soon as no request is left.
        self._services.connections.requests.end()


def _weight(name: str) -> int:
    return 1 if name in conversations.LIGHT else READ_WEIGHT


REQUESTS: Mapping[str, Request] = {
    **reading.REQUESTS,
    **people.REQUESTS,
    **contacts.REQUESTS,
    **presence.REQUESTS,
    **conversations.REQUESTS,
}
"""Everything that is answered when it is done, by the name of the body."""

_HANDLERS: dict[str | None, Callable[[ChatConnection, Live, int, pb.Frame], None]] = {
    name.removeprefix("handle_"): handler
    for name, handler in vars(ChatConnection).items()
    if name.startswith("handle_")
}
