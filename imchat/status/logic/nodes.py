"""Which chat nodes live: the table of a status server, and the copy from which the next one starts."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from imchat.domain.errors import Unavailable
from imchat.domain.models import NodeReport, Route
from imchat.domain.placement import MISSED_REPORTS, News, Placement
from imchat.ports import NodeCopy, Spawn

GATHERING = 1.0
"""Seconds for which reports are gathered before they are copied: one write for all of them, however many nodes."""

READ_WAIT = 1.0
"""Seconds that a start waits for the copy at most; what comes later is taken all the same."""

_log = Logger()


class Nodes:
    """The table of the chat nodes, kept from their reports.

    What was reported is written to the copy a moment later, and :meth:`start` reads it, so that a status server that
    was started just now can place clients before the first report has come. Nothing waits for a write, and none is
    tried again: the next reports bring the next one.

    Args:
        copy: Where the table outlives this process.
        clock: The time; it also decides which nodes live.
        report_interval_ms: How often nodes report.
        spawn: Starts what nobody waits for.
    """

    def __init__(self, copy: NodeCopy, clock: IReactorTime, report_interval_ms: int, spawn: Spawn) -> None:
        self._copy = copy
        self._clock = clock
        self._interval_ms = report_interval_ms
        self._spawn = spawn
        self._placement = Placement(report_interval_ms)
        self._unwritten: dict[str, NodeReport] = {}
        self._call: IDelayedCall | None = None
        self._writing = False
        self._stopped = False

    async def start(self) -> None:
        """Take the nodes that the copy knows; returns after :data:`READ_WAIT` at the latest."""
        done: Deferred[None] = Deferred()
        done.addTimeout(READ_WAIT, self._clock, onTimeoutCancel=lambda *_: None)
        self._spawn("reading the copy of the table of chat nodes", self._read(done))
        await done

    async def _read(self, done: Deferred[None]) -> None:
        try:
            known = self._placement.adopt(await self._copy.read(), self._now_ms())
            if known:
                names = ", ".join(sorted(report.node_id for report in known))
                _log.info("chat nodes known from the copy of the table, until they report: {nodes}", nodes=names)
        except Unavailable:
            # Told by whatever keeps the copy, once an outage; the nodes report soon.
            pass
        finally:
            # One that was given up takes this once and forgets it.
            done.callback(None)

    def stop(self) -> None:
        """Copy no more."""
        self._stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def report(self, report: NodeReport) -> None:
        """Take a chat node's report of itself."""
        now_ms = self._now_ms()
        self._expire(now_ms)
        news = self._placement.report(report, now_ms)
        if news is News.UP:
            _log.info("chat node {node} is up at {address}", node=report.node_id, address=_where(report))
        elif news is News.NAMESAKE:
            others = ", ".join(map(_where, self._placement.namesakes(report)))
            _log.warn(
                "two chat nodes have the name {node}, those at {address} and {others}: "
                "give one of them another with --node or server.node",
                node=report.node_id,
                address=_where(report),
                others=others,
            )
        self._unwritten[report.node_id] = report
        self._gather()

    def route(self, user_id: int) -> Route:
        """Where a user should connect, best first; counted as one more connection there.

        Raises:
            Unavailable: no chat node is up.
        """
        now_ms = self._now_ms()
        self._expire(now_ms)
        addresses = self._placement.choose(user_id, now_ms)
        if not addresses:
            raise Unavailable("no chat node is up", self._interval_ms)
        self._placement.assign(addresses[0], now_ms)
        return Route(addresses)

    def _expire(self, now_ms: int) -> None:
        for dead in self._placement.expire(now_ms):
            # A node that said that it was leaving is not missed.
            level = _log.info if dead.draining else _log.warn
            level(
                "chat node {node} at {address} is gone: three of its reports did not come",
                node=dead.node_id,
                address=_where(dead),
            )

    # --- the copy

    def _gather(self) -> None:
        if self._unwritten and self._call is None and not self._writing and not self._stopped:
            self._call = self._clock.callLater(GATHERING, self._write)

    def _write(self) -> None:
        self._call = None
        reports, self._unwritten = list(self._unwritten.values()), {}
        self._spawn("copying the table of chat nodes", self._written(reports))

    async def _written(self, reports: list[NodeReport]) -> None:
        self._writing = True
        try:
            await self._copy.write(reports, MISSED_REPORTS * self._interval_ms)
        except Unavailable:
            pass
        finally:
            self._writing = False
            self._gather()

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)


def _where(report: NodeReport) -> str:
    return f"{report.address.host}:{report.address.port}"
