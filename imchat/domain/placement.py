"""Which chat node a client should use: the table that a status server keeps of the nodes that report to it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from imchat.domain.models import NodeAddress, NodeReport

MISSED_REPORTS = 3
"""So many report intervals without a report, and a node counts as dead."""

MAX_ROUTE = 8
"""At most so many addresses are given to one client."""


PROVEN = 2
"""So many reports after a node of the same name came, and a node lives beside it. One may have been on its way."""


class News(Enum):
    """What a report tells beyond the load.

    Attributes:
        UP: The node is new, or was started again.
        NAMESAKE: Another node of the same name lives. Told once for each that came.
    """

    UP = "up"
    NAMESAKE = "namesake"


@dataclass(slots=True)
class _Node:
    """A life of a node.

    Attributes:
        succeeded: A younger one has the same name: this one is dead, unless it reports again.
        outlived: How often it did.
    """

    report: NodeReport
    seen_ms: int
    assigned: int = 0
    succeeded: bool = False
    outlived: int = 0

    @property
    def load(self) -> int:
        return self.report.connections + self.assigned

    @property
    def replaced(self) -> bool:
        return self.succeeded and not self.outlived


class Placement:
    """The nodes that live, by the clock of whoever keeps this table. Nodes that share an address (workers behind one
    port) are one candidate, with their connections summed.

    A node that is started again takes the place of its former life at once, wherever it is now. Should two nodes have
    one name, both are counted, and that is told: their names tell nothing apart, their incarnations do.

    Args:
        report_interval_ms: How often nodes report.
    """

    def __init__(self, report_interval_ms: int) -> None:
        self._patience_ms = MISSED_REPORTS * report_interval_ms
        self._nodes: dict[tuple[str, int], _Node] = {}

    def report(self, report: NodeReport, now_ms: int) -> News | None:
        """Take a node's report.

        What was assigned to the node before counts no more: the report's own number has it, or soon will.
        """
        key = (report.node_id, report.incarnation)
        node = self._nodes.get(key)
        if node is None:
            for older in self._named(report.node_id):
                older.succeeded, older.outlived = True, 0
            self._nodes[key] = _Node(report, now_ms)
            return News.UP
        node.report, node.seen_ms, node.assigned = report, now_ms, 0
        if not node.succeeded or report.draining:
            return None
        node.outlived += 1
        return News.NAMESAKE if node.outlived == PROVEN and self.namesakes(report) else None

    def namesakes(self, report: NodeReport) -> list[NodeReport]:
        """The last reports of other nodes of the same name that may live."""
        others = [node for node in self._named(report.node_id) if node.report.incarnation != report.incarnation]
        return [node.report for node in others if not node.replaced]

    def _named(self, node_id: str) -> list[_Node]:
        return [node for (name, _), node in self._nodes.items() if name == node_id]

    def adopt(self, reports: Iterable[NodeReport], now_ms: int) -> list[NodeReport]:
        """Take the reports that another table had, as if they came now; a node that is known already knows better.

        Returns:
            Those that were taken.
        """
        taken = [report for report in reports if not self._named(report.node_id)]
        self._nodes.update(((report.node_id, report.incarnation), _Node(report, now_ms)) for report in taken)
        return taken

    def expire(self, now_ms: int) -> list[NodeReport]:
        """Drop the nodes that were silent for longer than three intervals.

        Returns:
            Their last reports, but for those that were started again: nobody misses their former lives.
        """
        dead = []
        for key, node in list(self._nodes.items()):
            # A clock that was set back must not keep a dead node alive.
            node.seen_ms = min(node.seen_ms, now_ms)
            if now_ms - node.seen_ms > self._patience_ms:
                del self._nodes[key]
                dead.append(node)
        return [node.report for node in dead if not node.replaced]

    def choose(self, key: int, now_ms: int) -> tuple[NodeAddress, ...]:
        """Return the addresses that a client should try, best first: fewest connections wins.

        Changes nothing; whoever gives the answer to a client calls :meth:`assign` with its first address.

        Args:
            key: Of the one who asks, such as the user's id. Among equals it decides the order, so that servers
                which know nothing of each other do not send everybody to the same node first.

        Returns:
            At most :data:`MAX_ROUTE` addresses; empty where no node takes clients.
        """
        loads: defaultdict[NodeAddress, int] = defaultdict(int)
        for node in self._nodes.values():
            if self._is_open(node, now_ms):
                loads[node.report.address] += node.load
        best_first = sorted(loads, key=lambda address: (loads[address], _rank(key, address)))
        return tuple(best_first[:MAX_ROUTE])

    def assign(self, address: NodeAddress, now_ms: int) -> None:
        """Count one client that was sent to an address, until the node that will probably take it reports."""
        nodes = [n for n in self._nodes.values() if n.report.address == address and self._is_open(n, now_ms)]
        if nodes:
            min(nodes, key=lambda node: (node.load, node.report.node_id)).assigned += 1

    def _is_open(self, node: _Node, now_ms: int) -> bool:
        return not node.report.draining and not node.replaced and now_ms - node.seen_ms <= self._patience_ms


def _rank(key: int, address: NodeAddress) -> bytes:
    return hashlib.sha256(f"{key} {address.host} {address.port}".encode()).digest()
