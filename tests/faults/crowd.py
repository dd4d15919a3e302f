"""The users, and the processes that play them, as the harness sees them."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, ensureDeferred, gatherResults
from twisted.internet.protocol import ProcessProtocol

from imchat.client.gate import HttpApi
from imchat.client.network import unix_http_client
from imchat.net.background import sleep
from tests.faults.plan import Card

PASSWORD = "correct horse battery staple"
DEVICES = 2
CREATED_AT_ONCE = 8
DOZE = (4.0, 12.0)


@dataclass(frozen=True, slots=True)
class Person:
    """A user: who they are, and with whom they talk."""

    id: int
    name: str
    partners: tuple[int, ...]


def label(name: str, number: int) -> str:
    """The name of one device of a user."""
    return f"{name}.{number}"


def partners_of(ids: Sequence[int], place: int) -> tuple[int, ...]:
    """Everybody sits in a ring and talks with both neighbours."""
    around = {ids[place - 1], ids[(place + 1) % len(ids)]} - {ids[place]}
    return tuple(sorted(around))


async def create_people(reactor: Any, socket: Path, count: int) -> list[Person]:
    """Make accounts through the operator's socket, without mails."""
    api = HttpApi("http://localhost", unix_http_client(reactor, socket), reactor, "the operator's socket")
    slots = DeferredSemaphore(CREATED_AT_ONCE)

    async def create(name: str) -> int:
        body = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
        async with slots:
            return int((await api.call("POST", "/v1/admin/users", body))["user_id"])

    names = [f"user{number:03d}" for number in range(count)]
    ids: list[int] = await gatherResults([ensureDeferred(create(name)) for name in names])
    return [Person(id, name, partners_of(ids, place)) for place, (id, name) in enumerate(zip(ids, names, strict=True))]


def settings(
    people: Sequence[Person], *, number: int, gate: str, record: Path, seed: int, pause: float
) -> dict[str, Any]:
    """What one process of the load must know. The first has the visitor, who is the last of the people."""
    users = [{"name": p.name, "device": label(p.name, number), "partners": list(p.partners)} for p in people]
    return {
        "users": users,
        "password": PASSWORD,
        "gate": gate,
        "record": str(record),
        "seed": f"{seed}/{number}",
        "pause": pause,
        "visitor": people[-1].name if number == 0 else None,
    }


class LoadFailed(Exception):
    """A process of the load ended by itself; what it printed says why."""


class LoadProcess(ProcessProtocol):
    """One process of the load.

    Attributes:
        report: What it reported last.
    """

    # IProcessTransport, which Twisted types as optional.
    transport: Any

    def __init__(self, log: Path) -> None:
        self._log = log.open("ab", buffering=0)
        self._rest = b""
        self._waiting: dict[str, Deferred[None]] = {}
        self._ended: Deferred[None] = Deferred()
        self.errors = b""
        self.running = True
        self.report: dict[str, Any] = {}

    def order(self, word: str) -> Deferred[None]:
        """Tell it what to do; the Deferred fires when it is done."""
        done: Deferred[None] = Deferred()
        if not self.running:
            done.errback(LoadFailed(self.errors.decode("utf-8", "replace")[-2_000:]))
            return done
        self._waiting[word] = done
        self.transport.write(word.encode() + b"\n")
        return done

    def outReceived(self, data: bytes) -> None:
        """Twisted: it printed something."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "done" in told:
                self._waiting.pop(told["done"]).callback(None)
            else:
                self.report = told

    def errReceived(self, data: bytes) -> None:
        """Twisted: it has something to complain about."""
        self._log.write(data)
        self.errors += data

    def processEnded(self, reason: Any) -> None:
        """Twisted: it has ended."""
        self.running = False
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            done.errback(LoadFailed(self.errors.decode("utf-8", "replace")[-2_000:]))
        self._ended.callback(None)

    async def end(self) -> None:
        """Let it write everything down, and wait for its end."""
        await self.order("end")
        await self._ended

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens if it has ended."""
        if self.running:
            self.transport.signalProcess(number.value)


class Crowd:
    """All processes of the load: each plays one device of every user.

    Args:
        reactor: The reactor.
        directory: For settings, records and logs.
        people: The users.
        gate: URL of the gate.
        seed: Decides who says what when.
        pause: Seconds between two utterances of a device, on average.
    """

    def __init__(
        self, reactor: Any, directory: Path, people: Sequence[Person], gate: str, seed: int, pause: float
    ) -> None:
        self._reactor = reactor
        self._directory = directory
        self.people = list(people)
        self.records = [directory / f"record-{number}.jsonl" for number in range(DEVICES)]
        self._settings = [
            settings(people, number=number, gate=gate, record=record, seed=seed, pause=pause)
            for number, record in enumerate(self.records)
        ]
        self._processes: list[LoadProcess] = []

    def start(self) -> None:
        """Start the processes."""
        for number, given in enumerate(self._settings):
            path = self._directory / f"load-{number}.json"
            path.write_text(json.dumps(given))
            process = LoadProcess(self._directory / f"load-{number}.log")
            command = [sys.executable, "-m", "tests.faults.load", str(path)]
            self._reactor.spawnProcess(process, sys.executable, command, env=None)
            self._processes.append(process)

    async def order(self, word: str) -> None:
        """Tell all of them what to do, and wait until it is done.

        Raises:
            LoadFailed: one has ended.
        """
        await gatherResults([process.order(word) for process in self._processes], consumeErrors=True)

    def total(self, key: str) -> int:
        """A number of the newest reports, added up."""
        return sum(process.report.get(key, 0) for process in self._processes)

    @property
    def devices(self) -> dict[str, int]:
        """All devices by name, and whose each is."""
        return {label(person.name, number): person.id for person in self.people for number in range(DEVICES)}

    @property
    def closed(self) -> list[str]:
        """Clients that ended by themselves."""
        return [line for process in self._processes for line in process.report.get("closed", [])]

    @property
    def complaints(self) -> list[str]:
        """What the processes logged as warnings and worse."""
        return [line for process in self._processes for line in process.errors.decode("utf-8", "replace").splitlines()]

    def check_running(self) -> None:
        """Raises LoadFailed where a process has ended."""
        for process in self._processes:
            if not process.running:
                raise LoadFailed(process.errors.decode("utf-8", "replace")[-2_000:])

    def cards(self) -> list[Card]:
        """What can happen to devices, half of them at once."""
        return [Card("doze", f"devices-{number}", DOZE) for number in range(DEVICES)]

    async def doze(self, name: str, hold: float) -> None:
        """Devices stand still for a while, as telephones do: they read nothing, and no timer of theirs runs."""
        process = self._processes[int(name.rpartition("-")[2])]
        process.signal(signal.SIGSTOP)
        await sleep(self._reactor, hold)
        process.signal(signal.SIGCONT)

    async def until(self, condition: Any, seconds: float) -> bool:
        """Whether a condition on the reports comes to hold within a time."""
        end = self._reactor.seconds() + seconds
        while not condition():
            self.check_running()
            if self._reactor.seconds() > end:
                return False
            await sleep(self._reactor, 0.25)
        return True

    async def end(self) -> None:
        """End all in order; their records are complete then."""
        await gatherResults([ensureDeferred(process.end()) for process in self._processes], consumeErrors=True)

    def kill(self) -> None:
        """End all at once."""
        for process in self._processes:
            process.signal(signal.SIGKILL)
