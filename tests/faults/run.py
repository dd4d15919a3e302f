"""One run: servers up, users talking, faults, quiet, verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, gatherResults
from twisted.internet.threads import deferToThread

from imchat.net.background import sleep
from tests.faults.crowd import DEVICES, Crowd, create_people
from tests.faults.measure import Fault, measure
from tests.faults.plan import Step, finale, plan
from tests.faults.recording import now, read
from tests.faults.report import summary, verdict
from tests.faults.servers import Servers
from tests.faults.truth import violations

SETTLE = 90.0
"""Seconds after the last fault within which everybody must be connected and have everything."""

OPENING = 120.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What one run is to be.

    Attributes:
        seconds: For which faults are done.
        pause: Seconds between two utterances of a device, on average.
    """

    name: str
    seconds: float
    seed: int
    users: int
    pause: float


class Run:
    """One run.

    Args:
        reactor: The reactor.
        servers: What is tried.
        directory: For what the load writes.
        settings: What it is to be.
        say: Prints a line.
    """

    def __init__(
        self, reactor: Any, servers: Servers, directory: Path, settings: Settings, say: Callable[[str], None]
    ) -> None:
        self._reactor = reactor
        self._servers = servers
        self._directory = directory
        self._settings = settings
        self._say = say
        self._crowd: Crowd | None = None
        self._begin = now()
        self._faults: list[Fault] = []
        self._problems: list[str] = []
        self._strikes: list[Deferred[None]] = []

    def _tell(self, text: str) -> None:
        self._say(f"{now() - self._begin:7.1f} s  {text}")

    async def run(self) -> bool:
        """Do it.

        Returns:
            Whether nothing was found.
        """
        crowd = await self._open()
        await crowd.order("talk")
        await self._strike(crowd)
        await self._fall_silent(crowd)
        await self._settle(crowd)
        return await self._judge(crowd)

    async def _open(self) -> Crowd:
        settings = self._settings
        await self._servers.start()
        people = await create_people(self._reactor, self._servers.admin_socket, settings.users)
        url = self._servers.url
        crowd = self._crowd = Crowd(self._reactor, self._directory, people, url, settings.seed, settings.pause)
        crowd.start()
        await crowd.order("open")
        await crowd.until(lambda: crowd.total("live") == DEVICES * settings.users, OPENING)
        self._begin = now()
        self._tell(f"{crowd.total('live')} devices of {len(people)} users are connected and begin to talk")
        return crowd

    # --- faults

    async def _strike(self, crowd: Crowd) -> None:
        end = now() + self._settings.seconds
        running: list[Deferred[None]] = []
        for step in self._steps(crowd, end):
            await sleep(self._reactor, step.pause)
            crowd.check_running()
            striking = self._begin_strike(crowd, step)
            if step.beside:
                running.append(striking)
            else:
                await striking
                await gatherResults(running, consumeErrors=True)
                running = []
        await gatherResults(running, consumeErrors=True)

    async def _fall_silent(self, crowd: Crowd) -> None:
        """One more fault; in the middle of it the last word is said, so that no later one shows what is missing."""
        last = finale(self._settings.seed, self._servers.finales())
        await sleep(self._reactor, last.pause)
        striking = self._begin_strike(crowd, last)
        await sleep(self._reactor, last.hold / 2)
        self._tell("    nothing new is said from now on")
        await crowd.order("quiet")
        await striking

    def _steps(self, crowd: Crowd, end: float) -> Iterator[Step]:
        for step in plan(self._settings.seed, [*self._servers.cards(), *crowd.cards()]):
            if now() + step.pause >= end:
                return
            yield step

    def _begin_strike(self, crowd: Crowd, step: Step) -> Deferred[None]:
        striking = ensureDeferred(self._do(crowd, step))
        self._strikes.append(striking)
        return striking

    async def _do(self, crowd: Crowd, step: Step) -> None:
        begin = now()
        self._tell(f"{step.card}" + (f" for {step.hold:.1f} s" if step.hold else ""))
        if step.card.action == "doze":
            await crowd.doze(step.card.target, step.hold)
        else:
            await self._servers.do(step.card, step.hold)
        self._faults.append(Fault(str(step.card), begin, now()))
        if now() - begin > 0.2:
            self._tell(f"    {step.card}: over")

    # --- the end

    async def _settle(self, crowd: Crowd) -> None:
        begin = now()
        self._tell("no more faults")
        devices = DEVICES * len(crowd.people)
        well = await crowd.until(lambda: not crowd.total("unanswered") and crowd.total("live") == devices, SETTLE)
        # It ends a session, which all devices of a user are told of: before it is known what they must have.
        await crowd.order("last")
        expected = await deferToThread(self._expected, crowd)
        left = max(1.0, SETTLE - (now() - begin))
        well = await crowd.until(lambda: crowd.total("positions") == expected, left) and well
        if well:
            self._tell(f"all settled after {now() - begin:.1f} s")
        else:
            self._problems.append(
                f"unsettled: after {now() - begin:.0f} s: {crowd.total('unanswered')} messages unanswered, "
                f"{devices - crowd.total('live')} devices not connected, "
                f"{expected - crowd.total('positions')} events not seen"
            )
        await crowd.end()

    def _expected(self, crowd: Crowd) -> int:
        """The sum of the positions that all devices have when they have seen everything."""
        heads = dict(self._servers.query("SELECT stream_id, last_seq FROM head"))
        total = sum(heads[person.id] for person in crowd.people)
        members = self._servers.query("SELECT conversation_id FROM member")
        return int(DEVICES * (total + sum(heads[conversation_id] for (conversation_id,) in members)))

    async def _judge(self, crowd: Crowd) -> bool:
        record = list(read(crowd.records))
        found = await deferToThread(violations, self._servers.query, record, crowd.devices)
        figures = measure(record, self._faults)
        found = [*self._problems, *self._servers.problems, *self._complaints(crowd), *found]
        lines = {name: log.text.count("\n") for name, log in self._servers.logs.items()}
        self._say("")
        for line in (*summary(figures, lines), *verdict(found, self._settings.name)):
            self._say(line)
        return not found

    def _complaints(self, crowd: Crowd) -> Iterator[str]:
        for name, log in self._servers.logs.items():
            # What is wrong with it is said by itself; MariaDB and Redis speak for themselves.
            if name not in ("mariadb", "redis"):
                yield from (f"log of {name}: {line}" for line in log.faults())
        yield from (f"a client ended by itself: {line}" for line in crowd.closed)
        yield from (f"log of the load: {line}" for line in crowd.complaints)

    async def clean_up(self) -> None:
        """Leave no process behind, whatever happened."""
        for striking in self._strikes:
            # One that has ended, or failed and was told of by whoever waited for it, is not changed by this.
            striking.addErrback(lambda _: None)
            striking.cancel()
        if self._crowd is not None:
            self._crowd.kill()
        await self._servers.kill()
