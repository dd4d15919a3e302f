"""Faults of the network: connections cut, half-open, delayed, blocked, and readers that do not read."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.error import ConnectionLost

from tests.simulation.application import Person
from tests.simulation.faults.kinds import Faults, kind
from tests.simulation.transport import End

FLOOD = 60
"""Long messages that fill all buffers before one who does not read."""


class NetworkFaults(Faults):
    """Faults of the network."""

    def __init__(self, world, people) -> None:
        super().__init__(world, people)
        self._blocked: list[tuple[str, str]] = []
        self._delayed: list[tuple[str, str]] = []
        self._slow: list[End] = []

    def _connections(self, of_clients: bool) -> list[End]:
        return [
            end
            for end in self.world.network.connections
            if end.protocol is not None
            and end.getPeer().host.startswith("10.0.")
            and self._of_client(end) is of_clients
        ]

    @staticmethod
    def _of_client(end: End) -> bool:
        return end.getHost().host.startswith("10.1.")

    def _connection(self, of_clients: bool) -> End | None:
        found = self._connections(of_clients)
        return self.random.choice(found) if found else None

    def _do(self, of_clients: bool, name: str, deed: Callable[[End], None]) -> bool:
        end = self._connection(of_clients)
        if end is not None:
            self.hit(name, f"{end.process.name}→{end.peer.process.name}")
            deed(end)
        return end is not None

    @kind("client's connection cut", 4)
    def client_cut(self) -> bool:
        return self._do(True, "client's connection cut", End.cut)

    @kind("servers' connection cut", 3)
    def servers_cut(self) -> bool:
        return self._do(False, "servers' connection cut", End.cut)

    @kind("client's connection half-open", 3)
    def client_mute(self) -> bool:
        return self._do(True, "client's connection half-open", End.go_mute)

    @kind("servers' connection half-open", 2)
    def servers_mute(self) -> bool:
        return self._do(False, "servers' connection half-open", End.go_mute)

    @kind("connection lost for the client alone", 3)
    def lost_for_client(self) -> bool:
        def deed(end: End) -> None:
            end.go_mute()
            end.process.enter(end._lost, ConnectionLost())

        return self._do(True, "connection lost for the client alone", deed)

    @kind("connection lost for the server alone", 3)
    def lost_for_server(self) -> bool:
        def deed(end: End) -> None:
            end.go_mute()
            end.peer.process.enter(end.peer._lost, ConnectionLost())

        return self._do(True, "connection lost for the server alone", deed)

    def _delay(self, end: End) -> None:
        pair = (end.process.host, end.peer.process.host)
        self.world.network.delay(*pair, self.between(0.2, 4))
        self._delayed.append(pair)
        self.after(self.between(3, 15), self.world.network.delay, *pair, 0.0)

    @kind("client's connection delayed", 3)
    def client_delayed(self) -> bool:
        return self._do(True, "client's connection delayed", self._delay)

    @kind("servers' connection delayed", 2)
    def servers_delayed(self) -> bool:
        return self._do(False, "servers' connection delayed", self._delay)

    def _block(self, *pairs: tuple[str, str]) -> None:
        for pair in pairs:
            self.world.network.block(*pair)
            self._blocked.append(pair)
        self.after(self.random.choice((1, 5, 15, 40)), self._unblock, pairs)

    def _unblock(self, pairs: tuple[tuple[str, str], ...]) -> None:
        for pair in pairs:
            if pair in self._blocked:
                self._blocked.remove(pair)
                self.world.network.unblock(*pair)

    @kind("client cut off from a server", 3)
    def client_blocked(self) -> bool:
        def deed(end: End) -> None:
            self._block((end.process.host, end.peer.process.host))

        return self._do(True, "client cut off from a server", deed)

    @kind("servers cut off from each other", 3)
    def servers_blocked(self) -> bool:
        def deed(end: End) -> None:
            self._block((end.process.host, end.peer.process.host))

        return self._do(False, "servers cut off from each other", deed)

    @kind("node cut off from all clients", 2)
    def node_blocked(self) -> bool:
        node = self.a_server(self.world.nodes)
        if node is None:
            return False
        self.hit("node cut off from all clients", node.name)
        self._block(*[(node.host, device.host) for device in self.world.devices()])
        return True

    @kind("client does not read", 8)
    def slow_consumer(self) -> bool:
        """Then there is much to be read."""
        ends = [end for end in self._connections(True) if end.getPeer().port == 8090]
        if not ends:
            return False
        end = self.random.choice(ends)
        end.slow_down(True)
        self._slow.append(end)
        self.after(self.random.choice((4, 10, 40)), end.slow_down, False)
        device = next(device for device in self.world.devices() if device.process is end.process)
        for number in range(FLOOD):
            self.after(0.04 * number + self.random.random(), self._flood, device.person, end)
        self.after(3.5, self._filled, end)
        return True

    def _flood(self, person: Person, end: End) -> None:
        pairs = [pair for pair in self.people.pairs if person in pair]
        one, other = self.random.choice(pairs)
        peer = other if one is person else one
        speakers = [found for found in peer.devices if found.usable]
        if speakers and not end.gone:
            self.people.say(self.random.choice(speakers), person, long=True)

    def _filled(self, end: End) -> None:
        if end.peer.stalled:
            self.hit("client does not read", end.process.name)

    def heal(self) -> None:
        """Let everything through."""
        self._unblock(tuple(self._blocked))
        for pair in self._delayed:
            self.world.network.delay(*pair, 0.0)
        for end in self._slow:
            if end.slowed:
                end.slow_down(False)
