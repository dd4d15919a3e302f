"""Devices that show what an application on the client library shows: lists, then whatever comes, live."""

import itertools

from twisted.internet import reactor

from imchat.client import Credentials, MemoryState, Options, Outside, SecureIds
from imchat.client.mirror import Mirror, views
from imchat.client.network import node_connector
from imchat.domain.models import EventState, NodeAddress
from tests.functional.people import IMPATIENT, gate_of, register, until
from tests.functional.terminal import PASSWORD

_PHONES = []
_NUMBERS = itertools.count(1)
NOBODY = 1
"""A port on which nobody listens."""


async def leave():
    """Stop all that tests have started."""
    while _PHONES:
        await _PHONES.pop().stop()


async def newcomers(site, *names):
    """Accounts with these names and a number behind, that no other test has; return their names."""
    number = next(_NUMBERS)
    logins = [f"{name}{number:03}" for name in names]
    await register(site, *logins)
    return logins


class Phone:
    """One device of a user.

    Args:
        site: Where it connects.
        login: Name of the user, who is registered.
        node: ``a`` or ``b``.
        name: Of the device.

    Attributes:
        events: What happened in conversations, in the order in which the application was told.
        people, receipts, typing: What was pushed and is stored nowhere.
        ended: Why the client ended by itself.
    """

    def __init__(self, site, login, node, name="phone"):
        self.site, self.login, self.node, self.name = site, login, node, name
        self.events, self.people, self.receipts, self.typing = [], [], [], []
        self.ended = None
        self._away, self._connections = False, []
        outside = Outside(gate_of(site), self._connect, reactor, SecureIds(), MemoryState())
        self.mirror = Mirror(outside, Options(device_name=name, platform=name, timing=IMPATIENT), self._handle)
        self.client = self.mirror.client
        self.client.on_person(self.people.append)
        self.client.on_receipt(self.receipts.append)
        self.client.on_typing(self.typing.append)
        self.client.when_closed().addErrback(self._ended)
        _PHONES.append(self)

    def _ended(self, failure):
        self.ended = failure.value

    def _connect(self, node):
        port = NOBODY if self._away else self.site.ports[f"chat-{self.node}"]
        endpoint = node_connector(reactor, timeout=IMPATIENT.connect)(NodeAddress("127.0.0.1", port, False))
        return _Remembering(endpoint, self._connections)

    async def _handle(self, turn):
        if turn.event.stream_id != turn.user_id:
            self.events.append(turn.event)

    async def start(self):
        """Log in and return when everything is shown."""
        await self.mirror.start(Credentials(self.login, PASSWORD))
        await self.mirror.when_ready().addTimeout(30, reactor)
        return self

    def go_away(self):
        """Lose the connection, and find no other."""
        self._away = True
        for connection in self._connections:
            connection.transport.abortConnection()
        self._connections.clear()

    def come_back(self):
        """Find one again."""
        self._away = False

    async def stop(self):
        await self.mirror.stop()

    # --- what it shows

    @property
    def user_id(self):
        return self.client.session.user_id

    @property
    def state(self):
        return self.mirror.state

    def contact(self, other):
        """What is noted about somebody, None where nothing is."""
        return self.state.contacts.get(other.user_id)

    def asked(self, other, incoming):
        """A pending request."""
        return self.state.requests.get((other.user_id, incoming))

    def talk_with(self, other):
        """The id of the conversation with somebody, None where there is none."""
        found = [talk.conversation_id for talk in self.state.talks.values() if talk.member_ids == (other.user_id,)]
        return found[0] if found else None

    def messages(self, talk):
        """The messages of a conversation by seq, as they stand."""
        return {m.seq: m for m in views.messages(self.state, talk) if m.sender_id}

    def lines(self, talk):
        """What they say: texts, or what became of them."""
        return [line_of(message) for message in self.messages(talk).values()]

    def presence(self, other):
        """How somebody is, None where it was never told."""
        return self.state.presences.get(other.user_id)

    async def sees(self, condition, what, seconds=20.0):
        """Return when this device shows something."""
        try:
            await until(condition, seconds, f"for {self.login}'s {self.name} to see {what}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows {self.state.presences} of {self.state}") from None


class _Remembering:
    """An endpoint whose connections are remembered."""

    def __init__(self, endpoint, connections):
        self._endpoint, self._connections = endpoint, connections

    def connect(self, factory):
        connecting = self._endpoint.connect(factory)
        connecting.addCallback(self._connected)
        return connecting

    def _connected(self, protocol):
        self._connections.append(protocol)
        return protocol


def line_of(message):
    """A text, or what became of it."""
    gone = message.state in (EventState.RECALLED, EventState.EXPIRED)
    return message.state.name.lower() if gone else message.content.text


async def both(site, login):
    """Two devices of one user, on the two nodes."""
    return await Phone(site, login, "a", "one").start(), await Phone(site, login, "b", "two").start()


async def friends(site, *names):
    """Users who are all contacts of the first; one device each, the first on node a, the others on b."""
    logins = await newcomers(site, *names)
    phones = [await Phone(site, login, "b" if n else "a").start() for n, login in enumerate(logins)]
    for other in phones[1:]:
        await befriend(phones[0], other)
    return phones


async def befriend(one, other):
    """Make two users contacts; return their conversation when both show it."""
    await one.client.contacts.request(other.user_id)
    await other.client.contacts.accept(one.user_id)
    for phone, peer in ((one, other), (other, one)):
        await phone.sees(lambda p=phone, q=peer: p.contact(q) and p.talk_with(q), "the contact")
    return one.talk_with(other)


async def say(phone, talk, *contents):
    """Send messages; return the seqs of those that were accepted."""
    return [(await phone.client.send(talk, content)).seq for content in contents]
