"""One simulated process: a reactor for the programs in it, which can be killed, stopped for a while, and have its clock
set while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import (
    IDelayedCall,
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IReactorTCP,
    IReactorTime,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.simulation.timeline import Due, Timeline

if TYPE_CHECKING:
    from tests.simulation.network import Network, Port
    from tests.simulation.transport import Connector, End


@implementer(IDelayedCall)
class Timer:
    """A call that a program wants later, by its process' clock."""

    __slots__ = ("_args", "_due", "_function", "_kw", "_process", "_state", "_time")

    def __init__(self, process: SimulatedProcess, time: float, function, args, kw) -> None:
        self._process = process
        self._time = time
        self._function = function
        self._args = args
        self._kw = kw
        self._state = 0  # 1: called, 2: cancelled
        self._due: Due | None = None

    def arm(self) -> None:
        """Enter it into the world's time, or do so anew after the clock was set."""
        if self._due is not None:
            self._due.cancel()
        process = self._process
        self._due = process.timeline.at(self._time - process.offset, process.enter, self._run)

    def disarm(self) -> None:
        """The process is dead: it never runs."""
        if self._due is not None:
            self._due.cancel()

    def _run(self) -> None:
        if self._state:
            return
        self._state = 1
        self._process.timers.pop(self, None)
        function, args, kw = self._function, self._args, self._kw
        self._function = self._args = self._kw = self._due = None
        function(*args, **kw)

    def getTime(self) -> float:
        return self._time

    def active(self) -> bool:
        return not self._state

    def cancel(self) -> None:
        self._check()
        self._state = 2
        self.disarm()
        self._process.timers.pop(self, None)
        self._function = self._args = self._kw = self._due = None

    def reset(self, seconds: float) -> None:
        self._check()
        self._time = self._process.seconds() + seconds
        self._rearm()

    def delay(self, seconds: float) -> None:
        self._check()
        self._time += seconds
        self._rearm()

    def _rearm(self) -> None:
        if not self._process.dead:
            self.arm()

    def _check(self) -> None:
        if self._state == 1:
            raise AlreadyCalled
        if self._state == 2:
            raise AlreadyCancelled


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        raise NotImplementedError


@implementer(IHostnameResolver)
class _Resolver:
    """Every name is an address."""

    def resolveHostName(self, receiver, hostName, portNumber=0, addressTypes=None, transportSemantics="TCP"):
        resolution = _Resolution(hostName)
        receiver.resolutionBegan(resolution)
        receiver.addressResolved(IPv4Address("TCP", hostName, portNumber))
        receiver.resolutionComplete()
        return resolution


_RESOLVER = _Resolver()


@implementer(IReactorTime, IReactorTCP, IReactorPluggableNameResolver)
class SimulatedProcess:
    """A process: the reactor of whatever runs in it. Processes share nothing but the network, and know no other time
    than their own clock's.

    Args:
        network: Where it is, and whose time it lives in.
        name: What the trace calls it.
        host: Its address.
        offset: By how many seconds its clock is ahead of the world's time.

    Attributes:
        dead: It has ended: nothing of it runs again, nothing that it does has an effect.
        frozen: It is stopped as by SIGSTOP: what is due and what arrives waits.
        thawed: When it began to run, or went on.
        timers: Calls that it waits for.
        ends: Its connections.
        ports: What it listens on.
        before_step: Called before each step; may kill the process.
        ended: Called when it died, with whether its machine is lost.
    """

    nameResolver = _RESOLVER

    def __init__(self, network: Network, name: str, host: str, offset: float = 0.0) -> None:
        self.network = network
        self.timeline: Timeline = network.timeline
        self.name = name
        self.host = host
        self.offset = offset
        self.dead = False
        self.frozen = False
        self.thawed = self.timeline.now
        self.timers: dict[Timer, None] = {}
        self.ends: dict[End, None] = {}
        self.ports: dict[Port, None] = {}
        self.before_step: Callable[[], None] | None = None
        self.ended: Callable[[bool], None] = lambda silently: None
        self._held: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def __repr__(self) -> str:
        return f"<process {self.name}>"

    # --- a reactor

    def seconds(self) -> float:
        """Twisted: its clock."""
        return self.timeline.now + self.offset

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Timer:
        """Twisted: call something later."""
        timer = Timer(self, self.seconds() + delay, callable, args, kw)
        if not self.dead:
            self.timers[timer] = None
            timer.arm()
        return timer

    def getDelayedCalls(self) -> list[Timer]:
        """Twisted: what is waited for."""
        return list(self.timers)

    def callWhenRunning(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Twisted: call something once the reactor runs, which it does always."""
        self.callLater(0, callable, *args, **kw)

    def callFromThread(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Twisted: there are no threads here."""
        self.callLater(0, callable, *args, **kw)

    def connectTCP(self, host: str, port: int, factory, timeout: float = 30, bindAddress=None) -> Connector:
        """Twisted: connect."""
        return self.network.connect(self, host, port, factory, timeout)

    def listenTCP(self, port: int, factory, backlog: int = 50, interface: str = "") -> Port:
        """Twisted: listen."""
        return self.network.listen(self, port, factory)

    # --- its fate

    def enter(self, function: Callable[..., object], *args: Any) -> None:
        """Run a step of the process: unless it is dead, and later if it is frozen."""
        if self.dead:
            return
        if self.frozen:
            self._held.append((function, args))
            return
        if self.before_step is not None:
            self.before_step()
            if self.dead:
                return
        outer, self.network.running = self.network.running, self
        try:
            function(*args)
        except Exception:
            self.network.fault(self, Failure())
        finally:
            self.network.running = outer

    def crash(self, silently: bool = False) -> None:
        """End it as by SIGKILL.

        Args:
            silently: The whole machine is gone: the other ends of its connections hear nothing of it.
        """
        if self.dead:
            return
        self.dead = True
        self.frozen = False
        self._held.clear()
        timers, self.timers = self.timers, {}
        for timer in timers:
            timer.disarm()
        ends, self.ends = self.ends, {}
        for end in ends:
            end.died(silently)
        for port in list(self.ports):
            port.close()
        self.ended(silently)

    def freeze(self) -> None:
        """Stop it as by SIGSTOP."""
        self.frozen = not self.dead

    def thaw(self) -> None:
        """Let it go on: timers that are due run first, then what arrived."""
        if not self.frozen:
            return
        self.frozen = False
        self.thawed = self.timeline.now
        held, self._held = self._held, []
        for function, args in held:
            self.timeline.at(self.timeline.now, self.enter, function, *args)

    def set_clock(self, offset: float) -> None:
        """Set its clock while it runs, as an operator or a time server may."""
        self.offset = offset
        for timer in list(self.timers):
            timer.arm()
