"""Somebody who uses the gate all the time: logs in, logs out, asks for codes; how it went is recorded."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from imchat.client import ClientError, Credentials, Gate
from imchat.client.login import open_session
from imchat.domain.errors import IMError
from imchat.domain.models import Device
from imchat.net.background import sleep
from tests.faults.recording import Recorder, Visited, now

EVERY = 1.0
"""Seconds between two visits."""

LAST_TRIES = 20


class Visitor:
    """Args: the reactor, the gate, the recorder, and who logs in."""

    def __init__(self, reactor: Any, gate: Gate, recorder: Recorder, credentials: Credentials) -> None:
        self._reactor = reactor
        self._gate = gate
        self._recorder = recorder
        self._credentials = credentials
        self._number = 0
        self.leaving = False

    async def stay(self) -> None:
        """Visit until :attr:`leaving`."""
        while not self.leaving:
            await self.visit("login", self._log_in_and_out())
            await sleep(self._reactor, EVERY)
            await self.visit("code", self._ask_for_code())
            await sleep(self._reactor, EVERY)

    async def visit(self, what: str, doing: Awaitable[None]) -> str:
        """Do something, and write down how it went.

        Returns:
            The code of the error, nothing if there was none.
        """
        begin, code = now(), ""
        try:
            await doing
        except IMError as error:
            code = error.code
        except ClientError as error:
            code = f"{type(error).__name__}: {error}"
        self._recorder.add(Visited(begin, what, code, round(now() - begin, 3)))
        return code

    async def last(self) -> None:
        """One more of each, after the last fault; each must succeed in the end."""
        self.leaving = True
        for what, doing in (("login", self._log_in_and_out), ("code", self._ask_for_code)):
            tries = 1
            while await self.visit(f"last {what}", doing()) and tries < LAST_TRIES:
                tries += 1
                await sleep(self._reactor, EVERY)

    async def _log_in_and_out(self) -> None:
        session = await open_session(self._gate, self._credentials, Device("visitor", "visitor", "test"))
        await self._gate.logout(session.token)

    async def _ask_for_code(self) -> None:
        self._number += 1
        await self._gate.request_code("registration", f"visitor{self._number}@example.org")
