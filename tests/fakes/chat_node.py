"""A whole chat node on real stores in memory, and raw clients that speak frames to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imchat.chat.node import ChatNode
from imchat.chat.settings import ChatSettings
from imchat.domain.accounts import email_key, name_key
from imchat.domain.models import Device, NodeAddress, User
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.sessions import token_hash, token_text
from imchat.net.content import WireContentCodec
from imchat.store.memory import MemoryPresence, MemoryRateLimiter
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import encode
from imchat.wire.frames import FrameSplitter, frame
from tests.fakes.bus import LossyHub
from tests.fakes.chat import RecordingStatus
from tests.fakes.ids import SeededIds
from tests.fakes.stores import MemoryDatabase
from tests.fakes.transport import ScriptedTransport

START = 1_700_000_000


def message_id(number: int) -> bytes:
    """The client id of a test's message."""
    return number.to_bytes(16, "big")


def now(awaitable: Any) -> Any:
    """The result of what needs no reactor."""
    results: list[Any] = []
    Deferred.fromCoroutine(awaitable).addBoth(results.append)
    assert results, "it waits for something"
    return results[0]


class NodeRig:
    """One node, its database, and who is known there.

    Args:
        settings: Defaults where None.
        room: What the transports of its clients take before they are full; None is no end.
        contacts: Who may talk to whom: in most tests everybody.
    """

    def __init__(
        self,
        settings: ChatSettings | None = None,
        room: int | None = None,
        contacts: ContactsPolicy = ContactsPolicy.OPEN,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(START)
        self.room = room
        self.contacts = contacts
        self.database = MemoryDatabase(self.clock)
        self.hub = LossyHub(self.clock)
        self.presence = MemoryPresence(self.database.now_ms)
        self.status = RecordingStatus()
        self.ids = SeededIds(7)
        self.limiter = MemoryRateLimiter(self.database.now_ms)
        self.users: dict[str, int] = {}
        self.node = self.make_node("node-1", settings)

    def make_node(self, node_id: str, settings: ChatSettings | None = None) -> ChatNode:
        """Another node on the same database and hub."""
        node = ChatNode(
            node_id=node_id,
            address=NodeAddress("192.0.2.9", 8090),
            accounts=self.database.accounts,
            sessions=self.database.sessions,
            streams=self.database.streams,
            conversations=self.database.conversations,
            contacts=self.database.contacts,
            people=self.database.people,
            relations=self.database.contacts,
            seen=self.database.seen,
            presence=self.presence,
            own_states=self.database.own_states,
            positions=self.database.positions,
            retention=self.database.retention,
            bus=self.hub.attach(node_id),
            status=self.status,
            limiter=self.limiter,
            ids=self.ids,
            clock=self.clock,
            codec=WireContentCodec(),
            settings=replace(settings or ChatSettings(), contacts=self.contacts),
        )
        node.start()
        return node

    def add_user(self, name: str) -> int:
        """Make an account."""
        user = User(self.ids.new_id(), name, f"{name}@example.org", "hash", START * 1000)
        now(self.database.accounts.create(user, name_key(name), email_key(user.email), None, START * 1000))
        self.users[name] = user.id
        return user.id

    def login(self, name: str, device_id: str = "phone") -> str:
        """Open a session; returns the token's text."""
        if name not in self.users:
            self.add_user(name)
        token = self.ids.token()
        device = Device(device_id, "a phone", "test")
        now(self.database.sessions.open(self.users[name], device, token_hash(token), self.database.now_ms()))
        return token_text(token)

    def connect(self, host: str = "192.0.2.1", node: ChatNode | None = None) -> WireClient:
        """A connection without a session."""
        protocol = (node or self.node).factory.buildProtocol(IPv4Address("TCP", host, 40000))
        transport = ScriptedTransport(protocol, host, self.room)
        client = WireClient(self, transport)
        protocol.makeConnection(transport)
        return client

    def client(self, name: str, device_id: str = "phone", node: ChatNode | None = None) -> WireClient:
        """A connection with a session, welcomed."""
        token = self.login(name, device_id)
        client = self.connect(node=node)
        client.hello(token, device_id)
        return client

    def run(self, count: int = 6) -> None:
        """Let some reactor turns pass."""
        for _ in range(count):
            self.clock.advance(0)

    def talk(self, one: WireClient, other: str) -> int:
        """The direct conversation of a client's user with another; what it pushed is taken away."""
        answer = one.ask(open_direct=pb.OpenDirect(user_id=self.users[other]))
        one.take()
        return answer.direct_opened.conversation_id


class WireClient:
    """Speaks frames over a transport in memory."""

    def __init__(self, rig: NodeRig, transport: ScriptedTransport) -> None:
        self.rig = rig
        self.transport = transport
        self.user_id = 0
        self._splitter = FrameSplitter(2**24)
        self._read = 0
        self._next_id = 0

    def give(self, data: bytes) -> None:
        """Bytes as they are."""
        self.transport.protocol.dataReceived(data)
        self.rig.run()

    def send(self, request_id: int | None = None, **body: Any) -> int:
        """One frame; returns its request_id."""
        if request_id is None:
            self._next_id += 1
            request_id = self._next_id
        self.give(frame(encode(pb.Frame(request_id=request_id, **body))))
        return request_id

    def take(self) -> list[pb.Frame]:
        """The frames that came since the last time."""
        data = self.transport.value()[self._read :]
        self._read += len(data)
        return [pb.Frame.FromString(payload) for payload in self._splitter.feed(data)]

    def names(self) -> list[str]:
        """The bodies of the frames that came since the last time."""
        return [str(message.WhichOneof("body")) for message in self.take()]

    def ask(self, **body: Any) -> pb.Frame:
        """One request; returns its answer, and forgets what else came before it."""
        request_id = self.send(**body)
        found = [message for message in self.take() if message.request_id == request_id]
        assert len(found) == 1, found
        return found[0]

    def hello(self, token: str, device_id: str = "phone") -> None:
        """Say Hello and take the Welcome."""
        answer = self.ask(hello=pb.Hello(protocol_version=1, token=token, device_id=device_id))
        assert answer.WhichOneof("body") == "welcome", answer
        self.user_id = answer.welcome.user_id

    def say(self, conversation_id: int, text: str, number: int = 1) -> pb.Frame:
        """Send a message; returns the answer."""
        return self.ask(send_message=self.message(conversation_id, text, number))

    @staticmethod
    def message(conversation_id: int, text: str, number: int = 1) -> pb.SendMessage:
        """A message's body."""
        content = pb.Content(text=pb.Text(text=text))
        return pb.SendMessage(conversation_id=conversation_id, client_id=message_id(number), content=content)

    @property
    def lost(self) -> bool:
        """Whether the server has ended the connection."""
        return self.transport.lost
