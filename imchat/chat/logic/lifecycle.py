"""The life of a node: it reports while it lives, looks after its sessions, and ends in order."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from imchat.chat.logic.connection import Hold
from imchat.chat.logic.connections import Connections
from imchat.chat.logic.sweep import Sweep
from imchat.chat.logic.waiting import Periodic, Work, within
from imchat.chat.settings import ChatSettings
from imchat.domain.errors import Unavailable
from imchat.domain.models import NodeAddress, NodeReport
from imchat.ports import Spawn, StatusPort

MOVE_SPREAD_MS = 2
"""Between two clients that come back elsewhere, so that a node that ends does not make the others' storm."""

MAX_MOVE_MS = 10_000


class Lifecycle:
    """Starts and ends a node.

    Args:
        node_id: Its name.
        incarnation: A random number, which tells this life from others of the name.
        address: Where clients reach it.
        status: Where it reports.
        connections: All connections.
        sweep: Looks for what was not heard, and after sessions.
        work: What has to be finished before the end, in this order.
        settings: Times.
        clock: The time.
        spawn: Starts what nobody waits for.
        log: For the few lines of a node's life.
    """

    def __init__(
        self,
        node_id: str,
        incarnation: int,
        address: NodeAddress,
        status: StatusPort,
        connections: Connections,
        sweep: Sweep,
        work: tuple[Work, ...],
        settings: ChatSettings,
        clock: IReactorTime,
        spawn: Spawn,
        log: Logger,
    ) -> None:
        self._node_id = node_id
        self._incarnation = incarnation
        self._address = address
        self._status = status
        self._connections = connections
        self._work = work
        self._settings = settings
        self._clock = clock
        self._spawn = spawn
        self._log = log
        self._reports = Periodic(clock, settings.report_interval, "reporting", self._report, spawn)
        self._sweep = sweep

    def start(self) -> None:
        """Begin to report and to look after sessions."""
        self._reports.start()
        self._sweep.start()

    async def _report(self) -> None:
        connections = self._connections
        report = NodeReport(self._node_id, self._address, len(connections), connections.draining, self._incarnation)
        try:
            await self._status.report(report)
        except Unavailable:
            # The link to the status server tells the log, once; the next report is due soon.
            return

    async def drain(self) -> None:
        """End in order: take nothing more, finish what was taken, tell clients to move on, close.

        Returns:
            When all connections are gone, at the latest after ``drain_timeout``.
        """
        self._connections.draining = True
        self._reports.stop()
        self._sweep.stop()
        self._spawn("reporting", self._report())
        deadline = self._clock.seconds() + self._settings.drain_timeout
        for connection in self._connections.all():
            connection.hold(Hold.DRAINING)
        await self._finish(deadline)
        self._move()
        if not await within(self._clock, deadline - self._clock.seconds(), self._connections.open.idle()):
            for connection in self._connections.all():
                connection.abort()

    async def _finish(self, deadline: float) -> None:
        for work in self._work:
            if not await within(self._clock, deadline - self._clock.seconds(), work.idle()):
                self._log.warn("the node ends before all work was finished; clients will send again elsewhere")
                return

    def _move(self) -> None:
        connections = self._connections.all()
        spread = min(MAX_MOVE_MS, MOVE_SPREAD_MS * len(connections))
        for place, connection in enumerate(connections):
            connection.move(spread * place // max(1, len(connections)))
