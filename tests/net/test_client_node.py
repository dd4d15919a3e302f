"""The client library against the real chat node: both speak the schema, on real stores, over in-memory transports."""

import random
from dataclasses import replace

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from imchat.chat.settings import ChatSettings
from imchat.client import Client, MemoryState, Options, Outside, SavedSession
from imchat.domain.content import Text
from imchat.domain.errors import InvalidRequest, SessionReplaced
from imchat.domain.limits import Limit
from imchat.domain.models import Login, NodeAddress, Route
from imchat.domain.rates import SESSION_RATES
from tests.fakes.chat_node import NodeRig
from tests.fakes.pipes import PipeTransport

NODE = NodeAddress("node.test", 8090)


class PeerTransport(PipeTransport):
    def getPeer(self):
        return IPv4Address("TCP", "192.0.2.1", 40000)

    getHost = getPeer


@implementer(IStreamClientEndpoint)
class NodeEndpoint:
    def __init__(self, case):
        self.case = case

    def connect(self, factory):
        clock = self.case.rig.clock
        ours, theirs = (
            factory.buildProtocol(None),
            self.case.rig.node.factory.buildProtocol(PeerTransport.getPeer(None)),
        )
        ends = PeerTransport(clock, 0.01), PeerTransport(clock, 0.01)
        for end, other, protocol in ((ends[0], ends[1], ours), (ends[1], ends[0], theirs)):
            end.peer, end.protocol = other, protocol
        self.case.transports.append(ends[0])
        theirs.makeConnection(ends[1])
        ours.makeConnection(ends[0])
        connected = Deferred()
        clock.callLater(0, connected.callback, ours)
        return connected


class Routes:
    base = "http://gate.test"

    async def route(self, token):
        return Login(1, "", token, 0, Route((NODE,)))


class WithNode(SynchronousTestCase):
    settings = None

    def setUp(self):
        self.rig = NodeRig(self.settings)
        self.transports = []
        self.clients = []
        self.got = {}

    def tearDown(self):
        for client in self.clients:
            client.stop()
        self.run_for(20)

    def run_for(self, seconds):
        clock = self.rig.clock
        end = clock.seconds() + seconds
        while due := [c.getTime() for c in clock.getDelayedCalls() if c.getTime() <= end]:
            clock.advance(max(0, min(due) - clock.seconds()))
        clock.advance(max(0, end - clock.seconds()))

    def user(self, name, device="d", store=None, echo=False, token=None):
        token = token or self.rig.login(name, device)
        got = self.got.setdefault((name, device), [])
        me = self.rig.users[name]

        async def handle(turn):
            if isinstance(turn.event.content, Text):
                got.append(turn.event.content.text)
                if echo and not turn.own:
                    turn.reply(turn.event.stream_id, Text("re: " + turn.event.content.text))

        outside = Outside(
            Routes(), lambda node: NodeEndpoint(self), self.rig.clock, self.rig.ids, store or MemoryState()
        )
        client = Client(outside, handle, Options())
        session = SavedSession(Routes.base, me, name, token, device, "", (NODE,))
        self.successResultOf(client.start(session=session))
        self.clients.append(client)
        return client

    def opened(self, client, name):
        opened = Deferred.fromCoroutine(client.open_direct(self.rig.users[name]))
        self.run_for(1)
        return self.successResultOf(opened)


class OnOneNode(WithNode):
    def test_two_users_talk_on_all_their_devices(self):
        alice, _, bob = self.user("alice"), self.user("alice", "second"), self.user("bob")
        talk = self.opened(alice, "bob")
        sent = [alice.send(talk, f"a{n}") for n in range(40)]
        self.run_for(2)
        answered = bob.send(talk, "b")
        self.run_for(2)
        self.assertEqual([self.successResultOf(d).seq for d in sent], list(range(1, 41)))
        self.assertEqual(self.successResultOf(answered).seq, 41)
        said = [*(f"a{n}" for n in range(40)), "b"]
        for name in (("alice", "d"), ("alice", "second"), ("bob", "d")):
            self.assertEqual(self.got[name], said)

    def test_names_history_and_refusals(self):
        alice = self.user("alice")
        self.rig.add_user("bob")
        talk = self.opened(alice, "bob")
        alice.send(talk, "one")
        alice.send(talk, "two")
        found = Deferred.fromCoroutine(alice.directory.by_name("BOB"))
        self.run_for(1)
        self.assertEqual(self.successResultOf(found).id, self.rig.users["bob"])
        page = Deferred.fromCoroutine(alice.history(talk, limit=1))
        alone = Deferred.fromCoroutine(alice.open_direct(self.rig.users["alice"]))
        self.run_for(1)
        self.assertEqual([e.content.text for e in self.successResultOf(page).events], ["two"])
        self.failureResultOf(alone, InvalidRequest)

    def test_a_later_login_of_the_same_device_ends_the_older_client(self):
        older = self.user("alice")
        closed = older.when_closed()
        self.run_for(1)
        self.user("alice", token=older.session.token)
        self.run_for(10)
        self.failureResultOf(closed, SessionReplaced)
        self.assertFalse(any(t.connected for t in self.transports[:1]))

    def test_cuts_and_restarts_from_a_seed(self):
        dice = random.Random(5)
        tokens = {name: self.rig.login(name, "d") for name in ("alice", "echo")}
        stores = {name: MemoryState() for name in tokens}
        alice = self.user("alice", store=stores["alice"], token=tokens["alice"])
        echo = self.user("echo", store=stores["echo"], token=tokens["echo"], echo=True)
        talk = self.opened(alice, "echo")
        lines = [str(n) for n in range(60)]
        for line in lines:
            alice.send(talk, line)
            self.run_for(dice.random() * 0.3)
            if dice.random() < 0.3:
                dice.choice(self.transports).abortConnection()
            if dice.random() < 0.1:
                stopped = echo.stop()
                self.run_for(6)
                self.successResultOf(stopped)
                echo = self.user("echo", store=stores["echo"], token=tokens["echo"], echo=True)
        self.run_for(120)
        got = self.got["alice", "d"]
        self.assertEqual(got, self.got["echo", "d"])
        self.assertEqual([text for text in got if not text.startswith("re: ")], lines)
        self.assertEqual([text for text in got if text.startswith("re: ")], [f"re: {line}" for line in lines])


class OnABusyNode(WithNode):
    settings = ChatSettings(limits=replace(SESSION_RATES, messages=Limit(5, 5_000)))

    def test_beyond_the_limit_messages_come_later_and_in_order(self):
        alice, _ = self.user("alice"), self.user("bob")
        talk = self.opened(alice, "bob")
        sent = [alice.send(talk, str(n)) for n in range(30)]
        self.run_for(120)
        self.assertEqual([self.successResultOf(d).seq for d in sent], list(range(1, 31)))
        self.assertEqual(self.got["bob", "d"], [str(n) for n in range(30)])
