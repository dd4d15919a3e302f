"""A cluster of one's own on one machine: MariaDB, Redis, verify, status, two chat nodes and a gate.

Run it with ``make cluster``, or ``python examples/cluster.py [DIRECTORY]`` where imchat is installed. All data goes
below the directory (default ``var/cluster``) and is found again by the next start. Mails become files there. Ctrl-C, or
closing the terminal, ends everything; a process that ends before is started again.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import deferLater, react

from imchat.testing import Child, Cluster, ServerFailed


def say(line: str) -> None:
    """Print a line at once."""
    # The terminal may have been closed; what the servers say is in their files too.
    with contextlib.suppress(OSError):
        print(line, flush=True)


class LogFollower:
    """Shows what a process prints, with its name in front, and keeps it in a file."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name = name
        self._rest = b""
        directory.mkdir(mode=0o700, exist_ok=True)
        self._file = (directory / f"{name}.log").open("ab", buffering=0)

    def __call__(self, data: bytes) -> None:
        """Take what came."""
        self._file.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            say(f"{self._name:>8} | {line.decode('utf-8', 'replace')}")


class Keeper:
    """Starts processes again that ended by themselves, or because somebody killed them."""

    def __init__(self, reactor: Any, started: Callable[[], None]) -> None:
        self._reactor = reactor
        self._started = started
        self._loops: list[Deferred[None]] = []

    def keep(self, name: str, child: Child) -> None:
        """Look after a running process."""
        self._loops.append(ensureDeferred(self._keep(name, child)))

    def release(self) -> None:
        """Look after nothing any more."""
        for loop in self._loops:
            loop.addErrback(lambda failure: failure.trap(CancelledError))
            loop.cancel()

    async def _keep(self, name: str, child: Child) -> None:
        while True:
            await child.wait()
            say(f"{name} has ended; it starts again")
            try:
                await child.start(60.0)
            except (ServerFailed, DeferredTimeout):
                await deferLater(self._reactor, 1.0)
            else:
                self._started()
                say(f"{name} runs again, process {child.pid}")


class Leftovers:
    """A note of the processes, for the next start: a launcher that was killed leaves them running, on the same data."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._path = cluster.directory / "processes"

    def refuse(self) -> None:
        """End this start with one line if something answers on the ports."""
        for port in self._cluster.ports.values():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                noted = self._path.read_text("ascii") if self._path.exists() else ""
                raise SystemExit(
                    f"{self._cluster.directory} is in use, by another start or by what one that was killed has left: "
                    f"end it first{noted and ', for example with: kill ' + noted}"
                )

    def note(self) -> None:
        """Write down what runs now."""
        running = [child.pid for child in self._cluster.children.values()]
        self._path.write_text(" ".join(str(pid) for pid in running if pid is not None), "ascii")


def introduce(cluster: Cluster) -> None:
    """Say where everything is."""
    mails = cluster.mails
    say("")
    say(f"The cluster is ready; its data is in {cluster.directory}")
    say(f"  gate      {cluster.url}")
    for node in cluster.chats:
        say(f"  chat {node}    127.0.0.1:{cluster.ports[f'chat-{node}']}")
    say(f"  status    unix:{cluster.directory / 'status.sock'}   verify unix:{cluster.directory / 'verify.sock'}")
    say(f"  MariaDB   127.0.0.1:{cluster.mariadb.port}   Redis 127.0.0.1:{cluster.redis.port}")
    say(f"  mails     {mails}")
    say("")
    say("Talk from other terminals, with the environment of this one:")
    say(f"  export IMCHAT_SERVER={cluster.url}")
    say("  imchat --profile alice register      # the code is in the newest file of the mails")
    say("")
    for name, child in cluster.children.items():
        say(f"  {name:<8}  process {child.pid}")
    say("Ctrl-C ends all of it.")
    say("")


async def run(reactor: Any, directory: Path, interrupted: Deferred[None]) -> None:
    """Run the cluster until Ctrl-C."""
    cluster = Cluster(reactor, directory, own_groups=True)
    for name, child in cluster.children.items():
        child.follow = LogFollower(name, cluster.directory / "log")
    leftovers = Leftovers(cluster)
    leftovers.refuse()
    keeper = Keeper(reactor, leftovers.note)
    try:
        await cluster.start()
        leftovers.note()
        introduce(cluster)
        for name, child in cluster.children.items():
            keeper.keep(name, child)
        await interrupted
        say("Ending")
    except ServerFailed as error:
        raise SystemExit(f"the cluster did not start:\n{error}") from error
    finally:
        keeper.release()
        await cluster.stop()
        say("Ended; the next start finds the data again")


def end_with_the_terminal(reactor: Any) -> None:
    """End in order when the terminal is closed: what stays behind would keep the ports and the data."""

    def stop() -> None:
        # The shell and the system may both tell it.
        with contextlib.suppress(ReactorNotRunning):
            reactor.stop()

    # Unless nohup has said that it is to stay.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(stop))


async def main(reactor: Any, directory: str) -> None:
    """Run until the reactor is told to stop, and let it wait for the orderly end."""
    interrupted: Deferred[None] = Deferred()
    ended: Deferred[None] = Deferred()

    def interrupt() -> Deferred[None]:
        if not interrupted.called:
            interrupted.callback(None)
        return ended

    reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    end_with_the_terminal(reactor)
    try:
        await run(reactor, Path(directory), interrupted)
    finally:
        ended.callback(None)


if __name__ == "__main__":
    react(lambda reactor: ensureDeferred(main(reactor, *sys.argv[1:2] or ["var/cluster"])))
