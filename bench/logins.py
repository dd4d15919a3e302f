"""The load generator for logins: ``python -m bench.logins PLAN.json``, a process of its own.

A login is a request to the gate with a password, then a connection to the chat node that the answer names, and its
Welcome. Meanwhile another request is made again and again, to see whether it waits behind the hashing of passwords.
It prints ``measuring`` and ``measured`` around the window, and a line of JSON at the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from bench import frames
from bench.figures import times_ms
from bench.frames import Violation
from bench.people import PASSWORD
from bench.talk import say

_PATIENCE = 20.0
_PAUSE = 0.05
"""Between two requests of the other kind."""


async def request(host: str, port: int, head: str, body: bytes = b"") -> bytes:
    """Make one request on a connection of its own; the body of the answer.

    Raises:
        Violation: the answer is no success.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(
            f"{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n".encode()
        )
        writer.write(b"Content-Type: application/json\r\n\r\n" + body)
        answer = await reader.read()
    finally:
        writer.close()
    start, _, content = answer.partition(b"\r\n\r\n")
    if not start.startswith(b"HTTP/1.1 200 "):
        raise Violation(f"{head} was answered with {answer[:300]!r}")
    return content


async def hello(host: str, port: int, token: str, device_id: str) -> None:
    """Open a session's connection and close it after the Welcome."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(frames.hello(token, device_id))
        length = int.from_bytes(await reader.readexactly(4), "big")
        frames.welcomed(await reader.readexactly(length))
    finally:
        writer.close()


class Load:
    """Logs people in, each worker one after another.

    Args:
        plan: ``host`` and ``port`` of the gate, ``names``, ``workers``, ``warm_up`` and ``seconds``.
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._end = float("inf")
        self._measured_from = float("inf")
        self.times: list[float] = []
        self.other_times: list[float] = []

    def _note(self, times: list[float], began: float) -> None:
        now = time.monotonic()
        if self._measured_from <= now <= self._end:
            times.append(now - began)

    async def _log_in(self, number: int, name: str) -> None:
        device_id = f"worker{number}"
        body = {
            "login": name,
            "password": PASSWORD,
            "device_id": device_id,
            "device_name": "bench",
            "platform": "bench",
        }
        plan = self._plan
        answer = json.loads(await request(plan["host"], plan["port"], "POST /v1/logins", json.dumps(body).encode()))
        node = answer["nodes"][0]
        await hello(node["host"], node["port"], answer["token"], device_id)

    async def worker(self, number: int) -> None:
        """Log in again and again, with names that no other worker uses."""
        names = self._plan["names"][number :: self._plan["workers"]]
        done = 0
        while (began := time.monotonic()) < self._end:
            await asyncio.wait_for(self._log_in(number, names[done % len(names)]), _PATIENCE)
            self._note(self.times, began)
            done += 1

    async def other(self) -> None:
        """Make the other request again and again."""
        while (began := time.monotonic()) < self._end:
            await asyncio.wait_for(request(self._plan["host"], self._plan["port"], "GET /healthz"), _PATIENCE)
            self._note(self.other_times, began)
            await asyncio.sleep(_PAUSE)

    async def window(self) -> float:
        """Open the window and close it; CPU seconds of this process in it."""
        await asyncio.sleep(self._plan["warm_up"])
        say("measuring")
        cpu = time.process_time()
        self._measured_from = time.monotonic()
        self._end = self._measured_from + self._plan["seconds"]
        await asyncio.sleep(self._plan["seconds"])
        cpu = time.process_time() - cpu
        say("measured")
        return cpu

    async def run(self) -> dict[str, Any]:
        """Do all of it; what was measured."""
        workers = [self.worker(number) for number in range(self._plan["workers"])]
        cpu, *_ = await asyncio.gather(self.window(), self.other(), *workers)
        seconds = self._plan["seconds"]
        return {
            "seconds": seconds,
            "logins": len(self.times),
            "login_ms": times_ms(self.times),
            "other_ms": times_ms(self.other_times),
            "core": cpu / seconds,
        }


def main() -> None:
    """Run the plan in the file that is named on the command line."""
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    try:
        say(json.dumps(asyncio.run(Load(plan).run())))
    except (Violation, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise SystemExit(f"violation: {error or type(error).__name__}") from error


if __name__ == "__main__":
    main()
