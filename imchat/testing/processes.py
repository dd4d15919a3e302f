"""Child processes: what they print, when they are ready, how they ended."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

_KEPT_OUTPUT = 65_536

_OUTGOING_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST_PORT = 10_000
_PROBES = 50

_FREEZING = 2.0
"""Seconds to wait for SIGSTOP to take hold."""


class ServerFailed(Exception):
    """The server ended where it should have run; the message is what it printed last."""


def _first_outgoing_port() -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(_OUTGOING_PORTS.read_text("ascii").split()[0])
    return 0


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at the moment.

    Where the system says which ports it takes for outgoing connections, it is none of these: a client's connection
    would take the port of a server that is being restarted, which could not listen then.
    """
    highest = _first_outgoing_port() - 1
    for _ in range(_PROBES if highest > _LOWEST_PORT else 0):
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            port = _LOWEST_PORT + secrets.randbelow(highest - _LOWEST_PORT + 1)
            probe.bind(("127.0.0.1", port))
            return port
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        anyone: int = probe.getsockname()[1]
        return anyone


class ServerProcess(ProcessProtocol):
    """Gathers what a server prints and knows when it is ready and when it has ended."""

    # IProcessTransport, which Twisted types as optional.
    transport: Any

    def __init__(self, ready: str, follow: Callable[[bytes], None] | None = None) -> None:
        self._follow = follow
        self.exit_code: int | None = None
        self.output = b""
        self.ready: Deferred[None] = Deferred()
        self._waiting: list[Deferred[None]] = []
        self._ready_text = ready.encode()

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Twisted: the server printed something."""
        self.output += data
        if not self.ready.called and self._ready_text in self.output:
            self.ready.callback(None)
        if self._follow is not None:
            self._follow(data)
            # Somebody else keeps it; this may run for weeks.
            self.output = self.output[-_KEPT_OUTPUT:]

    def processEnded(self, reason: Failure) -> None:
        """Twisted: the server has ended."""
        code = 0 if reason.check(ProcessDone) else getattr(reason.value, "exitCode", None)
        self.exit_code = -1 if code is None else code
        if not self.ready.called:
            self.ready.errback(Failure(ServerFailed(self.output.decode("utf-8", "replace")[-2_000:])))
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def end(self) -> Deferred[None]:
        """A Deferred that fires when the process has ended."""
        deferred: Deferred[None] = Deferred()
        if self.exit_code is None:
            self._waiting.append(deferred)
        else:
            deferred.callback(None)
        return deferred


def _wait_until_frozen(pid: int) -> None:
    # SIGSTOP is sent to one thread and reaches the others a moment later: a server froze after its next answer.
    tasks = Path(f"/proc/{pid}/task")
    end = time.monotonic() + _FREEZING
    while time.monotonic() < end and tasks.is_dir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if all("\nState:\tT" in (task / "status").read_text() for task in tasks.iterdir()):
                return
        time.sleep(0.001)


class Child:
    """A program that is started, waited for, and ended; it can be started again after its end.

    Args:
        reactor: A reactor that can start processes.
        command: The command line.
        ready: The text in its output that says that it is ready.
        environment: Its environment; None means that of this process.
        directory: Its working directory; None means that of this process.

    Attributes:
        follow: Called with what it prints, as it prints it; :attr:`output` has only the newest of it then.
    """

    def __init__(
        self,
        reactor: Any,
        command: Sequence[str],
        ready: str,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
    ) -> None:
        self._reactor = reactor
        self.command = list(command)
        self._ready_text = ready
        self._environment = environment
        self._directory = directory
        self.follow: Callable[[bytes], None] | None = None
        self._process: ServerProcess | None = None
        self._earlier_output = b""

    @property
    def output(self) -> str:
        """All that it has printed, over its restarts."""
        now = self._process.output if self._process else b""
        return (self._earlier_output + now).decode("utf-8", "replace")

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        if self._process is None or self._process.exit_code is not None:
            return None
        pid: int | None = self._process.transport.pid
        return pid

    async def start(self, timeout: float = 30.0) -> None:
        """Start it and return when it is ready.

        Args:
            timeout: Seconds.

        Raises:
            ServerFailed: it ended instead.
            twisted.internet.defer.TimeoutError: it did neither in time, and was killed.
        """
        if self._process is not None and self.follow is None:
            self._earlier_output += self._process.output
        self._process = process = ServerProcess(self._ready_text, self.follow)
        self._reactor.spawnProcess(process, self.command[0], self.command, env=self._environment, path=self._directory)
        try:
            await process.ready.addTimeout(timeout, self._reactor)
        except DeferredTimeout:
            await self.kill()
            raise

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens if it has ended. With SIGSTOP it is frozen when this returns."""
        if self._process is not None and self._process.exit_code is None:
            self._process.transport.signalProcess(number.value)
            if number is signal.SIGSTOP:
                _wait_until_frozen(self._process.transport.pid)

    async def stop(self, timeout: float = 30.0) -> int:
        """Ask it to end in order (SIGTERM) and return its exit code, -1 after a signal.

        Args:
            timeout: Seconds; after that it is killed.
        """
        self.signal(signal.SIGTERM)
        call = self._reactor.callLater(timeout, self.signal, signal.SIGKILL)
        try:
            return await self.wait()
        finally:
            if call.active():
                call.cancel()

    async def kill(self) -> int:
        """End it at once (SIGKILL), as a power cut would."""
        self.signal(signal.SIGKILL)
        return await self.wait()

    async def wait(self) -> int:
        """Return its exit code when it has ended, -1 after a signal; 0 if it was never started."""
        process = self._process
        if process is None:
            return 0
        if process.exit_code is None:
            await process.end()
        return process.exit_code or 0
