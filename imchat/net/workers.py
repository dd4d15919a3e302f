"""Several processes of one server on one port: a parent that starts them, hears their heartbeats, and replaces those
that die or fall silent; and the child's side of it.

Each child binds the port itself with ``SO_REUSEPORT``, so the kernel spreads connections over them and the parent
carries no traffic. A child that is frozen would keep its share of new connections waiting: hence the heartbeat.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ProcessDone
from twisted.internet.fdesc import setNonBlocking
from twisted.internet.interfaces import IDelayedCall, IReactorFDSet, IReadDescriptor
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

HEARTBEAT_FD = 3
"""The child writes one byte a second here."""

LIFELINE_FD = 4
"""The child reads here: the end of the stream means that the parent is gone."""

BEAT = b"."
READY = b"R"

_log = Logger()


@dataclass(frozen=True, slots=True)
class Patience:
    """Times of a supervisor, in seconds.

    Attributes:
        start: For a child to be ready.
        silence: Without a heartbeat; then the child is killed.
        stop: For a child to end after SIGTERM; then it is killed.
        settled: A child that lived so long is started again at once when it dies; else with growing delay,
        longest_delay: up to this.
    """

    start: float = 60.0
    silence: float = 10.0
    stop: float = 30.0
    settled: float = 10.0
    longest_delay: float = 30.0


class _Child(ProcessProtocol):
    """One process of a worker."""

    # IProcessTransport, which Twisted types as optional.
    transport: Any

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._line = b""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Twisted: a heartbeat, or something that the child logs."""
        if childFD == HEARTBEAT_FD:
            self._worker.beat(ready=READY in data)
            return
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            self._worker.said(line.decode("utf-8", "replace"))

    def processEnded(self, reason: Failure) -> None:
        """Twisted: the process is gone."""
        if self._line:
            self._worker.said(self._line.decode("utf-8", "replace"))
        how = "ended" if reason.check(ProcessDone) else "died"
        number = getattr(reason.value, "signal", None)
        code = getattr(reason.value, "exitCode", None)
        detail = f"by signal {number}" if number else f"with exit code {code or 0}"
        self._worker.ended(f"{how} {detail}")


class Worker:
    """One place of a supervisor: a process, and after its death the next one.

    Args:
        reactor: Starts processes.
        number: From 1 on.
        command: The command line.
        patience: Times.
        on_ready: Called at the first readiness of each process.
    """

    def __init__(
        self, reactor: Any, number: int, command: Sequence[str], patience: Patience, on_ready: Callable[[], None]
    ) -> None:
        self._reactor = reactor
        self.number = number
        self._command = list(command)
        self._patience = patience
        self._on_ready = on_ready
        self._child: _Child | None = None
        self._started_at = 0.0
        self._failures = 0
        self._timer: IDelayedCall | None = None
        self._gone: Deferred[None] | None = None
        self.ready = False

    def start(self) -> None:
        """Start a process."""
        self.ready = False
        self._started_at = self._reactor.seconds()
        self._child = child = _Child(self)
        descriptors = {0: "w", 1: "r", 2: "r", HEARTBEAT_FD: "r", LIFELINE_FD: "w"}
        try:
            self._reactor.spawnProcess(child, self._command[0], self._command, env=None, childFDs=descriptors)
        except OSError as error:
            # No process or descriptor is left on the machine at the moment: the place must not stay empty for that.
            self.ended(f"cannot be started ({error.strerror or error})")
            return
        self._set_timer(self._patience.start, self._kill, "was not ready in time")

    def beat(self, ready: bool) -> None:
        """The process lives; ``ready``: it also takes connections now."""
        if ready and not self.ready:
            self.ready = True
            self._on_ready()
        if self.ready and self._gone is None:
            self._set_timer(self._patience.silence, self._kill, "has not answered for some time")

    def said(self, line: str) -> None:
        """The process logged a line."""
        _log.info("[worker {number}] {line}", number=self.number, line=line)

    def ended(self, how: str) -> None:
        """The process is gone: start the next one, unless the end is wanted."""
        self._child = None
        self._cancel_timer()
        if self._gone is not None:
            self._gone.callback(None)
            return
        settled = self._reactor.seconds() - self._started_at >= self._patience.settled
        self._failures = 0 if settled else self._failures + 1
        delay = 0.0 if settled else min(self._patience.longest_delay, 0.5 * 2.0 ** (self._failures - 1))
        _log.warn("worker {n} {how}; it starts again in {delay} s", n=self.number, how=how, delay=delay)
        self._set_timer(delay, self.start)

    def stop(self) -> Deferred[None]:
        """End the process in order, by force if it does not; the Deferred fires when it is gone."""
        gone: Deferred[None] = Deferred()
        self._gone = gone
        self._cancel_timer()
        if self._child is None:
            gone.callback(None)
        else:
            self._signal(signal.SIGTERM)
            self._set_timer(self._patience.stop, self._kill, "did not end in time")
        return gone

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.transport.signalProcess(number.value)

    def _kill(self, why: str) -> None:
        _log.error("worker {number} {why} and is killed", number=self.number, why=why)
        self._signal(signal.SIGKILL)

    def _set_timer(self, delay: float, function: Callable[..., None], *arguments: str) -> None:
        self._cancel_timer()
        self._timer = self._reactor.callLater(delay, function, *arguments)

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


class Supervisor(Service):
    """The parent of workers.

    Args:
        reactor: Starts processes.
        commands: The command line of each worker.
        on_ready: Called once when all workers take connections for the first time.
        patience: Times.
    """

    def __init__(
        self,
        reactor: Any,
        commands: Sequence[Sequence[str]],
        on_ready: Callable[[], None],
        patience: Patience | None = None,
    ) -> None:
        times = patience or Patience()
        self.workers = [
            Worker(reactor, number, command, times, self._one_ready) for number, command in enumerate(commands, 1)
        ]
        self._reactor = reactor
        self._on_ready: Callable[[], None] | None = on_ready

    def startService(self) -> None:
        """Twisted: start all workers."""
        super().startService()
        self._reactor.callWhenRunning(self._start)

    def _start(self) -> None:
        for worker in self.workers:
            worker.start()

    def stopService(self) -> Deferred[Any]:
        """Twisted: end all workers in order; fires when all are gone."""
        super().stopService()
        return DeferredList([worker.stop() for worker in self.workers])

    def _one_ready(self) -> None:
        if self._on_ready is not None and all(worker.ready for worker in self.workers):
            on_ready, self._on_ready = self._on_ready, None
            on_ready()


# --- the child's side


@implementer(IReadDescriptor)
class Lifeline:
    """A worker's ties to its parent: it beats while the reactor turns, and ends the process when the parent is gone.

    Args:
        reactor: The reactor of the worker.
        heartbeat: Descriptor to write to.
        lifeline: Descriptor to read from.
    """

    def __init__(self, reactor: Any, heartbeat: int = HEARTBEAT_FD, lifeline: int = LIFELINE_FD) -> None:
        self._reactor: Any = reactor
        self._heartbeat = heartbeat
        self._lifeline = lifeline
        self._watching = True
        self._beats = LoopingCall(self._write, BEAT)
        self._beats.clock = reactor

    def start(self) -> None:
        """Begin to beat."""
        setNonBlocking(self._heartbeat)
        setNonBlocking(self._lifeline)
        IReactorFDSet(self._reactor).addReader(self)
        # Else the reactor's own end would look like the parent's.
        self._reactor.addSystemEventTrigger("before", "shutdown", self._leave)
        self._beats.start(1.0)

    def ready(self) -> None:
        """Tell that connections are taken now."""
        self._write(READY)

    def _write(self, data: bytes) -> None:
        # A full pipe means a parent that does not read; it will when it can.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._heartbeat, data)

    def fileno(self) -> int:
        """Twisted: what to watch."""
        return self._lifeline

    def doRead(self) -> None:
        """Twisted: the parent is gone, for it never writes anything."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self._lifeline, 1) == b"":
                self._end()

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: the parent is gone; epoll tells the end of a pipe without anything to read so."""
        self._end()

    def _end(self) -> None:
        if self._watching:
            self._leave()
            _log.warn("the parent process is gone; this worker ends")
            self._reactor.stop()

    def _leave(self) -> None:
        self._watching = False
        IReactorFDSet(self._reactor).removeReader(self)

    def logPrefix(self) -> str:
        """Twisted: name for the log."""
        return "lifeline"


def shared_socket(interface: str, port: int) -> socket.socket:
    """A listening TCP socket whose port other processes may share.

    Raises:
        OSError: the port cannot be bound.
    """
    family = socket.AF_INET6 if ":" in interface else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((interface, port))
        listening.listen(1024)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
