"""The metrics of each server: which numbers of its parts become which metrics, and where they are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prometheus_client import Metric

from imchat import __version__, startup
from imchat.assemble.lifecycle import Listener
from imchat.chat.node import ChatNode
from imchat.config import Config
from imchat.net.metrics import Metrics, MetricsSite, counter, gauge, histogram
from imchat.startup import StartupError
from imchat.store.sql.database import Database

if TYPE_CHECKING:
    from imchat.net.redis import RedisPool

SETTING = "server.metrics"


def endpoint(config: Config, worker: int = 0) -> str:
    """Where a process serves its metrics; empty where it does not. Worker n takes the port n - 1 above the first's.

    Args:
        config: The configuration.
        worker: The worker's number; 0 for a process without siblings.

    Raises:
        StartupError: several processes cannot each have a port of their own.
    """
    text = config.server.metrics
    if not text or worker <= 1:
        return text
    kind, (interface, port) = text.partition(":")[0], startup.tcp_address(text) or ("", 0)
    if kind not in ("tcp", "tcp4", "tcp6") or not 0 < port <= 65_536 - worker:
        raise StartupError(f"{SETTING} = {text!r}: workers need a port each, from this one on; use tcp:PORT")
    escaped = interface.replace(":", "\\:")
    return f"{kind}:{port + worker - 1}" + (f":interface={escaped}" if interface else "")


def ports(config: Config, workers: int = 1) -> list[tuple[str, str]]:
    """Where so many workers serve their metrics, each with the name of the setting; for the check before the start.

    Raises:
        StartupError: as for :func:`endpoint`.
    """
    numbers = range(1, workers + 1) if config.server.metrics else ()
    return [(endpoint(config, number), SETTING) for number in numbers]


class Watch:
    """Gathers the metrics of one process.

    Args:
        config: The configuration.
        reactor: The reactor of the process.
        server: What it is: gate, verify, status, chat or embedded.
        node: Its name.
        worker: The worker's number; 0 for a process without siblings.
    """

    def __init__(self, config: Config, reactor: Any, server: str, node: str, worker: int = 0) -> None:
        self._metrics = Metrics()
        self._reactor = reactor
        self._endpoint = endpoint(config, worker)
        labels = {"version": __version__, "server": server, "node": node}
        self._metrics.add(lambda: [gauge("imchat_info", "The server that this is.", [(labels, 1)])])

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """Where they are served: nowhere unless that is configured."""
        site = MetricsSite(self._metrics, self._reactor)
        return (Listener("metrics", self._endpoint, site),) if self._endpoint else ()

    def database(self, database: Database) -> Watch:
        """Add the pools of a database."""

        def collect() -> Iterator[Metric]:
            pools = [({"pool": name}, runner) for name, runner in database.runners.items()]
            yield histogram(
                "imchat_database_wait_seconds",
                "For how long transactions waited for a connection of the pool.",
                [(labels, runner.waits.times) for labels, runner in pools],
            )
            yield gauge(
                "imchat_database_longest_wait_seconds",
                "For how long the one that waits longest has been waiting.",
                [(labels, runner.waits.longest(self._reactor.seconds())) for labels, runner in pools],
            )
            yield gauge(
                "imchat_database_waiting",
                "Transactions that wait for a connection.",
                [(labels, runner.waits.waiting) for labels, runner in pools],
            )
            yield gauge(
                "imchat_database_running",
                "Transactions that have a connection.",
                [(labels, runner.waits.open - runner.waits.waiting) for labels, runner in pools],
            )
            yield gauge(
                "imchat_database_connections_max",
                "Largest number of connections of the pool.",
                [(labels, runner.size) for labels, runner in pools],
            )

        self._metrics.add(collect)
        return self

    def redis(self, pool: RedisPool) -> Watch:
        """Add connections to Redis."""

        def collect() -> Iterator[Metric]:
            yield histogram(
                "imchat_redis_round_trip_seconds",
                "For how long calls waited for Redis, those included that it did not answer in time.",
                [({}, pool.round_trips)],
            )
            yield gauge("imchat_redis_connections", "Connections for commands.", [({}, pool.connections)])

        self._metrics.add(collect)
        return self

    def chat(self, node: ChatNode) -> Watch:
        """Add a chat node."""

        def collect() -> Iterator[Metric]:
            figures = node.figures
            yield gauge("imchat_chat_connections", "Connections of clients.", [({}, node.connections)])
            yield gauge("imchat_chat_pending", "Messages that are not stored yet.", [({}, node.pending)])
            yield counter(
                "imchat_chat_messages",
                "Messages by what became of them; resent ones were stored before.",
                [
                    ({"outcome": "stored"}, figures.stored),
                    ({"outcome": "resent"}, figures.resent),
                    ({"outcome": "failed"}, figures.failed),
                ],
            )
            yield histogram(
                "imchat_chat_flush_seconds",
                "From the beginning of a flush until something was known of all its messages.",
                [({}, figures.flush_seconds)],
            )
            yield histogram("imchat_chat_flush_messages", "Messages of one flush.", [({}, figures.flush_messages)])

        self._metrics.add(collect)
        return self
