"""What stands behind a server's end of one link: the login, then the service's methods.

Every outcome is an answer (:mod:`imchat.net.links.answers`); nothing raises into Perspective Broker, which would send
and log a traceback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.spread import pb

from imchat.domain.errors import IMError, Internal, InvalidRequest, Unauthenticated, Unsupported
from imchat.net.background import as_deferred
from imchat.net.links import answers
from imchat.net.links.broker import ServerBroker
from imchat.net.links.plain import Fields, Malformed, Plain
from imchat.net.links.quiet import QuietLog
from imchat.net.links.secret import SharedSecret

VERSION = 1
"""Version of the login and of the answers; raised when a server could not talk to an older one."""

BUSY_MS = 1_000
"""How long a caller should wait before it asks a server again that refused a call unbegun, in ms."""

Handler: TypeAlias = Callable[[Fields], Awaitable[Plain]]

_log = Logger()


class House:
    """What all doors of one server share.

    Args:
        service: Name of the service, which callers must ask for.
        handlers: Its methods by name.
        secret: The shared secret.
        token: Returns 32 random bytes.
        admits: Whether a call that has arrived now may begin.
        quiet: For lines that peers can cause.

    Attributes:
        calls: How many calls run.
    """

    def __init__(
        self,
        service: str,
        handlers: Mapping[str, Handler],
        secret: SharedSecret,
        token: Callable[[], bytes],
        admits: Callable[[], bool],
        quiet: QuietLog,
    ) -> None:
        self.service = service
        self.handlers = handlers
        self.secret = secret
        self.token = token
        self.admits = admits
        self.quiet = quiet
        self.calls = 0


class Door(pb.Referenceable):
    """The root object of one connection.

    Args:
        house: The server's.
        broker: The connection.
        max_calls: So many calls of the connection may run at once.
        opened: Called when the peer has logged in.
    """

    def __init__(self, house: House, broker: ServerBroker, max_calls: int, opened: Callable[[], None]) -> None:
        self._house = house
        self._broker = broker
        self._max_calls = max_calls
        self._opened = opened
        self._calls = 0
        self._nonce: bytes | None = None
        self._open = False

    def remoteMessageReceived(self, broker: Any, message: str, args: Any, kw: Any) -> Deferred[Any]:
        """PB: the peer calls a method."""
        answer = as_deferred(self._answer(message, args)) if self._open else succeed(self._login(message, args))
        return answer.addCallback(self._broker.serialize)

    def _fields(self, args: Any) -> Fields:
        try:
            (value,) = self._broker.unserialize(args)
        except Exception as error:
            # What jelly raises here depends on what the peer sent; none of it is a fault of this server.
            raise Malformed(f"arguments that cannot be read: {type(error).__name__}") from None
        return Fields(value)

    # --- before login

    def _login(self, message: str, args: Any) -> Plain:
        step = {"hello": self._hello, "login": self._prove}.get(message)
        try:
            if step is None:
                raise Unauthenticated("calls are answered after login only")
            return answers.result(step(self._fields(args)))
        except (IMError, Malformed) as error:
            return self._turn_away(error)

    def _turn_away(self, error: IMError | Malformed) -> Plain:
        self._house.quiet.warn(
            "{service}: turned {peer} away: {error}", service=self._house.service, peer=self._broker.peer, error=error
        )
        self._broker.abort_soon("it did not log in")
        return answers.refusal(error if isinstance(error, IMError) else InvalidRequest(str(error)))

    def _hello(self, fields: Fields) -> Plain:
        if self._nonce is not None:
            raise Unauthenticated("hello came twice")
        version, service = fields.integer("version"), fields.text("service")
        if version != VERSION:
            raise Unsupported(f"links have version {VERSION} here, not {version}")
        if service != self._house.service:
            raise Unsupported(f"this is a {self._house.service} server, not {service[:32]}")
        self._nonce = self._house.token()
        return {"nonce": self._nonce}

    def _prove(self, fields: Fields) -> Plain:
        caller_nonce, proof = fields.data("nonce"), fields.data("proof")
        secret, service, server_nonce = self._house.secret, self._house.service, self._nonce
        if server_nonce is None or not secret.proves(proof, "caller", service, server_nonce, caller_nonce):
            raise Unauthenticated("it does not know the shared secret")
        self._open = True
        self._broker.trust()
        self._opened()
        return {"proof": secret.proof("server", service, server_nonce, caller_nonce)}

    # --- after login

    async def _answer(self, message: str, args: Any) -> Plain:
        if message == "ping":
            return answers.result(None)
        if self._calls >= self._max_calls or not self._house.admits():
            return answers.busy(BUSY_MS)
        self._calls += 1
        self._house.calls += 1
        try:
            return await self._run(message, args)
        finally:
            self._calls -= 1
            self._house.calls -= 1

    async def _run(self, message: str, args: Any) -> Plain:
        handler = self._house.handlers.get(message)
        if handler is None:
            return self._complain(Unsupported(f"a {self._house.service} server has no method {message[:64]!r}"))
        try:
            value = await handler(self._fields(args))
        except Malformed as error:
            return self._complain(InvalidRequest(f"{message}: {error}"))
        except IMError as error:
            return answers.refusal(error)
        except Exception:
            return self._fault(message)
        try:
            return answers.result(value)
        except (IMError, TypeError):
            # A result that cannot be sent is this server's fault, whatever the error would tell the caller.
            return self._fault(message)

    def _complain(self, error: IMError) -> Plain:
        self._house.quiet.warn(
            "{service}: refused a call of {peer}: {error}",
            service=self._house.service,
            peer=self._broker.peer,
            error=error,
        )
        return answers.refusal(error)

    def _fault(self, message: str) -> Plain:
        number = self._house.token().hex()[:16]
        _log.failure(
            "{service}: {method} failed ({number})", service=self._house.service, method=message, number=number
        )
        return answers.refusal(Internal(f"internal error {number}"))
