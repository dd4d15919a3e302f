"""Faults of servers: killed at any moment and at named ones, frozen, restarted, with clocks that are set."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.faults.kinds import Faults, kind
from tests.simulation.servers import Server

POINTS = {
    "begin": "node killed before the lock",
    "locked": "node killed under the lock",
    "before_commit": "node killed before the commit",
    "after_commit": "node killed between commit and acknowledgement",
    "publish": "node killed between acknowledgement and publish",
    "published": "node killed after the publish",
}
"""Crash points of chat nodes."""

TIME_TO_END = 20.0
"""Seconds in which a server that runs has to end in order."""

A_MOMENT = 0.00005
"""Seconds in which what is written goes out, and nothing comes back."""


class ServerFaults(Faults):
    """Faults of servers."""

    def __init__(self, world, people) -> None:
        super().__init__(world, people)
        self._armed: dict[str, int] = {}
        self._by_name = {server.name: server for server in world.nodes}
        world.point = self.at_point

    # --- crash points of a node

    def at_point(self, point: str, server: Server) -> bool:
        """A node is at a point; whether it is killed there."""
        if point not in self._armed or not server.up:
            return False
        self._armed[point] -= 1
        if self._armed[point] > 0:
            return False
        del self._armed[point]
        if point == "publish":
            # The acknowledgements of this moment still go out.
            server.process.callLater(A_MOMENT, self.kill, server, POINTS[point])
        else:
            self.kill(server, POINTS[point])
        return True

    def at_database(self, point: str, process: str, transaction: str) -> bool:
        """A transaction of a process is at a point; whether the process is killed there."""
        server = self._by_name.get(process)
        return server is not None and transaction == "flush" and self.at_point(point, server)

    def _arm(self, point: str) -> bool:
        if point in self._armed:
            return False
        self._armed[point] = self.random.randint(1, 12)
        return True

    @kind("node killed before the lock")
    def before_lock(self) -> bool:
        return self._arm("begin")

    @kind("node killed under the lock")
    def under_lock(self) -> bool:
        return self._arm("locked")

    @kind("node killed before the commit", 3)
    def before_commit(self) -> bool:
        return self._arm("before_commit")

    @kind("node killed between commit and acknowledgement", 4)
    def after_commit(self) -> bool:
        return self._arm("after_commit")

    @kind("node killed between acknowledgement and publish", 4)
    def before_publish(self) -> bool:
        return self._arm("publish")

    @kind("node killed after the publish")
    def after_publish(self) -> bool:
        return self._arm("published")

    # --- any moment

    def _do(self, servers: list[Server], deed: Callable[[Server], None]) -> bool:
        server = self.a_server(servers)
        if server is not None:
            deed(server)
        return server is not None

    @kind("node killed", 3)
    def node_killed(self) -> bool:
        return self._do(self.world.nodes, lambda node: self.kill(node, "node killed"))

    @kind("node killed at some step", 3)
    def node_killed_at_step(self) -> bool:
        steps = self.random.randint(1, 150)
        return self._do(self.world.nodes, lambda node: self.kill_at_step(node, steps, "node killed at some step"))

    @kind("node killed while it starts")
    def node_killed_at_start(self) -> bool:
        def deed(node: Server) -> None:
            node.crash("to be started")
            self.after(0.5, self._start_and_kill, node)

        return self._do(self.world.nodes, deed)

    def _start_and_kill(self, node: Server) -> None:
        if not node.up:
            node.boot()
            self.kill_at_step(node, self.random.randint(1, 60), "node killed while it starts")

    @kind("node killed while it ends in order")
    def node_killed_at_end(self) -> bool:
        def deed(node: Server) -> None:
            process = node.process
            node.leave()
            self.kill_at_step(node, self.random.randint(1, 60), "node killed while it ends in order")
            self.after(TIME_TO_END, self._make_sure, node, process)

        return self._do(self.world.nodes, deed)

    @kind("node restarted in order", 3)
    def node_restarted(self) -> bool:
        def deed(node: Server) -> None:
            self.hit("node restarted in order", node.name)
            process = node.process
            node.leave().addBoth(lambda _: node.boot_in(1))
            self.after(TIME_TO_END, self._make_sure, node, process)

        return self._do(self.world.nodes, deed)

    def _make_sure(self, server: Server, process) -> None:
        """What does not end within its time, in which it is not frozen, is killed."""
        if not process.dead and (process.frozen or self.world.timeline.now < process.thawed + TIME_TO_END):
            self.after(TIME_TO_END, self._make_sure, server, process)
            return
        if not process.dead:
            self.world.failures.append(f"{server.name} does not end in order")
            server.crash("it does not end")
        if not server.up:
            server.boot()

    @kind("machine of a node lost")
    def machine_lost(self) -> bool:
        return self._do(self.world.nodes, lambda node: self.kill(node, "machine of a node lost", silently=True))

    def _freeze(self, server: Server, name: str, seconds: float) -> None:
        self.hit(name, server.name)
        server.freeze()
        self.after(seconds, server.thaw)

    @kind("node frozen", 4)
    def node_frozen(self) -> bool:
        seconds = self.random.choice((0.3, 2, 5, 12, 25, 45))
        return self._do(self.world.nodes, lambda node: self._freeze(node, "node frozen", seconds))

    @kind("gate killed")
    def gate_killed(self) -> bool:
        return self._do([self.world.gate], lambda server: self.kill(server, "gate killed"))

    @kind("gate killed at some step")
    def gate_killed_at_step(self) -> bool:
        steps = self.random.randint(1, 60)
        return self._do([self.world.gate], lambda gate: self.kill_at_step(gate, steps, "gate killed at some step"))

    @kind("gate frozen")
    def gate_frozen(self) -> bool:
        seconds = self.between(1, 12)
        return self._do([self.world.gate], lambda server: self._freeze(server, "gate frozen", seconds))

    @kind("status killed")
    def status_killed(self) -> bool:
        return self._do(self.world.statuses, lambda server: self.kill(server, "status killed"))

    @kind("status frozen")
    def status_frozen(self) -> bool:
        seconds = self.between(1, 12)
        return self._do(self.world.statuses, lambda server: self._freeze(server, "status frozen", seconds))

    @kind("verify killed")
    def verify_killed(self) -> bool:
        return self._do([self.world.verify], lambda server: self.kill(server, "verify killed"))

    @kind("clock of a server set", 3)
    def clock_set(self) -> bool:
        by = self.random.choice((3600.0, 100.0, 10.0, -3.0, -20.0))

        def deed(server: Server) -> None:
            self.hit("clock of a server set", server.name)
            server.clock_offset += by
            server.process.set_clock(server.clock_offset)

        return self._do([*self.world.nodes, *self.world.statuses, self.world.gate, self.world.verify], deed)

    def heal(self) -> None:
        """Let everything run."""
        self._armed.clear()
        for server in self.world.servers:
            if server.runs:
                server.process.before_step = None
            server.thaw()
            self.after(1, server.boot)
