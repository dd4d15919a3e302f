"""Faults of what holds data: the SQL server's errors and outages, Redis gone or emptied, and the mail server."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.database import faults as sql
from tests.simulation.database.faults import Injected
from tests.simulation.faults.kinds import Faults, kind

ERRORS: dict[str, tuple[str, Injected]] = {
    "database refuses a connection": ("connect", sql.REFUSED),
    "database has no room for a connection": ("connect", sql.TOO_MANY),
    "database gone at the beginning": ("begin", sql.GONE_AWAY),
    "database lost under the lock": ("locked", sql.LOST),
    "deadlock": ("locked", sql.DEADLOCK),
    "lock wait time-out": ("locked", sql.LOCK_TIMEOUT),
    "database lost before the commit": ("before_commit", sql.LOST),
    "deadlock before the commit": ("before_commit", sql.DEADLOCK),
    "database full": ("before_commit", sql.FULL),
    "database lost after the commit": ("after_commit", sql.LOST),
    "database shut down after the commit": ("after_commit", sql.SHUTDOWN),
    "commit is slow": ("before_commit", Injected("delay", delay=1.0)),
    "commit's answer is slow": ("after_commit", Injected("delay", delay=1.0)),
}


class DataFaults(Faults):
    """Faults of what holds data."""

    def __init__(self, world, people) -> None:
        super().__init__(world, people)
        self._armed: dict[str, list] = {}
        self._partitions: list[str] = []

    # --- SQL

    def at_database(self, point: str, process: str, transaction: str) -> Injected | None:
        """What goes wrong with a transaction that is at a point."""
        for name, (times, skip, where, injected) in list(self._armed.items()):
            if where != point:
                continue
            if skip:
                self._armed[name][1] -= 1
                continue
            self._armed[name][0] -= 1
            if times <= 1:
                del self._armed[name]
            self.hit(name, process)
            return injected
        return None

    def _arm(self, name: str) -> bool:
        if name in self._armed:
            return False
        point, injected = ERRORS[name]
        if injected.delay:
            injected = replace(injected, delay=self.random.choice((0.2, 1.0, 3.0, 7.0)))
        self._armed[name] = [self.random.choice((1, 1, 2, 5)), self.random.randint(0, 5), point, injected]
        return True

    @kind("database stopped", 3)
    def stopped(self) -> bool:
        self.hit("database stopped", "database")
        self.world.database.stop()
        self.after(self.random.choice((0.3, 2, 8, 15)), self._start)
        return True

    def _start(self) -> None:
        self.world.trace.note("database", "starts")
        self.world.database.start()

    @kind("database cut off from a node", 3)
    def cut_off(self) -> bool:
        node = self.a_server(self.world.nodes)
        if node is None:
            return False
        self.hit("database cut off from a node", node.name)
        self.world.database.cut(node.name)
        self.after(self.random.choice((0.5, 4, 12)), self.world.database.mend, node.name)
        return True

    @kind("clock of the database set")
    def clock_set(self) -> bool:
        self.hit("clock of the database set", "database")
        clock = self.world.clock
        clock.set_clock(clock.offset + self.random.choice((3600.0, 5.0, -2.0, -8.0)))
        return True

    # --- Redis

    @kind("redis killed", 3)
    def redis_killed(self) -> bool:
        redis = self.world.redis_server
        if not redis.up:
            return False
        self.kill(redis, "redis killed")
        return True

    @kind("redis flushed", 3)
    def redis_flushed(self) -> bool:
        if not self.world.redis_server.up:
            return False
        self.hit("redis flushed", "redis")
        self.world.redis.flush()
        return True

    @kind("redis frozen")
    def redis_frozen(self) -> bool:
        redis = self.world.redis_server
        if not self.running([redis]):
            return False
        self.hit("redis frozen", "redis")
        redis.freeze()
        self.after(self.between(0.5, 10), redis.thaw)
        return True

    @kind("redis cut off from a node", 4)
    def redis_cut_off(self) -> bool:
        host = self.random.choice(self.world.nodes).host
        if not self.world.redis_server.up or host in self._partitions:
            return False
        self.hit("redis cut off from a node", host)
        self._partitions.append(host)
        self.world.network.block(self.world.redis_server.host, host)
        self.after(self.random.choice((0.5, 3, 10, 20)), self._join, host)
        return True

    def _join(self, host: str) -> None:
        if host in self._partitions:
            self._partitions.remove(host)
            self.world.network.unblock(self.world.redis_server.host, host)

    @kind("redis slow for a node")
    def redis_slow(self) -> bool:
        host = self.random.choice(self.world.nodes).host
        self.hit("redis slow for a node", host)
        self.world.network.delay(self.world.redis_server.host, host, self.between(0.1, 1.8))
        self.after(self.between(2, 10), self.world.network.delay, self.world.redis_server.host, host, 0.0)
        return True

    # --- mail

    @kind("mail server down", 5)
    def mail_down(self) -> bool:
        self.world.mail_down = True
        self.after(self.between(8, 30), self._mail_up)
        return True

    def _mail_up(self) -> None:
        self.world.mail_down = False

    def heal(self) -> None:
        """Let everything serve."""
        self._armed.clear()
        self._start()
        for node in self.world.nodes:
            self.world.database.mend(node.name)
        self._mail_up()
        for host in list(self._partitions):
            self._join(host)
        for node in self.world.nodes:
            self.world.network.delay(self.world.redis_server.host, node.host, 0.0)


def _error(name: str):
    def method(self: DataFaults) -> bool:
        return self._arm(name)

    return kind(name)(method)


for _number, _name in enumerate(ERRORS):
    setattr(DataFaults, f"error_{_number}", _error(_name))
