"""``python -m tests.faults``: see ``--help``."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import react
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.python.failure import Failure

from tests.faults.cluster import ClusterServers
from tests.faults.embedded import EmbeddedServers
from tests.faults.run import Run, Settings
from tests.faults.servers import Servers

KINDS: dict[str, tuple[Callable[[Any, Path], Servers], float]] = {
    "cluster": (ClusterServers, 2 / 3),
    "embedded": (EmbeddedServers, 1 / 3),
}
"""What can be tried, and its share of the time where both are."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description="Kill, freeze and cut off real servers under load, then check what every device saw.",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="of faults, altogether (default: 5)")
    parser.add_argument("--what", choices=["both", *KINDS], default="both")
    parser.add_argument("--seed", type=int, help="repeats the plan of faults (default: a new one, which is printed)")
    parser.add_argument("--users", type=int, default=100, help="with two devices each (default: 100)")
    parser.add_argument("--pause", type=float, default=8.0, help="mean seconds between utterances of a device")
    parser.add_argument("--directory", type=Path, help="keep all data and logs there (default: only after a violation)")
    return parser.parse_args()


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


class Session:
    """All runs that are asked for, one after another; SIGINT and SIGTERM end them with everything that was started.

    Args:
        reactor: The reactor.
        options: Of the command line.
        directory: For data and logs.
    """

    def __init__(self, reactor: Any, options: argparse.Namespace, directory: Path) -> None:
        self._reactor = reactor
        self._options = options
        self._directory = directory
        self._running: Deferred[bool] | None = None
        self._ended: Deferred[None] = Deferred()
        self._interrupted = False
        reactor.addSystemEventTrigger("before", "shutdown", self._interrupt)

    def _interrupt(self) -> Deferred[None]:
        self._interrupted = True
        if self._running is not None:
            self._running.cancel()
        return self._ended

    async def run(self) -> bool:
        """Returns whether all of it was done and nothing found."""
        kinds = list(KINDS) if self._options.what == "both" else [self._options.what]
        well = True
        try:
            for kind in kinds:
                share = KINDS[kind][1] if len(kinds) > 1 else 1.0
                well = await self._one(kind, 60 * self._options.minutes * share) and well
                say("")
                if self._interrupted:
                    say("interrupted")
                    return False
        finally:
            self._ended.callback(None)
        return well

    async def _one(self, kind: str, seconds: float) -> bool:
        given, directory = self._options, self._directory / kind
        directory.mkdir(parents=True)
        say(
            f"{kind}: faults for {seconds:.0f} s, {given.users} users with two devices each, "
            f"seed {given.seed} (--seed {given.seed} repeats the plan)"
        )
        servers = KINDS[kind][0](self._reactor, directory)
        if isinstance(servers, EmbeddedServers):
            say(f"a full disk: {servers.disk.means}")
        settings = Settings(kind, seconds, given.seed, given.users, given.pause)
        run = Run(self._reactor, servers, directory, settings, say)
        try:
            self._running = ensureDeferred(run.run())
            return await self._running
        except Exception:
            # Servers that do not come back, or a fault of the harness: neither is a run without violation.
            if not self._interrupted:
                say(f"{kind}: the run could not be finished:\n{Failure().getTraceback()}")
            return False
        finally:
            self._running = None
            await run.clean_up()


async def main(reactor: Any, options: argparse.Namespace) -> None:
    """Run what is asked for, and exit with 1 where anything was found."""
    if options.seed is None:
        options.seed = random.randrange(10**9)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="imchat-faults-"))
    directory.mkdir(parents=True, exist_ok=True)
    log = (directory / "harness.log").open("w")
    globalLogBeginner.beginLoggingTo([textFileLogObserver(log)], redirectStandardIO=False)
    if not await Session(reactor, options, directory).run():
        say(f"data and logs: {directory}")
        raise SystemExit(1)
    if options.directory is None:
        shutil.rmtree(directory)


if __name__ == "__main__":
    options_given = _arguments()
    react(lambda reactor: ensureDeferred(main(reactor, options_given)))
