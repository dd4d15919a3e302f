"""A device that makes single requests and sees every answer, where the client library would try again by itself."""

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory

from imchat.client.backoff import Timing
from imchat.client.connection import Connection
from imchat.client.connection import error_of as error_of_goodbye
from imchat.domain.errors import Passing
from imchat.domain.models import Device as DeviceInfo
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import PROTOCOL_VERSION
from tests.functional.people import gate_of, pause
from tests.functional.terminal import PASSWORD

BOUND = Timing(request=15.0)


class RawDevice:
    """One connection of a device.

    Args:
        node: The chat node to connect to.
        token: Of a session that the device has; without one it logs in.

    Attributes:
        pushed: The events that came, in order.
        farewell: Why the node ended the connection, if it said so.
    """

    def __init__(self, cluster, login, node, device_id="raw", token=None):
        self.cluster, self.login, self.node, self.token = cluster, login, node, token
        self.info = DeviceInfo(device_id, device_id, "test")
        self.pushed, self.farewell = [], None
        self.connection = None

    @property
    def ended(self):
        return self.connection is not None and self.connection.ended is not None

    async def start(self):
        """Connect and say Hello."""
        if self.token is None:
            self.token = (await gate_of(self.cluster, 20.0).login(self.login, PASSWORD, self.info)).token
        factory = Factory.forProtocol(lambda: Connection(reactor, BOUND, self._pushed))
        factory.noisy = False
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.cluster.ports[f"chat-{self.node}"])
        self.connection = await endpoint.connect(factory)
        hello = pb.Hello(protocol_version=PROTOCOL_VERSION, token=self.token, device_id=self.info.device_id)
        await self.connection.request(pb.Frame(hello=hello))
        return self

    def _pushed(self, frame):
        if frame.HasField("event"):
            self.pushed.append(frame.event)
        elif frame.HasField("goodbye"):
            self.farewell = error_of_goodbye(frame.goodbye)

    async def open(self, user_id):
        answer = await self.connection.request(pb.Frame(open_direct=pb.OpenDirect(user_id=user_id)))
        return answer.direct_opened.conversation_id

    async def send(self, conversation_id, number, text):
        """Send a message whose id is made of ``number``; return the acknowledgement."""
        content = pb.Content(text=pb.Text(text=text))
        message = pb.SendMessage(conversation_id=conversation_id, client_id=number.to_bytes(16, "big"), content=content)
        return (await self.connection.request(pb.Frame(send_message=message))).accepted

    async def send_until_accepted(self, conversation_id, number, text):
        """The same, again with the same id after each refusal that passes."""
        for _ in range(30):
            try:
                return await self.send(conversation_id, number, text)
            except Passing:
                await pause(1.0)
        raise AssertionError(f"{text} was never accepted")

    async def history(self, conversation_id):
        query = pb.History(stream_id=conversation_id, before=2**63 - 1)
        return (await self.connection.request(pb.Frame(history=query))).history_result

    def stop(self):
        if self.connection is not None:
            self.connection.give_up("the test is over")
