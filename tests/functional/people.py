"""Users with devices in this process: the client library on real connections, with less patience than people have."""

import itertools
import signal
import time

from twisted.internet import reactor
from twisted.internet.task import deferLater

from imchat.client import Client, Credentials, Gate, MemoryState, Options, Outside, SecureIds, Status
from imchat.client.backoff import Backoff, Timing
from imchat.client.network import http_client, node_connector
from imchat.domain.content import Text
from imchat.domain.models import Device as DeviceInfo
from imchat.domain.models import NodeAddress
from tests.functional.terminal import PASSWORD

IMPATIENT = Timing(
    request=3.0, connect=3.0, ping=2.0, silence=8.0, steady=2.0, hole=0.3, backoff=Backoff(first=0.2, longest=1.0)
)
"""A frozen node is noticed within five seconds, not within a minute."""


async def pause(seconds):
    await deferLater(reactor, seconds, lambda: None)


async def until(condition, seconds=60.0, what=""):
    """Return when a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"still waiting {what}"
        await pause(0.05)


async def eventually(look, seconds=20.0, what=""):
    """Return when what is looked at again and again is true."""
    end = time.monotonic() + seconds
    while not await look():
        assert time.monotonic() < end, f"still waiting {what}"
        await pause(0.05)


def gate_of(cluster, timeout=5.0):
    """The gate of a cluster, which may be frozen."""
    return Gate(cluster.url, http_client(reactor), reactor, timeout=timeout)


async def register(cluster, *names):
    """Make accounts; return their ids."""
    gate, ids = gate_of(cluster, 20.0), []
    for name in names:
        address = f"{name}@example.org"
        await gate.request_code("registration", address)
        user_id, _ = await gate.register(name, address, PASSWORD, cluster.code_for(address))
        ids.append(user_id)
    return ids


_NUMBERS = itertools.count(1)


async def couple(cluster):
    """Two new users, the first on node a and the second on node b, and their conversation."""
    number = next(_NUMBERS)
    _, other_id = await register(cluster, f"ann{number}", f"bob{number}")
    ann = await Device(cluster, f"ann{number}", "a").start()
    bob = await Device(cluster, f"bob{number}", "b").start()
    return ann, bob, await ann.open(other_id)


async def whole(cluster):
    """Bring a cluster back to where everything runs, whatever a test left behind; return when it does."""
    if cluster.relay.closed:
        await cluster.relay.open()
    cluster.relay.stalled = False
    for child in cluster.children.values():
        child.signal(signal.SIGCONT)
        if child.pid is None:
            await child.start()

    def well(child):
        lines = [line for line in child.output.splitlines() if "] Redis (" in line]
        return not lines or "serves again" in lines[-1]

    servers = [child for name, child in cluster.children.items() if name not in ("mariadb", "redis")]
    await until(lambda: all(map(well, servers)), what="for Redis to be back")
    await cluster.until_up()


_DEVICES = []


async def leave():
    """Stop all devices that tests have started."""
    while _DEVICES:
        await _DEVICES.pop().stop()


class Device:
    """One device of a user, as an application on the client library.

    Args:
        cluster: Where it connects.
        login: Name of the user, who is registered.
        node: The chat node that it connects to, whatever the gate says; None to follow the gate.
        name: Of the device.

    Attributes:
        shown: (seq, text) of each message of others, as it was handed to the application.
        ended: Why the client ended by itself.
    """

    def __init__(self, cluster, login, node=None, name="phone"):
        self.cluster, self.login, self.only, self.name = cluster, login, node, name
        self.state = MemoryState()
        self.shown, self.acknowledged, self.ended, self.node = [], [], None, None
        outside = Outside(gate_of(cluster), self._connect, reactor, SecureIds(), self.state)
        options = Options(device_name=name, timing=IMPATIENT, on_status=self._status)
        self.client = Client(outside, self._handle, options)
        self.client.when_closed().addErrback(self._ended)
        _DEVICES.append(self)

    @property
    def client_device(self):
        """What its login said of it."""
        return DeviceInfo(self.client.session.device_id, self.name, "test")

    def _connect(self, node):
        if self.only is not None:
            node = NodeAddress("127.0.0.1", self.cluster.ports[f"chat-{self.only}"], False)
        return node_connector(reactor, timeout=IMPATIENT.connect)(node)

    def _status(self, status, detail):
        live = {str(self.cluster.ports[f"chat-{name}"]): name for name in self.cluster.chats}
        self.node = live[detail.rpartition(":")[2]] if status is Status.LIVE else None
        if self.only is not None and self.node is not None:
            self.node = self.only

    def _ended(self, failure):
        self.ended = failure.value

    async def _handle(self, turn):
        if isinstance(turn.event.content, Text) and not turn.own:
            self.shown.append((turn.event.seq, turn.event.content.text))

    async def start(self):
        """Log in with the password and return when it is connected."""
        await self.client.start(Credentials(self.login, PASSWORD))
        await until(lambda: self.node is not None, what=f"for {self.login} to be connected")
        return self

    async def open(self, user_id):
        """The direct conversation with a user."""
        return await self.client.open_direct(user_id)

    def say(self, conversation_id, *texts):
        """Send texts; :attr:`acknowledged` grows in the order of the acknowledgements."""
        for text in texts:
            sent = self.client.send(conversation_id, text)
            sent.addCallback(lambda accepted, text=text: self.acknowledged.append((accepted.seq, text)))
            sent.addErrback(lambda failure: None)

    async def until_acknowledged(self, count):
        await until(lambda: len(self.acknowledged) >= count, what=f"for {count} acknowledgements")

    async def until_shown(self, *texts, seconds=60.0):
        """Return when the last of these texts was shown, and it was all of them, once and in order."""
        await until(
            lambda: len(self.shown) >= len(texts), seconds, what=f"for {len(texts)}, shown {[t for _, t in self.shown]}"
        )
        assert [text for _, text in self.shown] == list(texts)
        seqs = [seq for seq, _ in self.shown]
        assert seqs == sorted(set(seqs))

    async def stop(self):
        await self.client.stop()


def new_lines(child, mark):
    """What a server has logged since it had logged ``mark`` characters."""
    return [line for line in child.output[mark:].splitlines() if line.strip()]


def marks(children):
    """How much each of these servers has logged."""
    return {name: len(child.output) for name, child in children.items()}
