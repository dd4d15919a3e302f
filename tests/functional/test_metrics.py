"""Metrics of real servers: each has its own, and says how long its pools are waited for."""

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor

from imchat.testing import EmbeddedServer
from imchat.testing.processes import free_port
from tests.functional.conftest import GENEROUS
from tests.functional.terminal import Terminal
from tests.functional.test_cluster import cluster
from tests.net.test_metrics import values

__all__ = ["cluster"]  # a fixture


async def read(port):
    """The metrics of one process."""
    response = await treq.get(f"http://127.0.0.1:{port}/metrics")
    assert response.code == 200
    return values(await response.text())


@pytest_twisted.ensureDeferred
async def test_the_embedded_server_counts_what_it_stores(tmp_path, state_dir):
    port = free_port()
    settings = (*GENEROUS, f"server.metrics=tcp:{port}:interface=127.0.0.1")
    server = EmbeddedServer(reactor, tmp_path / "data", settings=settings)
    await server.start()
    try:
        alice, bob = (Terminal(server, state_dir, name) for name in ("alice", "bob"))
        for person in (alice, bob):
            await person.join()
        await alice.run("send", "bob", "one")
        await alice.run("send", "bob", "two")
        seen = await read(port)
        assert seen["imchat_chat_messages_total", ("outcome", "stored")] == 2
        assert seen["imchat_chat_flush_messages_sum",] == 2
        assert seen["imchat_chat_flush_seconds_count",] == 2
        assert seen["imchat_chat_connections",] == 0
        assert seen["imchat_database_wait_seconds_count", ("pool", "writer")] > 2
        assert seen["imchat_database_connections_max", ("pool", "writer")] == 1
    finally:
        await server.kill()


@pytest.mark.parametrize("settings", [(*GENEROUS, "gate.workers=2")])
@pytest_twisted.ensureDeferred
async def test_each_server_of_a_cluster_tells_of_its_pools_and_of_redis(cluster, state_dir):
    first = {}
    for name, child in cluster.children.items():
        if name not in ("mariadb", "redis"):
            first[name] = free_port()
            child.command.append(f"--metrics=tcp:{first[name]}:interface=127.0.0.1")
            await child.kill()
            await child.start()
    await cluster.until_up()
    alice, bob = (Terminal(cluster, state_dir, name) for name in ("alice", "bob"))
    for person in (alice, bob):
        await person.join()
    await alice.run("send", "bob", "one")
    seen = {name: await read(port) for name, port in {**first, "gate.2": first["gate"] + 1}.items()}
    for name, metrics in seen.items():
        assert metrics["imchat_redis_connections",] > 0, name
        pools = {key[1][1] for key in metrics if key[0] == "imchat_database_wait_seconds_count"}
        assert pools == (set() if name == "verify" else {"reader", "writer", "flusher"}), name
    for name in ("verify", "status", "chat-a"):
        assert seen[name]["imchat_redis_round_trip_seconds_count",] > 0, name
    waits = [metrics.get(("imchat_database_wait_seconds_count", ("pool", "reader")), 0) for metrics in seen.values()]
    assert sum(waits) > 0
    stored = [metrics.get(("imchat_chat_messages_total", ("outcome", "stored")), 0) for metrics in seen.values()]
    assert sum(stored) == 1
    nodes = {dict(key[1:])["node"] for metrics in seen.values() for key in metrics if key[0] == "imchat_info"}
    assert {"a", "b"} < nodes and len(nodes) == 5, nodes
