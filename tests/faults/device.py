"""One device of one user: a client of :mod:`imchat.client` whose every message, answer and event is recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from imchat.client import (
    Client,
    Credentials,
    Gate,
    MemoryState,
    Options,
    Outside,
    SecureIds,
    Status,
    Stopped,
    Turn,
)
from imchat.client.backoff import Backoff, Timing
from imchat.client.connection import Connection
from imchat.client.network import Connect
from imchat.domain.content import Text
from imchat.domain.errors import IMError
from imchat.domain.models import NodeAddress
from imchat.wire.imchat_pb2 import Frame
from tests.faults.recording import Answered, GivenUp, Recorder, Refused, Rested, Seen, Sent, now

TIMING = Timing(request=8.0, connect=5.0, ping=8.0, silence=20.0, steady=5.0, backoff=Backoff(first=0.5, longest=8.0))
"""More impatient than the library's own, so that a run of minutes has many reconnections."""


@dataclass(slots=True)
class Totals:
    """What one process of the load has seen so far."""

    attempts: int = 0
    acknowledged: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class _Ids(SecureIds):
    """Remembers the last client id: that of the message that was just handed over."""

    last = b""

    def client_id(self) -> bytes:
        self.last = super().client_id()
        return self.last


class _Tapped(Factory):
    """Has a look at what goes over each connection."""

    noisy = False

    def __init__(self, inner: Factory, tap: Callable[[Connection], None]) -> None:
        self._inner = inner
        self._tap = tap

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        protocol = cast(Connection, self._inner.buildProtocol(addr))
        self._tap(protocol)
        return protocol


@implementer(IStreamClientEndpoint)
class _TappedEndpoint:
    def __init__(self, inner: IStreamClientEndpoint, tap: Callable[[Connection], None]) -> None:
        self._inner = inner
        self._tap = tap

    def connect(self, factory: Any) -> Deferred[Any]:
        return self._inner.connect(_Tapped(factory, self._tap))


class Device:
    """A device that can be switched off and on; it keeps its state meanwhile.

    Args:
        reactor: The reactor.
        gate: Where to log in.
        connect: How to reach chat nodes.
        recorder: Where everything is written down.
        totals: What is counted.
        credentials: Of the user.
        label: The device's name.

    Attributes:
        conversations: Where it talks.
        unanswered: Client ids of messages for which the server has not answered.
        positions: The last seq seen of each stream.
        live: Whether it is connected and logged in.
        closed: Why the client ended by itself; None where it did not.
    """

    def __init__(
        self,
        reactor: Any,
        gate: Gate,
        connect: Connect,
        recorder: Recorder,
        totals: Totals,
        credentials: Credentials,
        label: str,
    ) -> None:
        self._reactor = reactor
        self._ids = _Ids()
        self._state = MemoryState()
        self._outside = Outside(gate, lambda node: self._endpoint(connect, node), reactor, self._ids, self._state)
        self._recorder = recorder
        self._totals = totals
        self._credentials = credentials
        self._tries: Counter[bytes] = Counter()
        self._number = 0
        self.label = label
        self.user_id = 0
        self.client: Client | None = None
        self.conversations: list[int] = []
        self.unanswered: set[bytes] = set()
        self.positions: dict[int, int] = {}
        self.live = False
        self.closed: BaseException | None = None

    # --- on and off

    async def switch_on(self) -> None:
        """Log in where it has no session, and connect."""
        options = Options(device_name=self.label, timing=TIMING, on_status=self._status)
        client = self.client = Client(self._outside, self._handle, options)
        client.when_closed().addErrback(self._closed)
        await client.start(self._credentials)
        self.user_id = client.session.user_id

    async def switch_off(self) -> None:
        """End in order; what is not acknowledged stays in its state."""
        self._recorder.add(Rested(now(), self.user_id, self.label))
        client, self.client = self.client, None
        if client is not None:
            await client.stop()
        self.live = False

    def _closed(self, failure: Failure) -> None:
        self.closed, self.live = failure.value, False

    def _status(self, status: Status, detail: str) -> None:
        self.live = status is Status.LIVE

    # --- talk

    def say(self, conversation: int) -> None:
        """Send a message, if it is switched on."""
        if self.client is None:
            return
        self._number += 1
        text = f"{self.label}:{self._number}"
        answer = self.client.send(conversation, text)
        client_id = self._ids.last
        self.unanswered.add(client_id)
        self._totals.attempts += 1
        self._recorder.add(Sent(now(), self.user_id, self.label, conversation, client_id.hex(), text))
        answer.addErrback(self._given_up, conversation, client_id)

    def _given_up(self, failure: Failure, conversation: int, client_id: bytes) -> None:
        if failure.check(Stopped) is None:
            code = failure.value.code if isinstance(failure.value, IMError) else type(failure.value).__name__
            self.unanswered.discard(client_id)
            self._recorder.add(GivenUp(now(), self.user_id, self.label, conversation, client_id.hex(), code))

    async def _handle(self, turn: Turn) -> None:
        event = turn.event
        text = event.content.text if isinstance(event.content, Text) else None
        self.positions[event.stream_id] = event.seq
        self._recorder.add(
            Seen(
                now(),
                self.user_id,
                self.label,
                event.stream_id,
                event.seq,
                event.sender_id,
                event.client_id.hex(),
                text,
            )
        )

    # --- what goes over the wire

    def _endpoint(self, connect: Connect, node: NodeAddress) -> IStreamClientEndpoint:
        return _TappedEndpoint(connect(node), self._tap)

    def _tap(self, connection: Connection) -> None:
        inner = connection.request

        def request(frame: Frame) -> Deferred[Frame]:
            answer = inner(frame)
            if frame.HasField("send_message"):
                self._flies(frame.send_message.conversation_id, frame.send_message.client_id, answer)
            return answer

        # The connection's own method stays as it is; the client calls this one.
        connection.request = request  # type: ignore[method-assign]

    def _flies(self, conversation: int, client_id: bytes, answer: Deferred[Frame]) -> None:
        self._tries[client_id] += 1

        def told(frame: Frame) -> Frame:
            self._accepted(conversation, client_id, frame)
            return frame

        def refused(failure: Failure) -> Failure:
            if isinstance(failure.value, IMError):
                self._totals.refused[failure.value.code] += 1
                self._recorder.add(
                    Refused(now(), self.user_id, self.label, conversation, client_id.hex(), failure.value.code)
                )
            return failure

        answer.addCallbacks(told, refused)

    def _accepted(self, conversation: int, client_id: bytes, frame: Frame) -> None:
        if frame.HasField("accepted"):
            if client_id in self.unanswered:
                self.unanswered.discard(client_id)
                self._totals.acknowledged += 1
            tries = self._tries.pop(client_id, 1)
            word = frame.accepted
            self._recorder.add(
                Answered(
                    now(),
                    self.user_id,
                    self.label,
                    conversation,
                    client_id.hex(),
                    word.seq,
                    word.created_ms,
                    tries,
                )
            )
