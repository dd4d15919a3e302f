"""The life of a server process: stores first, then listeners; on the way down the other way round."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger

from imchat import startup
from imchat.net.background import as_deferred
from imchat.net.workers import shared_socket

_log = Logger()

READY = "imchat is ready"


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint to open.

    Attributes:
        name: What listens there, for the log.
        endpoint: The endpoint string.
        factory: Takes the connections.
        shared: Other processes listen on the same port too; for ``tcp:`` endpoints.
    """

    name: str
    endpoint: str
    factory: IProtocolFactory
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """What a server does in its life, each list in its order.

    Attributes:
        opening: Awaited before anything listens, such as a first question to the database.
        listeners: Opened next.
        opened: Called when all of them listen.
        leaving: Awaited at the beginning of the end, while everything listens still.
        closing: Awaited after the listeners closed, such as draining; then the rest, such as the database.
    """

    opening: Sequence[Callable[[], Awaitable[object]]] = ()
    listeners: Sequence[Listener] = ()
    opened: Sequence[Callable[[], object]] = ()
    leaving: Sequence[Callable[[], Awaitable[object]]] = ()
    closing: Sequence[Callable[[], Awaitable[object]]] = ()
    released: Sequence[Callable[[], object]] = field(default=())


class ServerService(Service):
    """Runs the steps of one server process.

    Whatever fails while starting, after ``twistd`` has begun to run, ends the process with exit code 1 and one line
    in the log. What can be found out earlier is checked before (:mod:`imchat.startup`).

    Args:
        reactor: The reactor of the process.
        steps: What to do.
    """

    def __init__(self, reactor: Any, steps: Steps) -> None:
        self._reactor = reactor
        self._steps = steps
        self._ports: list[IListeningPort] = []
        self._starting: Deferred[None] | None = None

    def startService(self) -> None:
        """Twisted: begin; returns before the server is ready."""
        super().startService()
        # Threads and listeners need a running reactor.
        self._reactor.callWhenRunning(self._begin)

    def _begin(self) -> None:
        self._starting = as_deferred(self._start())

    async def _start(self) -> None:
        try:
            for step in self._steps.opening:
                await step()
            for listener in self._steps.listeners:
                self._ports.append(await self._listen(listener))
                _log.info("{name} on {endpoint}", name=listener.name, endpoint=listener.endpoint)
            for opened in self._steps.opened:
                opened()
        except Exception as error:
            self._fail(error)
        else:
            self._spare_the_collector()
            _log.info(READY)

    def _spare_the_collector(self) -> None:
        # Modules, classes and schemas, some hundred thousand objects, stay for good: to look at all of them again and
        # again cost 3% of the CPU time under load, and held everything up for some tens of milliseconds at a time.
        gc.collect()
        gc.freeze()

    async def _listen(self, listener: Listener) -> IListeningPort:
        if not listener.shared:
            opened: IListeningPort = await serverFromString(self._reactor, listener.endpoint).listen(listener.factory)
            return opened
        interface, number = startup.tcp_address(listener.endpoint) or ("", 0)
        with shared_socket(interface, number) as listening:
            # The reactor takes a duplicate of the descriptor.
            port: IListeningPort = self._reactor.adoptStreamPort(listening.fileno(), listening.family, listener.factory)
            return port

    def _fail(self, error: Exception) -> None:
        _log.critical("the server cannot start: {reason}", reason=str(error) or type(error).__name__)
        # reactor.stop() alone would end the process with exit code 0.
        atexit.register(os._exit, 1)
        self._reactor.stop()

    def stopService(self) -> Deferred[None]:
        """Twisted: end in order; the process goes on until the Deferred fires."""
        super().stopService()
        return as_deferred(self._stop())

    async def _stop(self) -> None:
        if self._starting is not None:
            await self._starting
        await self._each(self._steps.leaving)
        for port in reversed(self._ports):
            await as_deferred_or_now(port.stopListening())
        await self._each(self._steps.closing)
        for release in self._steps.released:
            release()
        _log.info("imchat has ended")

    async def _each(self, steps: Sequence[Callable[[], Awaitable[object]]]) -> None:
        for step in steps:
            try:
                await step()
            except Exception:
                _log.failure("a step of the end failed; the others follow")


async def as_deferred_or_now(result: object) -> None:
    """Wait for what ``stopListening`` returns, which is a Deferred or nothing."""
    if isinstance(result, Deferred):
        await result
