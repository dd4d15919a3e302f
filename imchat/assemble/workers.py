"""One server in several processes: who supervises, who listens, what each is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger

from imchat import startup
from imchat.assemble.lifecycle import READY, Listener, Steps
from imchat.net.workers import Lifeline, Supervisor
from imchat.startup import StartupError

_log = Logger(namespace="imchat")


@dataclass(frozen=True, slots=True)
class Place:
    """Which process of a server this is.

    Attributes:
        worker: Number of the worker, from 1; 0 for a process that an operator started.
    """

    worker: int = 0

    @property
    def owns_port(self) -> bool:
        """Whether no sibling may listen on its port already."""
        return not self.worker

    @property
    def first(self) -> bool:
        """Whether it holds what there can be one of."""
        return self.worker <= 1

    def supervises(self, workers: int) -> bool:
        """Whether it only looks after so many workers."""
        return not self.worker and workers > 1

    def node_id(self, name: str) -> str:
        """The name of its node."""
        return f"{name}.{self.worker}" if self.worker else name

    def shared(self, listener: Listener) -> Listener:
        """The listener, on a port that siblings share if there are any."""
        return replace(listener, shared=bool(self.worker))

    def steps(self, reactor: Any, steps: Steps) -> Steps:
        """The life of the server, with a worker's ties to its parent."""
        if not self.worker:
            return steps
        lifeline = Lifeline(reactor)

        async def start() -> None:
            lifeline.start()

        return replace(steps, opening=(start, *steps.opening), opened=(*steps.opened, lifeline.ready))


def check_sharing(endpoint: str, section: str) -> None:
    """Make sure that several processes can share an endpoint.

    Raises:
        StartupError: they cannot.
    """
    if endpoint.partition(":")[0] not in ("tcp", "tcp4", "tcp6") or not (startup.tcp_address(endpoint) or ("", 0))[1]:
        raise StartupError(f"{section}.workers: {section}.listen = {endpoint!r} cannot be shared; use tcp:PORT")


def supervise(reactor: Any, command: Sequence[str], workers: int) -> IService:
    """The parent of workers.

    Args:
        reactor: The reactor of the process.
        command: What starts a worker, but for its number.
        workers: How many.
    """
    commands = [[*command, f"--worker={number}"] for number in range(1, workers + 1)]
    ready: Callable[[], None] = lambda: _log.info(READY)  # noqa: E731
    return Supervisor(reactor, commands, ready)
