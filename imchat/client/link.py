"""Keeping a connection to some chat node: the route, the nodes in order, back-off, moves and farewells."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IAddress, IDelayedCall, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from imchat.client.backoff import Timing
from imchat.client.connection import Connection, error_of
from imchat.client.errors import Disconnected, Unreachable, one_line
from imchat.client.options import Outside, Status
from imchat.client.state import SavedSession
from imchat.domain.errors import (
    Forbidden,
    IMError,
    Internal,
    InvalidRequest,
    Passing,
    SessionEnded,
    SessionReplaced,
    Unauthenticated,
    Unavailable,
    UpgradeRequired,
)
from imchat.domain.models import Device, NodeAddress
from imchat.net.background import sleep
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import PROTOCOL_VERSION
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

SESSION_OVER = (Unauthenticated, UpgradeRequired, SessionReplaced, SessionEnded)
"""Farewells after which trying again cannot help."""

FINAL = (*SESSION_OVER, InvalidRequest, Forbidden)
"""Refusals of ``Hello`` or ``Sync`` after which trying again cannot help."""


DOUBTS = 3_600.0
"""Seconds for which a ``Hello`` without an answer may still be carried out."""


class _Doubts:
    """Hellos of this client of which it does not know whether, or when, they were carried out.

    A node that was frozen reads one when this client has long been connected to another node. Its generation is the
    higher one then, and the connection that works is told that this device has connected again. It was nobody else,
    and both connections are gone: this client must come back. Each such Hello does that at most once, so that two
    programs with one device id do not end each other for ever.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def add(self) -> None:
        """A Hello was sent, and not answered, or answered by an error that leaves it open."""
        self._times.append(self._clock.seconds())

    def explain(self, error: IMError) -> bool:
        """Whether an end of the session may be due to one of them."""
        while self._times and self._times[0] < self._clock.seconds() - DOUBTS:
            self._times.popleft()
        if not isinstance(error, SessionReplaced) or not self._times:
            return False
        self._times.popleft()
        return True


class _Factory(Factory):
    noisy = False

    def __init__(self, build: Callable[[], Connection]) -> None:
        self._build = build

    def buildProtocol(self, addr: IAddress | None) -> Connection:
        return self._build()


class LinkUser(Protocol):
    """Who uses the link."""

    async def connected(self, connection: Connection, welcome: pb.Welcome) -> None:
        """Logged in. A failure ends the connection: :class:`IMError` s of :data:`FINAL` for good."""

    def disconnected(self) -> None:
        """The connection is gone."""

    def pushed(self, frame: Frame) -> None:
        """The node pushed something."""

    def routed(self, session: SavedSession) -> None:
        """The gate told nodes: the session to be saved from now on."""

    def status(self, status: Status, detail: str) -> None:
        """The link does something else now; ``detail`` is a sentence for people, possibly empty."""


class Link:
    """Connects, logs in, and begins anew when the connection ends.

    Args:
        outside: Its gate is asked for a fresh route before each reconnect; while that is silent, the nodes known
            serve.
        device: What to say of the device in ``Hello``.
        program: Name and version of the program, for the server's log.
    """

    def __init__(self, outside: Outside, timing: Timing, device: Device, program: str, user: LinkUser) -> None:
        self._gate = outside.gate
        self._connect = outside.connect
        self._clock = outside.clock
        self._ids = outside.ids
        self._timing = timing
        self._device = device
        self._program = program
        self._user = user
        self._connection: Connection | None = None
        self._farewell: IMError | None = None
        self._moved_until: float | None = None
        self._left: NodeAddress | None = None
        self._move_call: IDelayedCall | None = None
        self._doubts = _Doubts(outside.clock)
        self._failures = 0
        self._at_least = 0.0
        self._stopped = False

    async def run(self, session: SavedSession, fresh: bool) -> None:
        """Stay connected until :meth:`stop` is called.

        Args:
            fresh: The session's nodes were told just now; no need to ask again.

        Raises:
            IMError: the session is over, or the server does not take this program: trying again cannot help.
        """
        if not fresh:
            self._doubts.add()  # an earlier run of this program may have sent one
        while not self._stopped:
            if not fresh:
                session = await self._route(session)
            fresh = False
            reason = await self._try_nodes(session)
            if self._farewell is not None:
                raise self._farewell
            if not self._stopped:
                await self._wait(reason)

    async def stop(self) -> None:
        """Connect no more, close the connection in order, and return when it is closed."""
        self._stopped = True
        if self._connection is not None:
            self._connection.shut("stopped")
            await self._connection.when_ended()

    # --- where to

    async def _route(self, session: SavedSession) -> SavedSession:
        try:
            asked = Deferred.fromCoroutine(self._gate.route(session.token))
            login = await asked.addTimeout(self._timing.route, self._clock)
        except Unauthenticated:
            raise
        except (Unreachable, IMError, DeferredTimeout) as error:
            _log.debug("no fresh route: {error}", error=str(error))
            return session
        if not login.route.nodes:
            return session
        session = replace(session, name=login.name, nodes=login.route.nodes)
        self._user.routed(session)
        return session

    async def _try_nodes(self, session: SavedSession) -> str:
        """Use the first node that takes us until its connection ends; return why there is none (any more)."""
        nodes = sorted(session.nodes, key=lambda node: node == self._left)
        self._left = None
        reason = "the gate names no chat node"
        for node in nodes:
            self._user.status(Status.CONNECTING, f"{node.host}:{node.port}")
            if self._stopped:
                break
            used, reason = await self._try_node(node, session.token)
            if used or self._farewell is not None:
                break
        return reason

    async def _wait(self, reason: str) -> None:
        if self._moved_until is not None:
            delay, self._moved_until = max(0.0, self._moved_until - self._clock.seconds()), None
        else:
            delay = max(self._at_least, self._timing.backoff.delay(self._failures, self._ids.fraction()))
            self._failures += 1
        self._at_least = 0.0
        self._user.status(Status.WAITING, f"{reason}; next try in {delay:.1f} s")
        if not self._stopped:  # who was told may have stopped us
            await sleep(self._clock, delay)

    # --- one node

    async def _try_node(self, node: NodeAddress, token: str) -> tuple[bool, str]:
        """Returns whether the node took us, and why it has us no longer."""
        factory = _Factory(lambda: Connection(self._clock, self._timing, self._pushed))
        try:
            connection = cast(Connection, await self._connect(node).connect(factory))
        except (ConnectError, OSError, ValueError) as error:
            return False, f"cannot reach the chat node {node.host}:{node.port}: {one_line(error)}"
        if self._stopped:
            connection.abort()
            return False, ""
        self._connection = connection
        try:
            return await self._use(connection, node, token)
        finally:
            connection.shut("left")
            self._connection = None
            if self._move_call is not None and self._move_call.active():
                self._move_call.cancel()

    async def _use(self, connection: Connection, node: NodeAddress, token: str) -> tuple[bool, str]:
        since = self._clock.seconds()
        welcomed = False
        try:
            welcome = (await connection.request(self._hello(token))).welcome
            welcomed = True
            await self._user.connected(connection, welcome)
            self._user.status(Status.LIVE, f"{node.host}:{node.port}")
        except Disconnected:
            if not welcomed:
                self._doubts.add()
        except FINAL as error:
            self._over(error)
            connection.shut("refused")
        except IMError as error:
            if not welcomed and isinstance(error, Unavailable | Internal):
                self._doubts.add()
            self._at_least = (error.retry_after_ms or 0) / 1000
            connection.shut(f"the chat node {node.host}:{node.port} says: {error.message}")
        try:
            reason = await connection.when_ended()
        finally:
            self._user.disconnected()
        if welcomed and self._clock.seconds() - since >= self._timing.steady:
            self._failures = 0
        if self._moved_until is not None:
            self._left = node
        return welcomed, str(reason)

    def _hello(self, token: str) -> Frame:
        return Frame(
            hello=pb.Hello(
                protocol_version=PROTOCOL_VERSION,
                token=token,
                device_id=self._device.device_id,
                device_name=self._device.device_name,
                platform=self._device.platform,
                client=self._program,
            )
        )

    def _pushed(self, frame: Frame) -> None:
        if frame.HasField("goodbye"):
            self._goodbye(frame.goodbye)
        elif frame.HasField("move"):
            self._move(frame.move)
        else:
            self._user.pushed(frame)

    def _goodbye(self, goodbye: pb.Goodbye) -> None:
        error = error_of(goodbye)
        if isinstance(error, SESSION_OVER):
            self._over(error)
        elif isinstance(error, Passing):
            self._at_least = self._timing.crowded * (1 + self._ids.fraction())
        if self._connection is not None:
            self._connection.shut(f"the chat node says: {error.message}")

    def _over(self, error: IMError) -> None:
        if self._farewell is None and not self._doubts.explain(error):
            self._farewell = error

    def _move(self, move: pb.Move) -> None:
        if self._connection is not None and self._moved_until is None:
            delay = move.after_ms / 1000
            self._moved_until = self._clock.seconds() + delay
            self._move_call = self._clock.callLater(delay, self._connection.shut, "the chat node goes away")
