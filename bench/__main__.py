"""Measures imchat: ``make bench``, ``make bench QUICK=1``, or ``python -m bench`` in a checkout.

Everything runs on this machine, on loopback, below a directory that is removed at the end. The figures are printed as
tables and written as JSON.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.task import react

from bench import machine, report, targets
from bench.ground import ClusterGround, EmbeddedGround, Ground
from bench.people import Person, add_pairs, add_people
from bench.runs import FULL, QUICK, Lengths, Place, Result, idle, logins, talk
from imchat.store.sql.database import Database
from imchat.testing import ServerFailed

RESULTS = Path(__file__).parent / "results"
PAIRS = 100


def say(line: str = "") -> None:
    """Print a line at once."""
    print(line, flush=True)


class Bench:
    """Runs groups of measurements, each on servers of its own.

    Args:
        reactor: The reactor.
        directory: For all data.
        lengths: How long and how much.

    Attributes:
        results: What was measured.
    """

    def __init__(self, reactor: Any, directory: Path, lengths: Lengths) -> None:
        self._reactor = reactor
        self._directory = directory
        self._lengths = lengths
        self._people: list[Person] = []
        self._idlers: list[Person] = []
        self._pairs: list[dict[str, Any]] = []
        self.results: list[Result] = []

    async def _fill(self, database: Database, idlers: int) -> None:
        self._people = await add_people(database, 2 * PAIRS, "talker")
        self._pairs = await add_pairs(database, self._people)
        self._idlers = await add_people(database, idlers, "idler")

    async def _on(
        self, ground: Ground, group: str, title: str, runs: Callable[[Place], Awaitable[None]], idlers: int = 0
    ) -> None:
        # Waits for the orderly end of the servers also where Ctrl-C ends the reactor.
        stopped: Deferred[None] = Deferred()
        trigger = self._reactor.addSystemEventTrigger("before", "shutdown", lambda: stopped)
        say(f"starting: {title}")
        try:
            await ground.start(lambda database: self._fill(database, idlers))
            await runs(Place(self._reactor, group, title, ground, self._directory, self._lengths))
        finally:
            await ground.stop()
            stopped.callback(None)
            if self._reactor.running:
                self._reactor.removeSystemEventTrigger(trigger)

    async def _talk(self, place: Place, slots: int, split: bool = False) -> None:
        results = []
        for _ in range(self._lengths.repeats):
            results.append(await talk(place, self._pairs, slots, split))
            say(f"  {results[-1]['title']}: {results[-1]['per_second']:,} messages/s")
        results.sort(key=lambda result: result["per_second"])
        rates = [result["per_second"] for result in results]
        self.results.append({**results[len(results) // 2], "all_per_second": rates})

    async def one_node(self) -> None:
        """A cluster with one chat node: talk, logins, idle connections."""

        async def runs(place: Place) -> None:
            await self._talk(place, 1)
            await self._talk(place, 16)
            self.results.append(await logins(place, self._people))
            self.results.append(await idle(place, self._idlers))

        ground = ClusterGround(self._reactor, self._directory / "one", 1)
        await self._on(ground, "one-node", "MariaDB + Redis, one node", runs, self._lengths.idle)

    async def embedded(self) -> None:
        """The embedded server: talk."""

        async def runs(place: Place) -> None:
            await self._talk(place, 1)
            await self._talk(place, 16)

        ground = EmbeddedGround(self._reactor, self._directory / "embedded")
        await self._on(ground, "embedded", "embedded, SQLite", runs)

    async def two_nodes(self) -> None:
        """A cluster with two chat nodes, each pair split across them: talk."""

        async def runs(place: Place) -> None:
            await self._talk(place, 1, split=True)
            await self._talk(place, 16, split=True)

        ground = ClusterGround(self._reactor, self._directory / "two", 2)
        await self._on(ground, "two-nodes", "MariaDB + Redis, two nodes, pairs split", runs)


GROUPS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "one-node": Bench.one_node,
    "embedded": Bench.embedded,
    "two-nodes": Bench.two_nodes,
}


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure imchat on this machine.")
    parser.add_argument("--quick", action="store_true", help="shorter and smaller: within two minutes")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="these groups only")
    parser.add_argument("--seconds", type=float, help="length of each window")
    parser.add_argument("--out", type=Path, default=RESULTS / "latest.json", help="where the JSON goes")
    parser.add_argument("--data", type=Path, help="where the databases go meanwhile (default: the system's temporary)")
    return parser.parse_args()


def _lengths(options: argparse.Namespace) -> Lengths:
    lengths = QUICK if options.quick else FULL
    if options.seconds is None:
        return lengths
    return Lengths(lengths.warm_up, options.seconds, lengths.idle, lengths.repeats)


async def run(reactor: Any, options: argparse.Namespace) -> None:
    """Measure, print, write."""
    # An idle connection takes a descriptor in the generator and one in the node.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="imchat-bench-", dir=options.data) as name:
        directory = Path(name)
        record: dict[str, Any] = {"at": time.strftime("%Y-%m-%d"), "quick": options.quick}
        record["machine"] = machine.describe(directory)
        say(report.machine(record["machine"]))
        bench = Bench(reactor, directory, _lengths(options))
        try:
            for group in options.only:
                await GROUPS[group](bench)
        except (ServerFailed, TimeoutError, DeferredTimeout) as error:
            raise SystemExit(f"failed: {error or type(error).__name__}") from error
    record["runs"] = bench.results
    options.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    say(f"\n{report.tables(bench.results)}\n\n{targets.table_of(bench.results)}\n")
    checked = sum(result.get("checked", 0) for result in bench.results)
    say(f"{checked:,} messages checked: each acknowledged one arrived exactly once, in order,")
    say("under its number and with its text.")
    say(f"Written to {options.out}")


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, arguments())), sys.argv[1:0])
