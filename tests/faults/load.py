"""A process of the load: ``python -m tests.faults.load SETTINGS``, a JSON file that :mod:`tests.faults.crowd` writes.

It is told what to do by lines on standard input (``open``, ``talk``, ``quiet``, ``last``, ``end``), and prints a line
of JSON every half second, and one with ``done`` after each order.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore, ensureDeferred, gatherResults
from twisted.internet.stdio import StandardIO
from twisted.internet.task import LoopingCall, react
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.protocols.basic import LineReceiver

from imchat.client import Credentials, Gate, Stopped
from imchat.client.network import http_client, node_connector
from imchat.net.background import sleep
from tests.faults.device import TIMING, Device, Totals
from tests.faults.recording import Recorder
from tests.faults.visitor import Visitor

LOGINS_AT_ONCE = 8
BURST = 6
"""The most messages that a device sends at once."""

OFF = 0.08
"""How often a device is switched off for a while instead of saying something."""

OFF_SECONDS = (0.5, 6.0)


class Load:
    """All devices of this process.

    Args:
        reactor: The reactor.
        settings: What :func:`tests.faults.crowd.settings` makes.
    """

    def __init__(self, reactor: Any, settings: dict[str, Any]) -> None:
        self._reactor = reactor
        self._settings = settings
        self._random = random.Random(settings["seed"])
        self._recorder = Recorder(Path(settings["record"]))
        self._gate = Gate(settings["gate"], http_client(reactor), reactor, timeout=12.0)
        self.totals = Totals()
        self._talking = False
        self.devices = [self._device(user) for user in settings["users"]]
        self._visitor = self._visitor_of(settings.get("visitor"))

    def _device(self, user: dict[str, Any]) -> Device:
        return Device(
            self._reactor,
            self._gate,
            node_connector(self._reactor, timeout=TIMING.connect),
            self._recorder,
            self.totals,
            Credentials(user["name"], self._settings["password"]),
            user["device"],
        )

    def _visitor_of(self, name: str | None) -> Visitor | None:
        if name is None:
            return None
        return Visitor(self._reactor, self._gate, self._recorder, Credentials(name, self._settings["password"]))

    # --- orders

    async def open(self) -> None:
        """Switch all devices on and open the conversations."""
        slots = DeferredSemaphore(LOGINS_AT_ONCE)

        async def begin(device: Device, partners: list[int]) -> None:
            async with slots:
                await device.switch_on()
                assert device.client is not None
                device.conversations = [await device.client.open_direct(partner) for partner in partners]

        pairs = zip(self.devices, self._settings["users"], strict=True)
        await gatherResults([ensureDeferred(begin(device, user["partners"])) for device, user in pairs])

    async def talk(self) -> None:
        """Let all devices talk from now on."""
        self._talking = True
        for device in self.devices:
            ensureDeferred(self._chatter(device)).addErrback(fatal, self._reactor)
        if self._visitor is not None:
            ensureDeferred(self._visitor.stay()).addErrback(fatal, self._reactor)

    async def _chatter(self, device: Device) -> None:
        mean = self._settings["pause"]
        while True:
            await sleep(self._reactor, self._random.expovariate(1 / mean))
            if not self._talking:
                return
            if self._random.random() < OFF:
                await self._rest(device)
            else:
                conversation = self._random.choice(device.conversations)
                for _ in range(self._random.randint(1, BURST)):
                    device.say(conversation)

    async def _rest(self, device: Device) -> None:
        await device.switch_off()
        await sleep(self._reactor, self._random.uniform(*OFF_SECONDS))
        try:
            await device.switch_on()
        except Stopped:
            raise AssertionError(f"{device.label} was stopped by nobody") from None

    async def quiet(self) -> None:
        """Say nothing more; those who are off come back by themselves."""
        self._talking = False

    async def last(self) -> None:
        """A last visit at the gate."""
        if self._visitor is not None:
            await self._visitor.last()

    async def end(self) -> None:
        """Switch all off and write everything down."""
        await gatherResults([ensureDeferred(device.switch_off()) for device in self.devices])
        self._recorder.flush()

    # --- reports

    def report(self) -> dict[str, Any]:
        """What is the case."""
        self._recorder.flush()
        totals = self.totals
        return {
            "live": sum(device.live for device in self.devices),
            "closed": [f"{d.label}: {d.closed!r}" for d in self.devices if d.closed is not None],
            "unanswered": sum(len(device.unanswered) for device in self.devices),
            "positions": sum(sum(device.positions.values()) for device in self.devices),
            "attempts": totals.attempts,
            "acknowledged": totals.acknowledged,
        }


def fatal(failure: Any, reactor: Any) -> None:
    """A fault of the load itself ends it: what it would not have recorded must not look like silence."""
    print(failure.getTraceback(), file=sys.stderr, flush=True)
    if reactor.running:
        reactor.stop()


class _Orders(LineReceiver):
    """Reads orders from standard input."""

    delimiter = b"\n"

    def __init__(self, reactor: Any, load: Load, ended: Deferred[None]) -> None:
        self._reactor = reactor
        self._load = load
        self._ended = ended

    def lineReceived(self, line: bytes) -> None:
        """One order."""
        order = line.decode()
        doing = ensureDeferred(getattr(self._load, order)())
        doing.addCallback(lambda _: self._done(order)).addErrback(fatal, self._reactor)

    def _done(self, order: str) -> None:
        say({"done": order})
        if order == "end" and not self._ended.called:
            self._ended.callback(None)

    def connectionLost(self, reason: Any = None) -> None:
        """Whoever started us is gone."""
        if not self._ended.called:
            self._ended.callback(None)


def say(line: dict[str, Any]) -> None:
    """Print a line of JSON."""
    print(json.dumps(line), flush=True)


async def main(reactor: Any, path: str) -> None:
    """Do what is ordered, until the end."""
    warnings = LogLevelFilterPredicate(defaultLogLevel=LogLevel.warn)
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [warnings])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    load = Load(reactor, json.loads(Path(path).read_text()))
    ended: Deferred[None] = Deferred()
    StandardIO(_Orders(reactor, load, ended))
    reports = LoopingCall(lambda: say(load.report()))
    reports.start(0.5)
    await ended
    reports.stop()


if __name__ == "__main__":
    react(lambda reactor: ensureDeferred(main(reactor, *sys.argv[1:2])))
