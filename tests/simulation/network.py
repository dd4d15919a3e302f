"""The network between simulated processes: how long things take on it, and what gets lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.simulation.process import SimulatedProcess
from tests.simulation.timeline import Timeline
from tests.simulation.transport import Connector, End

Pair = tuple[str, str]


@implementer(IListeningPort)
class Port:
    """Something listens.

    Args:
        process: Whose.
        number: On which port.
        factory: Takes the connections.
    """

    def __init__(self, process: SimulatedProcess, number: int, factory: Any) -> None:
        self.process = process
        self.number = number
        self.factory = factory
        self.open = True

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", self.process.host, self.number)

    def startListening(self) -> None:
        self.factory.doStart()

    def stopListening(self) -> None:
        if self.open and not self.process.dead:
            self.close()
            self.factory.doStop()

    def close(self) -> None:
        """Take no more connections."""
        self.open = False
        self.process.ports.pop(self, None)
        self.process.network.closed(self)

    def accept(self, end: End) -> None:
        """A connection arrived; runs in the process."""
        if not self.open or end.gone:
            end.refuse()
            return
        protocol = self.factory.buildProtocol(end.getPeer())
        if protocol is None:
            end.refuse()
        else:
            end.begin(protocol)


class Network:
    """All links, between any two hosts.

    Args:
        timeline: The world's time.
        random: For how long things take.
        base_latency: Returns the seconds that a segment takes between two hosts when all is well.
        fault: Told of what a process let through to its reactor.

    Attributes:
        connections: The clients' ends of all connections that are open or being made.
        running: The process that is taking a step.
    """

    def __init__(
        self,
        timeline: Timeline,
        random: Random,
        base_latency: Callable[[str, str], float],
        fault: Callable[[SimulatedProcess, Failure], None],
    ) -> None:
        self.timeline = timeline
        self.fault = fault
        self.connections: dict[End, None] = {}
        self.running: SimulatedProcess | None = None
        self.random = random
        self._base_latency = base_latency
        self._bases: dict[Pair, float] = {}
        self._extra: dict[Pair, float] = {}
        self._blocked: dict[Pair, int] = {}
        self._lost_hosts: dict[str, None] = {}
        self._stalled: list[tuple[End, Any]] = []
        self._ports: dict[tuple[str, int], Port] = {}
        self._last_port = 40_000

    @contextmanager
    def stepping(self, process: SimulatedProcess) -> Iterator[None]:
        """What is done within this is a step of a process, though nothing that happened to it led there."""
        outer, self.running = self.running, process
        try:
            yield
        finally:
            self.running = outer

    # --- what goes wrong

    def delay(self, one: str, other: str, seconds: float) -> None:
        """From now on everything between two hosts takes so much longer."""
        self._extra[one, other] = self._extra[other, one] = seconds

    def block(self, one: str, other: str) -> None:
        """Nothing gets through between two hosts any more; it is kept for when it does again."""
        for pair in ((one, other), (other, one)):
            self._blocked[pair] = self._blocked.get(pair, 0) + 1

    def unblock(self, one: str, other: str) -> None:
        """Undo one :meth:`block`."""
        for pair in ((one, other), (other, one)):
            self._blocked[pair] -= 1
        stalled, self._stalled = self._stalled, []
        for end, item in stalled:
            self.carry(end, item)

    def blocked(self, one: str, other: str) -> bool:
        """Whether nothing gets through."""
        return self._blocked.get((one, other), 0) > 0

    def lose(self, host: str) -> None:
        """A machine has lost its power: nobody answers there."""
        self._lost_hosts[host] = None

    def find(self, host: str) -> None:
        """The machine is up again."""
        self._lost_hosts.pop(host, None)

    def is_lost(self, host: str) -> bool:
        """Whether nobody answers there, not even to refuse."""
        return host in self._lost_hosts

    # --- what travels

    def latency(self, one: str, other: str) -> float:
        """How long the next segment takes."""
        pair = (one, other)
        base = self._bases.get(pair)
        if base is None:
            base = self._bases[pair] = self._bases[other, one] = self._base_latency(one, other)
        return base * (1 + self.random.random()) + self._extra.get(pair, 0.0)

    def carry(self, end: End, item: Any) -> None:
        """Take something from one end of a connection to the other, behind what went before."""
        here, there = end.process.host, end.peer.process.host
        if (here, there) in self._blocked and self.blocked(here, there):
            self._stalled.append((end, item))
            return
        end.arrival = when = max(end.arrival, self.timeline.now + self.latency(here, there))
        self.timeline.at(when, end.peer.arrived, item)

    # --- connections

    def listen(self, process: SimulatedProcess, number: int, factory: Any) -> Port:
        """A process listens."""
        if (process.host, number) in self._ports:
            raise OSError(98, f"{process.host}:{number} is in use")
        port = Port(process, number, factory)
        if not process.dead:
            self._ports[process.host, number] = port
            process.ports[port] = None
            port.startListening()
        return port

    def closed(self, port: Port) -> None:
        """Nobody listens there any more."""
        key = (port.process.host, port.number)
        if self._ports.get(key) is port:
            del self._ports[key]

    def connect(self, process: SimulatedProcess, host: str, number: int, factory: Any, timeout: float) -> Connector:
        """A process connects."""
        self._last_port += 1
        here = IPv4Address("TCP", process.host, self._last_port)
        connector = Connector(process, here, IPv4Address("TCP", host, number), factory, timeout)
        connector.connect()
        return connector

    def knock(self, end: End) -> None:
        """A client's end wants to be connected; without an answer its time-out strikes."""
        here, there = end.process.host, end.getPeer().host
        if not self.blocked(here, there):
            self.timeline.after(self.latency(here, there), self._knocked, end)

    def _knocked(self, end: End) -> None:
        here, there = end.getHost(), end.getPeer()
        if end.gone:
            return
        port = self._ports.get((there.host, there.port))
        if self.is_lost(there.host) or self.blocked(here.host, there.host):
            return
        back = self.latency(there.host, here.host)
        if port is None:
            self.timeline.after(back, end.process.enter, end.failed, ConnectionRefusedError())
            return
        # The kernel takes it, also for a process that is frozen.
        other = End(port.process, there, here, None)
        end.join(other)
        self.connections[end] = None
        port.process.ends[other] = None
        self.timeline.after(back, end.process.enter, end.established)
        port.process.enter(port.accept, other)
