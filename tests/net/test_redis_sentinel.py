"""Failover by a real Sentinel: commands and the bus follow the master."""

from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from imchat.domain.errors import Unavailable
from imchat.net.redis import RedisBus
from imchat.ports import SessionsClosed
from imchat.testing.databases import find_program
from imchat.testing.processes import Child, free_port
from tests.redis import OutageLines, closing, own_redis, pause, settings, started_pool, until

NOTICE = SessionsClosed(1, None, "session_ended")


async def own_sentinel(test, master_port: int) -> int:
    """A running Sentinel that watches a master; return its port."""
    directory, port = Path(test.mktemp()).absolute(), free_port()
    directory.mkdir(parents=True)
    configuration = directory / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
        f"sentinel monitor chat 127.0.0.1 {master_port} 1\n"
        "sentinel down-after-milliseconds chat 500\nsentinel failover-timeout chat 3000\n"
    )
    sentinel = Child(reactor, [find_program("redis-server"), str(configuration), "--sentinel"], "+monitor master")
    test.addCleanup(closing(sentinel, "kill"))
    await sentinel.start()
    return port


class Failover(TestCase):
    async def test_commands_and_the_bus_move_to_the_new_master(self):
        master = await own_redis(self)
        replica = await own_redis(self, "--replicaof", "127.0.0.1", str(master.port))
        port = await own_sentinel(self, master.port)
        # The first of the two is not there: the next one is asked.
        sentinels = (f"tcp:127.0.0.1:{free_port()}", f"tcp:127.0.0.1:{port}")
        given = settings(1, sentinels=sentinels, master_name="chat", timeout=3.0)
        pool = started_pool(self, given)
        operator = started_pool(self, settings(port, pool_size=1))
        self.assertEqual((await pool.call(b"ROLE"))[0], b"master")
        buses = [RedisBus(reactor, pool, name, 1) for name in ("one", "two")]
        heard, reasons = [], []
        for bus in buses:
            self.addCleanup(closing(bus))
            bus.start()
        buses[1].listen(lambda channel, notice: heard.append(notice))
        buses[1].watch(reasons.append)
        await buses[1].subscribe(["user:1"])
        await self.known(operator, b"%d" % replica.port)
        lines = OutageLines(self)
        await master.kill()
        await until(lambda: "the subscription was made anew" in reasons, "the new master")
        await until(lambda: pool.connected and not pool.outage.lasts, "commands")
        await pool.call(b"SET", b"k", b"v")
        await buses[0].publish([("user:1", NOTICE)])
        await until(lambda: heard, "the notice")
        self.assertEqual(len(lines.lines), 2, lines.lines)

    async def known(self, operator, port: bytes) -> None:
        """Return when the Sentinel knows of a replica, so that it can make it the master."""
        for _ in range(500):
            found = await operator.call(b"SENTINEL", b"REPLICAS", b"chat")
            if any(port in replica for replica in found):
                return
            await pause(20)
        raise AssertionError("the Sentinel does not see the replica")

    async def test_a_replica_under_the_masters_name_is_refused_and_so_is_a_name_that_nobody_knows(self):
        master = await own_redis(self)
        replica = await own_redis(self, "--replicaof", "127.0.0.1", str(master.port))
        port = await own_sentinel(self, replica.port)
        for name, reason in (("chat", "no master"), ("other", "no master named other")):
            lines = OutageLines(self)
            pool = started_pool(self, settings(1, sentinels=(f"tcp:127.0.0.1:{port}",), master_name=name))
            with self.assertRaises(Unavailable):
                await pool.call(b"PING")
            self.assertIn(reason, lines.lines[0])
            await pool.close()
