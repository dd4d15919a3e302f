"""A scripted server for tests of the client: accounts, streams and pushes in memory, over in-memory transports."""

from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from zope.interface import implementer

from imchat.domain.content import Text
from imchat.domain.errors import IMError
from imchat.domain.models import NodeAddress
from imchat.net.content import to_wire
from imchat.net.framing import FrameProtocol
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.pipes import PipeTransport

NODE = NodeAddress("node-a.test", 8090)
MESSAGES = ("text", "sticker", "picture", "file", "card", "location", "custom")
OTHER_NODE = NodeAddress("node-b.test", 8090)


class FakePeer(FrameProtocol):
    """The server's end of one connection."""

    def __init__(self, server: "FakeServer", node: NodeAddress) -> None:
        super().__init__(server.clock)
        self.server, self.node = server, node
        self.user_id = 0
        self.received: list[Frame] = []
        self.failed: dict[int, tuple[bytes, str]] = {}
        self.set_max_frame(1 << 20)

    def connectionLost(self, reason):
        super().connectionLost(reason)
        if self in self.server.peers:
            self.server.peers.remove(self)

    def frame_received(self, message):
        self.received.append(message)
        if self.server.intercept(self, message):
            return
        name = message.WhichOneof("body")
        if name in self.server.answers:
            self._answer_by(self.server.answers[name], message)
        else:
            getattr(self, "on_" + name)(message)

    def _answer_by(self, answer, message):
        try:
            self.answer(message, **answer(self, message))
        except IMError as error:
            self.refuse(message, error.code)

    def answer(self, request, **body):
        self.send(Frame(request_id=request.request_id, **body))

    def refuse(self, request, code, retry_after_ms=0):
        self.answer(request, error=pb.Error(code=code, message=f"{code}!", retry_after_ms=retry_after_ms))

    def on_ping(self, frame):
        self.answer(frame, pong=pb.Pong())

    def on_pong(self, frame):
        pass

    def on_hello(self, frame):
        user_id = self.server.tokens.get(frame.hello.token)
        if user_id is None:
            self.refuse(frame, "unauthenticated")
            return
        self.user_id = user_id
        self.server.hellos.append((self.node, frame.hello.device_id))
        self.answer(frame, welcome=pb.Welcome(user_id=user_id, name=self.server.users[user_id], generation=1))

    def on_open_direct(self, frame):
        stream_id = self.server.direct(self.user_id, frame.open_direct.user_id)
        self.answer(frame, direct_opened=pb.DirectOpened(conversation_id=stream_id))

    def on_get_users(self, frame):
        query = frame.get_users
        found = [
            pb.UserCard(user_id=user_id, name=name, nickname=self.server.nicknames.get(user_id, ""))
            for user_id, name in self.server.users.items()
            if user_id in query.ids or name in [n.lower() for n in query.names]
        ]
        self.answer(frame, users=pb.Users(users=found))

    def on_mark_delivered(self, frame):
        self.answer(frame, done=pb.Done())

    def on_send_message(self, frame):
        send = frame.send_message
        stream = self.server.streams.get(send.conversation_id)
        if stream is None or self.user_id not in stream.members:
            self.refuse(frame, "not_found")
            return
        known = stream.by_client_id(self.user_id, send.client_id)
        failed_id, code = self.failed.get(send.conversation_id, (send.client_id, ""))
        if known is None and failed_id != send.client_id:
            self.refuse(frame, code)
            return
        if failed_id == send.client_id:
            self.failed.pop(send.conversation_id, None)
        if known is not None:
            if known.content != send.content:
                self.refuse(frame, "conflict")
            else:
                self.answer(frame, accepted=_accepted(known, True))
            return
        event = self.server.append(send.conversation_id, self.user_id, send.content, send.client_id, sender=self)
        self.answer(frame, accepted=_accepted(event))

    def fail_send(self, frame, code, retry_after_ms=0):
        """Refuse a message for a passing reason, and those behind it until it comes again."""
        send = frame.send_message
        known = self.server.streams[send.conversation_id].by_client_id(self.user_id, send.client_id)
        if known is not None or send.conversation_id in self.failed:
            self.on_send_message(frame)
        else:
            self.failed[send.conversation_id] = (send.client_id, code)
            self.refuse(frame, code, retry_after_ms)

    def on_sync(self, frame):
        given = {position.stream_id: position.seq for position in frame.sync.positions}
        changed = [
            (stream_id, stream)
            for stream_id, stream in sorted(self.server.streams.items())
            if self.user_id in stream.members and stream.last_seq != given.get(stream_id, 0)
        ]
        start = int(frame.sync.cursor or b"0")
        end = start + self.server.sync_streams
        states = [self._state(stream_id, stream, given.get(stream_id, 0)) for stream_id, stream in changed[start:end]]
        cursor = str(end).encode() if end < len(changed) else b""
        self.answer(frame, sync_result=pb.SyncResult(streams=states, next_cursor=cursor))

    def _state(self, stream_id, stream, after):
        to_seq = min(after + self.server.sync_events, stream.last_seq)
        return pb.StreamState(
            stream_id=stream_id,
            last_seq=stream.last_seq,
            events=stream.visible(self.user_id, after + 1, to_seq),
            from_seq=after + 1,
            to_seq=to_seq,
        )

    def on_history(self, frame):
        query = frame.history
        stream = self.server.streams.get(query.stream_id)
        if stream is None or self.user_id not in stream.members:
            self.refuse(frame, "not_found")
            return
        limit = min(query.limit or self.server.history_events, self.server.history_events)
        if query.HasField("before") or query.before_ms:
            earlier = sum(event.created_ms < query.before_ms for event in stream.events)
            to_seq = earlier if query.before_ms else min(query.before - 1, stream.last_seq)
            from_seq = max(1, to_seq - limit + 1)
        else:
            from_seq = query.after + 1
            to_seq = min(query.after + limit, stream.last_seq, (query.until or 1 << 60) - 1)
        result = pb.HistoryResult(
            stream_id=query.stream_id,
            from_seq=from_seq,
            to_seq=to_seq,
            last_seq=stream.last_seq,
            events=stream.visible(self.user_id, from_seq, to_seq),
        )
        self.answer(frame, history_result=result)


@dataclass
class FakeStream:
    members: set[int]
    events: list[pb.Event] = field(default_factory=list)
    hidden: dict[int, set[int]] = field(default_factory=dict)
    counted: int = 0

    @property
    def last_seq(self):
        return len(self.events)

    def visible(self, user_id, from_seq, to_seq):
        hidden = self.hidden.get(user_id, ())
        return [e for e in self.events[max(from_seq, 1) - 1 : max(to_seq, 0)] if e.seq not in hidden]

    def by_client_id(self, sender_id, client_id):
        found = (e for e in self.events if e.sender_id == sender_id and e.client_id == client_id)
        return next(found, None)


class FakeServer:
    """Chat nodes with one truth behind them.

    Attributes:
        down: Nodes that refuse connections.
        silent: Nodes that accept connections and never answer.
        intercept: Sees each frame first; True means that it dealt with it.
        answers: By name of a request, what gives the body of its answer; it may raise an IMError.
        deliver: Decides how an event is pushed: the delays in seconds of each copy, none of them to drop it.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.latency = 0.001
        self.users = {1: "alice", 2: "bob", 3: "carol"}
        self.nicknames: dict[int, str] = {}
        self.tokens = {"token-alice": 1, "token-bob": 2, "token-carol": 3}
        self.streams: dict[int, FakeStream] = {}
        self.peers: list[FakePeer] = []
        self.attempts: list[NodeAddress] = []
        self.hellos: list[tuple[NodeAddress, str]] = []
        self.down: set[NodeAddress] = set()
        self.intercept: Callable[[FakePeer, Frame], bool] = lambda peer, frame: False
        self.answers: dict[str, Callable[[FakePeer, Frame], dict]] = {}
        self.deliver: Callable[[FakePeer, pb.Event], list[float]] = lambda peer, event: [0]
        self.sync_streams, self.sync_events, self.history_events = 100, 50, 50

    # --- the network

    def connect(self, node: NodeAddress):
        return FakeEndpoint(self, node)

    def accept(self, factory, node):
        protocol, peer = factory.buildProtocol(None), FakePeer(self, node)
        ends = PipeTransport(self.clock, self.latency), PipeTransport(self.clock, self.latency)
        for end, other, owner in ((ends[0], ends[1], protocol), (ends[1], ends[0], peer)):
            end.peer, end.protocol = other, owner
        self.peers.append(peer)
        peer.makeConnection(ends[1])
        protocol.makeConnection(ends[0])
        return protocol

    def cut(self, user_id=None):
        for peer in list(self.peers):
            if user_id is None or peer.user_id == user_id:
                peer.abort()

    def peer(self, user_id) -> FakePeer:
        (found,) = [peer for peer in self.peers if peer.user_id == user_id]
        return found

    # --- the truth

    def direct(self, one, other):
        stream_id = 1000 + min(one, other) * 10 + max(one, other)
        self.streams.setdefault(stream_id, FakeStream({one, other}))
        return stream_id

    def append(self, stream_id, sender_id, content, client_id=b"", sender=None, target=None, quote=None):
        stream = self.streams[stream_id]
        event = pb.Event(
            stream_id=stream_id,
            seq=stream.last_seq + 1,
            sender_id=sender_id,
            client_id=client_id or (stream.last_seq + 1).to_bytes(16, "big"),
            content=content,
            created_ms=int(self.clock.seconds() * 1000),
        )
        if content.WhichOneof("body") in MESSAGES:
            stream.counted += 1
        event.ordinal = stream.counted
        if target is not None and not content.HasField("reacted"):
            event.target.CopyFrom(target)
        if quote is not None:
            event.quote.CopyFrom(quote)
        stream.events.append(event)
        for peer in list(self.peers):
            if peer is not sender and peer.user_id in stream.members:
                self._push(peer, stream, event)
        return event

    def _push(self, peer, stream, event):
        if event.seq not in stream.hidden.get(peer.user_id, ()):
            for delay in self.deliver(peer, event):
                if delay:
                    self.clock.callLater(delay, peer.send, Frame(event=event))
                else:
                    peer.send(Frame(event=event))

    def say(self, stream_id, sender_id, text):
        return self.append(stream_id, sender_id, pb.Content(text=pb.Text(text=text)))

    def texts(self, stream_id):
        return [event.content.text.text for event in self.streams[stream_id].events]


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    def __init__(self, server, node):
        self.server, self.node = server, node

    def connect(self, factory):
        self.server.attempts.append(self.node)
        if self.node in self.server.down:
            return fail(ConnectionRefusedError())
        connected = Deferred(lambda _: call.cancel())
        call = self.server.clock.callLater(
            self.server.latency, lambda: connected.callback(self.server.accept(factory, self.node))
        )
        return connected


def _accepted(event, resent=False):
    return pb.Accepted(seq=event.seq, created_ms=event.created_ms, resent=resent, ordinal=event.ordinal)


def text(value):
    """The wire form of a text."""
    return to_wire(Text(value))
