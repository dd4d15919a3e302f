"""Two nodes, and people some of whom are contacts: what the tests of presence begin with."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.watched import GATHER
from imchat.chat.settings import ChatSettings
from imchat.domain.limits import Limit
from imchat.domain.presence import OFFLINE_AFTER_MS, PACE_MS
from imchat.domain.rates import ACCOUNT_RATES, SESSION_RATES
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, WireClient

ROOMY = ChatSettings(
    limits=replace(SESSION_RATES, presence=Limit(10_000, 60_000), contacts=Limit(10_000, 60_000)),
    account_limits=replace(ACCOUNT_RATES, presence=Limit(10_000, 60_000), contacts=Limit(10_000, 60_000)),
    idle_timeout=10_000,
)
SOON = GATHER + 0.3
GONE = OFFLINE_AFTER_MS / 1000 + SOON


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig(ROOMY)
        self.other = self.rig.make_node("node-2", ROOMY)
        for name in ("ann", "bob", "cat"):
            self.rig.add_user(name)
        self.befriend("ann", "bob")
        self.ann = self.rig.client("ann")
        self.run_for(PACE_MS / 1000)

    def who(self, name: str) -> int:
        return self.rig.users[name]

    def sql(self, statement: str, *parameters: object) -> None:
        self.rig.database.pool.connection.execute(statement, parameters)

    def relate(self, one: int, other: int, is_contact: int = 1, blocked: int = 0) -> None:
        self.sql("INSERT OR REPLACE INTO contact VALUES (?, ?, ?, ?, '', '', 0, 0)", one, other, is_contact, blocked)

    def befriend(self, one: str, other: str) -> None:
        self.relate(self.who(one), self.who(other))
        self.relate(self.who(other), self.who(one))

    def run_for(self, seconds: float) -> None:
        while seconds > 0:
            self.rig.clock.advance(min(0.1, seconds))
            seconds -= 0.1
        self.rig.run()

    def come(self, name: str = "bob", device_id: str = "phone") -> WireClient:
        """Somebody comes to the other node."""
        return self.rig.client(name, device_id, node=self.other)

    def watch(self, *names: str, client: WireClient | None = None, remove: tuple[str, ...] = ()) -> pb.Frame:
        body = pb.WatchPeople(add=[self.who(name) for name in names], remove=[self.who(name) for name in remove])
        return (client or self.ann).ask(watch_people=body)

    def states(self, *names: str) -> dict[int, str]:
        """What the answer to a request says."""
        people = self.watch(*names).watched_people.people
        return {person.user_id: pb.PresenceState.Name(person.presence.state) for person in people}

    def pushed(self, client: WireClient | None = None) -> list[pb.PersonChanged]:
        frames = (client or self.ann).take()
        return [frame.person_changed for frame in frames if frame.WhichOneof("body") == "person_changed"]

    def told(self, client: WireClient | None = None) -> list[str]:
        """The states that were pushed."""
        return [pb.PresenceState.Name(one.presence.state) for one in self.pushed(client) if one.HasField("presence")]

    def assertError(self, frame: pb.Frame, code: str) -> None:
        self.assertEqual(code, frame.error.code, frame)
