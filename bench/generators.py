"""Generators as child processes: what they are given, their marks, and their result."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from imchat.testing import Child, ServerFailed

_PATIENCE = 60.0
"""Seconds beside those that a plan takes."""


class Generator:
    """One run of a generator.

    Args:
        reactor: Starts it.
        module: ``talk``, ``idle`` or ``logins``.
        plan: What it is to do.
        directory: For its plan.
        mark: The line after which it is waited for by :meth:`start`.
    """

    def __init__(self, reactor: Any, module: str, plan: dict[str, Any], directory: Path, mark: str) -> None:
        self._reactor = reactor
        path = directory / f"{module}.json"
        path.write_text(json.dumps(plan), "utf-8")
        self._child = Child(reactor, [sys.executable, "-m", f"bench.{module}", str(path)], f"{mark}\n")
        self._child.follow = self._printed
        self._seconds = plan["seconds"] + plan.get("warm_up", 0) + _PATIENCE
        self._output = b""
        self._measured: Deferred[None] = Deferred()

    def _printed(self, data: bytes) -> None:
        self._output += data
        if b"measured\n" in self._output and not self._measured.called:
            self._measured.callback(None)

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._child.pid is None:
            raise ServerFailed(f"the generator ended: {self._text}")
        return self._child.pid

    @property
    def _text(self) -> str:
        return self._output.decode("utf-8", "replace")[-2_000:]

    async def start(self) -> None:
        """Start it and wait for the mark."""
        await self._child.start(self._seconds)

    async def measured(self) -> None:
        """Wait for the end of the window."""
        ended = Deferred.fromCoroutine(self._child.wait())
        ended.addCallback(lambda _: None if self._measured.called else self._measured.callback(None))
        await self._measured.addTimeout(self._seconds, self._reactor)

    async def result(self) -> dict[str, Any]:
        """Wait for its end; what it found.

        Raises:
            ServerFailed: it failed, or the servers did not keep what they promise; the message says how.
        """
        code = await Deferred.fromCoroutine(self._child.wait()).addTimeout(self._seconds, self._reactor)
        if code:
            raise ServerFailed(f"the generator failed: {self._text}")
        found: dict[str, Any] = json.loads(self._output.splitlines()[-1])
        return found

    async def kill(self) -> None:
        """End it, if it runs."""
        await self._child.kill()
