"""``python -m tests.faults``: see ``--help``."""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import ensureDeferred
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


async def _one(reactor: Any, kind: str, seconds: float, options: argparse.Namespace, directory: Path) -> bool:
    say(
        f"{kind}: faults for {seconds:.0f} s, {options.users} users with two devices each, "
        f"seed {options.seed} (--seed {options.seed} repeats the plan)"
    )
    directory.mkdir(parents=True)
    servers = KINDS[kind][0](reactor, directory)
    if isinstance(servers, EmbeddedServers):
        say(f"a full disk: {servers.disk.means}")
    run = Run(reactor, servers, directory, Settings(kind, seconds, options.seed, options.users, options.pause), say)
    trigger = reactor.addSystemEventTrigger("before", "shutdown", lambda: ensureDeferred(run.clean_up()))
    try:
        return await run.run()
    except Exception:
        # Servers that do not come back, or a fault of the harness: neither is a run without violation.
        say(f"{kind}: the run could not be finished:\n{Failure().getTraceback()}")
        return False
    finally:
        reactor.removeSystemEventTrigger(trigger)
        await run.clean_up()


async def main(reactor: Any, options: argparse.Namespace) -> None:
    """Run what is asked for, and exit with 1 where anything was found."""
    if options.seed is None:
        options.seed = random.randrange(10**9)
    directory = options.directory or Path(tempfile.mkdtemp(prefix="imchat-faults-"))
    kinds = list(KINDS) if options.what == "both" else [options.what]
    log = (directory.mkdir(parents=True, exist_ok=True), (directory / "harness.log").open("w"))[1]
    globalLogBeginner.beginLoggingTo([textFileLogObserver(log)], redirectStandardIO=False)
    well = True
    for kind in kinds:
        share = KINDS[kind][1] if options.what == "both" else 1.0
        well = await _one(reactor, kind, 60 * options.minutes * share, options, directory / kind) and well
        say("")
    if not well:
        say(f"data and logs: {directory}")
        raise SystemExit(1)
    if options.directory is None:
        shutil.rmtree(directory)


if __name__ == "__main__":
    options_given = _arguments()
    react(lambda reactor: ensureDeferred(main(reactor, options_given)))
