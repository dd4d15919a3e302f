"""A whole world of one seed: the cluster, its network, its database and its Redis, and people with their devices.

How to plant a fault: subclass :class:`World` and override one of its ``build_…`` methods; each makes one part of one
process, is called anew for every run of that process, and may return anything with the same methods::

    class AcknowledgesTooEarly(World):
        def build_streams(self, base, streams):
            return EarlyStreams(streams)

    run_seed(1, AcknowledgesTooEarly)

``base.reactor`` is the process (:class:`tests.simulation.process.SimulatedProcess`), ``base.ids`` its randomness: what
is planted takes time and chance from there and nowhere else, so that a seed runs the same way every time.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

from twisted.python.failure import Failure

from imchat.assemble import settings as mapped
from imchat.net.links.secret import SharedSecret
from tests.simulation.application import Person
from tests.simulation.builders import Builders
from tests.simulation.clients import Device
from tests.simulation.conditions import Conditions
from tests.simulation.network import Network
from tests.simulation.process import SimulatedProcess
from tests.simulation.recorder import Recorder
from tests.simulation.servers import (
    ADMIN_PORT,
    GATE_PORT,
    ChatServer,
    GateServer,
    RedisServer,
    Server,
    StatusServer,
    VerifyServer,
)
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

START = 1_700_000_000.0
"""Seconds since 1970 at which every world begins."""


class World(Builders):
    """Everything.

    Args:
        seed: Decides all that is left to chance.
        conditions: Its size.

    Attributes:
        timeline: Its time.
        clock: The clock of the SQL server.
        network: Connects all processes.
        trace: What happened.
        recorder: What the checker is told.
        database: The SQL server.
        redis: What stands for Redis.
        failures: What no process should have let happen, as lines.
        mails: The last mail to each address.
        mail_down: The mail server takes none.
        point: Asked with the name of a crash point and the server that is at it.
    """

    def __init__(self, seed: int, conditions: Conditions) -> None:
        self.seed = seed
        self.conditions = conditions
        self.timeline = Timeline(START)
        self._randoms: dict[str, Random] = {}
        self.trace = Trace(self.timeline, START)
        self.failures: list[str] = []
        self.network = Network(self.timeline, self.randoms("network"), self._base_latency, self.fault)
        self.clock = SimulatedProcess(self.network, "database", "10.0.0.1")
        self.recorder = Recorder(self.trace)
        self.mails: dict[str, str] = {}
        self.mail_down = False
        self.point: Any = lambda name, server: False
        self.secret = SharedSecret("a secret that all servers of the simulation share")
        self.config = self.build_config()
        self.gate_policy = mapped.gate_policy(self.config)
        self.http_settings = mapped.http_settings(self.config.gate)
        self.database = self.build_database_server()
        self.redis = self.build_redis_server()
        self._build_servers()
        self.people = [self._person(number) for number in range(conditions.users)]

    def randoms(self, name: str) -> Random:
        """A source of chance of its own for each purpose, so that they do not disturb each other."""
        if name not in self._randoms:
            self._randoms[name] = Random(f"{self.seed} {name}")
        return self._randoms[name]

    def _base_latency(self, one: str, other: str) -> float:
        # Servers stand side by side, people are somewhere in the world.
        near = one.startswith("10.0.") and other.startswith("10.0.")
        return 0.0002 if near else 0.004 + 0.04 * self.randoms("distances").random()

    def _build_servers(self) -> None:
        conditions = self.conditions
        self.redis_server = RedisServer(self, "redis", "10.0.0.2")
        self.gate = GateServer(self, "gate", "10.0.0.3")
        self.verify = VerifyServer(self, "verify", "10.0.0.4")
        self.statuses: list[StatusServer] = [
            StatusServer(self, f"status-{n}", f"10.0.1.{n}") for n in range(1, conditions.statuses + 1)
        ]
        self.nodes: list[ChatServer] = [
            ChatServer(self, f"chat-{n}", f"10.0.2.{n}") for n in range(1, conditions.nodes + 1)
        ]
        self.servers = [self.redis_server, self.verify, *self.statuses, *self.nodes, self.gate]
        random = self.randoms("clocks")
        for server in self.servers:
            server.clock_offset = random.choice((0.0, 0.0, random.uniform(-0.5, 0.5), random.uniform(-5, 5)))
        self.gate_url = f"http://{self.gate.host}:{GATE_PORT}"
        self.admin_url = f"http://{self.gate.host}:{ADMIN_PORT}"

    def _person(self, number: int) -> Person:
        name = f"user{number:02}"
        return Person(number, name, f"{name}@example.org", f"kelp forest of {name}, 0")

    # --- what its inhabitants ask

    def at_point(self, name: str, server: Server) -> bool:
        """A server is at a crash point; whether it is to be killed there, which follows at the end of this moment."""
        return bool(self.point(name, server))

    def client_clock_offset(self, device: Device) -> float:
        """By how much a device's clock is wrong."""
        return Random(f"{self.seed} {device.name} clock").uniform(-100, 100)

    def code_for(self, person: Person) -> str | None:
        """The code in the last mail to somebody, who then throws the mail away."""
        found = re.search(r"\b\d{6}\b", self.mails.pop(person.email, ""))
        return found and found[0]

    def user_id_of(self, person: Person) -> int:
        """The id of somebody's account, from the database."""
        return next(row["user_id"] for row in self.database.inspect()["account"] if row["name"] == person.name)

    def fault(self, process: SimulatedProcess, failure: Failure) -> None:
        """A process let an exception through to its reactor, or something happened to a client that must not."""
        self.failures.append(f"{process.name}: {failure.type.__name__}: {failure.getErrorMessage()}")
        self.trace.note(process.name, "FAULT %s", failure.getTraceback())

    # --- its life

    def devices(self) -> list[Device]:
        """All devices that are used."""
        return [device for person in self.people for device in person.devices if not device.over]

    def boot(self) -> None:
        """Switch on all servers."""
        for server in self.servers:
            server.boot()

    def close(self) -> None:
        """End everything: what waits for ever is not to be kept."""
        self.database.close()
        for device in self.devices():
            if device.process is not None:
                device.process.crash()

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.timeline.run(self.timeline.now + seconds)
