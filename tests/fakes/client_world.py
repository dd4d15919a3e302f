"""Clients in front of the scripted server, with all that they need, and what their applications got."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.client import Client, Credentials, MemoryState, Options, Outside, Status, Unreachable
from imchat.domain.errors import IMError, Unauthenticated
from imchat.domain.models import Login, Route
from tests.fakes.client import NODE, FakeServer
from tests.fakes.ids import SeededIds


class FakeGate:
    """Stands in for :class:`imchat.client.gate.Gate`.

    Attributes:
        trouble: Raised by every call while it is set.
        calls: What was asked for.
    """

    base = "http://gate.test"

    def __init__(self, server: FakeServer, nodes=(NODE,)) -> None:
        self.server, self.nodes = server, tuple(nodes)
        self.trouble: IMError | Unreachable | None = None
        self.calls: list[str] = []
        self.devices: list[str] = []

    async def login(self, login, password, device):
        self.calls.append("login")
        if self.trouble is not None:
            raise self.trouble
        self.devices.append(device.device_id)
        return self._login(f"token-{login}")

    async def route(self, token):
        self.calls.append("route")
        if self.trouble is not None:
            raise self.trouble
        return self._login(token)

    def _login(self, token):
        user_id = self.server.tokens.get(token)
        if user_id is None:
            raise Unauthenticated("no such session")
        return Login(user_id, self.server.users[user_id], token, 10**15, Route(self.nodes))


AT_ONCE = 10_000
"""More calls than that at one moment are a loop that no time passes in: its test would never end."""


class BusyClock(Clock):
    """A clock that lets a busy loop fail."""

    def __init__(self) -> None:
        super().__init__()
        self._moment, self._count = 0.0, 0

    def callLater(self, delay, callable, *args, **kw):
        if self.rightNow != self._moment:
            self._moment, self._count = self.rightNow, 0
        self._count += 1
        if self._count > AT_ONCE:
            self._count = 0
            raise AssertionError(f"a busy loop: {callable} again and again")
        return super().callLater(delay, callable, *args, **kw)


class FakeWorld:
    """A clock, a server, and clients with all that they need."""

    def __init__(self, nodes=(NODE,), seed=1) -> None:
        self.clock = BusyClock()
        self.clock.advance(1_000_000)
        self.server = FakeServer(self.clock)
        self.gate = FakeGate(self.server, nodes)
        self.ids = SeededIds(seed)

    def outside(self, store):
        return Outside(self.gate, self.server.connect, self.clock, self.ids, store)

    def run(self, seconds):
        """Let time pass, from one timer to the next."""
        end = self.clock.seconds() + seconds
        while True:
            due = [call.getTime() for call in self.clock.getDelayedCalls() if call.getTime() <= end]
            if not due:
                break
            self.clock.advance(max(0, min(due) - self.clock.seconds()))
        self.clock.advance(max(0, end - self.clock.seconds()))


class FakeUser:
    """A client of a user, and what its application got and was told."""

    def __init__(self, world, name="alice", store=None, handler=True, credentials=True, **options) -> None:
        self.world = world
        self.store = store or MemoryState()
        self.got: list[tuple[int, int, str | None]] = []
        self.statuses: list[Status] = []
        self.handler = None
        options.setdefault("on_status", lambda status, detail: self.statuses.append(status))
        self.client = Client(world.outside(self.store), self._handle if handler else None, Options(**options))
        self.started = self.client.start(Credentials(name, "secret") if credentials else None)
        self.closed: list[object] = []
        self.client.when_closed().addBoth(self.closed.append)

    async def _handle(self, turn):
        await self.handle(turn)

    async def handle(self, turn):
        content = turn.event.content
        self.got.append((turn.event.stream_id, turn.event.seq, getattr(content, "text", None)))
        if self.handler is not None:
            await self.handler(turn)

    def handle_into(self, handler):
        """From now on this function gets the events instead."""
        self.handle = handler

    def texts(self, stream_id):
        return [text for stream, _, text in self.got if stream == stream_id]


class ClientCase(SynchronousTestCase):
    """Tests with a world of their own; at the end every client is stopped and no timer is left."""

    def setUp(self):
        self.world = FakeWorld()
        self.server = self.world.server
        self.talk = self.server.direct(1, 2)
        self.users = []

    def tearDown(self):
        for user in self.users:
            user.client.stop()
        self.world.run(20)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def user(self, *args, **kwargs):
        user = FakeUser(self.world, *args, **kwargs)
        self.users.append(user)
        return user

    def live(self, *args, **kwargs):
        user = self.user(*args, **kwargs)
        self.world.run(1)
        self.assertIn("live", user.statuses)
        return user

    def sends(self, user_id=1):
        peers = [peer for peer in self.server.peers if peer.user_id == user_id]
        return [frame.send_message for peer in peers for frame in peer.received if frame.HasField("send_message")]
