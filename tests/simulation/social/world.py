"""The world of people who meet: ten of them, with two devices each, on two nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from imchat.assemble import parts
from imchat.chat.settings import ChatSettings
from imchat.client import Client, Credentials, Options, Outside
from imchat.client.engine import Handler
from imchat.client.mirror import Mirror
from imchat.client.values import Receipt
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.rates import ACCOUNT_RATES, SESSION_RATES
from imchat.net.redis import RedisPool
from imchat.ports import Bus, Notice, PresenceStore, Publisher
from imchat.status.logic import StatusLogic
from imchat.status.logic.nodes import Nodes
from imchat.store.memory import MemoryHub, MemoryPresence
from imchat.store.sql.database import Database
from tests.simulation.application import Person
from tests.simulation.clients import Device
from tests.simulation.conditions import Conditions
from tests.simulation.load import People
from tests.simulation.process import SimulatedProcess
from tests.simulation.servers import Server
from tests.simulation.world import World

PEOPLE = 10
DEVICES_EACH = 2
PLATFORM = "simulation"


def social_conditions(seed: int, faults: int = 0) -> Conditions:
    """The conditions of a seed: every third one is the embedded server's chat node, which is alone."""
    random = Random(f"{seed} social conditions")
    return Conditions(
        # On every other of two nodes, too, SQLite shows what the stand-in for MariaDB may hide.
        plain_database=seed % 3 == 0 or seed % 2 == 0,
        nodes=1 if seed % 3 == 0 else 2,
        statuses=1,
        users=PEOPLE,
        devices=PEOPLE * DEVICES_EACH,
        registered=0,
        bots=0,
        pairs=0,
        messages=random.randint(450, 550),  # deeds of every kind
        faults=faults,
        busy=60.0,
        settle=240.0,
        chat=ChatSettings(
            contacts=ContactsPolicy.REQUIRED,
            limits=replace(SESSION_RATES, lookups=Limit(600, 60_000)),
            account_limits=replace(ACCOUNT_RATES, lookups=Limit(1_200, 60_000)),
            flush_drafts=random.choice((1_000, 5)),
            flush_streams=random.choice((500, 3)),
            cached_members=random.choice((1_000_000, 6)),
        ),
    )


class SocialDevice(Device):
    """A device whose application shows a mirror.

    Attributes:
        mirror: Of the client that runs there now, or ran last.
        away: Its program says that nobody is at it, over reconnects, until it ends.
        receipts: How far others were when it was told last, by conversation and user.
        typed: Who was seen typing: when, conversation and user.
        answered: How far others are, as it was answered when it asked last, by conversation.
    """

    world: SocialWorld
    mirror: Mirror
    away = False

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.receipts: dict[tuple[int, int], Receipt] = {}
        self.typed: list[tuple[float, int, int]] = []
        self.answered: dict[int, tuple[Receipt, ...]] = {}

    def switch_on(self) -> None:
        """Start the client, unless its owner is absent: it is switched on when they come."""
        if self.person.number not in self.world.absent:
            super().switch_on()

    def listen(self, mirror: Mirror) -> None:
        """Keep what the client is told in passing."""
        self.mirror = mirror
        self.receipts, self.away = {}, False
        mirror.client.on_receipt(self._told_receipt)
        mirror.client.on_typing(lambda seen: self.typed.append((self._now(), seen.conversation_id, seen.user_id)))

    def _now(self) -> float:
        return self.world.timeline.now

    def _told_receipt(self, receipt: Receipt) -> None:
        self.receipts[receipt.conversation_id, receipt.user_id] = receipt

    def _start(self, process: SimulatedProcess, client: Client) -> None:
        person, mirror = self.person, self.mirror
        session, self._session = self._session, None
        started = Deferred.fromCoroutine(mirror.start(Credentials(person.name, person.password), session))
        client.when_closed().addCallbacks(lambda _: None, lambda failure: self._closed(process, failure))
        started.addErrback(lambda failure: self._not_started(process, failure))

    @property
    def ready(self) -> bool:
        """Whether its mirror has all that it asked for."""
        mirror = self.mirror
        return not (mirror._outdated or mirror._updating or mirror.state.stale)


class SocialWorld(World):
    """The world; faults are planted as in :class:`tests.simulation.world.World`.

    Attributes:
        absent: Numbers of people whose devices are all switched off, and stay so until they come back.
    """

    def __init__(self, seed: int, conditions: Conditions) -> None:
        self.absent: set[int] = set()
        super().__init__(seed, conditions)

    def devices(self) -> list[Device]:
        """All devices that are used by those who are not absent."""
        return [device for device in super().devices() if device.person.number not in self.absent]

    @property
    def embedded(self) -> bool:
        """Whether the chat node is as in the embedded server: alone, without Redis."""
        return self.conditions.nodes == 1

    def build_bus(self, base: parts.Base, pool: RedisPool, server: Server) -> Bus:
        """The bus of a chat node."""
        if not self.embedded:
            return super().build_bus(base, pool, server)
        self._hub = MemoryHub(base.reactor)
        bus: Any = self._hub.attach(server.name)
        close = bus.close

        async def closed() -> None:
            close()

        # A server of a cluster starts its bus and waits for its end.
        bus.start, bus.close = lambda: None, closed
        return bus  # type: ignore[no-any-return]

    def build_status_logic(
        self, base: parts.Base, database: Database, publisher: Publisher, nodes: Nodes
    ) -> StatusLogic:
        """The logic of a status server."""
        return super().build_status_logic(base, database, self if self.embedded else publisher, nodes)

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Tell the chat node that is alone, as the status part tells it in the same process."""
        await self._hub.publish(notices)

    def build_presence(self, base: parts.Base, pool: RedisPool) -> PresenceStore:
        """Who is there."""
        return MemoryPresence(base.now_ms) if self.embedded else super().build_presence(base, pool)

    def build_client(self, device: Any, outside: Outside, handler: Handler, options: Options) -> Client:
        device.listen(self.build_mirror(device, outside, handler, options))
        return device.mirror.client

    def build_mirror(self, device: SocialDevice, outside: Outside, handler: Handler, options: Options) -> Mirror:
        """The mirror of a device, and its client."""
        return Mirror(outside, options, handler)


class Society(People):
    """All people of a social world."""

    def move_in(self) -> None:
        """Get accounts, then devices."""
        people = self.world.people
        self.pairs = [(person, people[(person.number + 1) % len(people)]) for person in people]
        for person in people:
            for _ in range(DEVICES_EACH):
                self.new_device(person)
        self._in_process("operator", "10.0.3.1", self._create, self.world.people)

    def say(self, device: Device, peer: Person, long: bool = False) -> None:
        """What is said here, deeds say."""

    def new_device(self, person: Person, **given: Any) -> SocialDevice:
        """Somebody has one more device."""
        self._devices += 1
        host = f"10.1.{self._devices // 200}.{self._devices % 200 + 1}"
        device = SocialDevice(self.world, person, f"{person.name}/{len(person.devices) + 1}", host, **given)
        person.devices.append(device)
        return device
