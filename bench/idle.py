"""Holds idle connections: ``python -m bench.idle PLAN.json``, a process of its own.

It opens all of them, prints ``connected``, answers pings for so many seconds, and prints a line of JSON.
"""

from __future__ import annotations

import json
import select
import sys
import time
from pathlib import Path
from typing import Any

from bench.frames import Violation
from bench.talk import Connection, say

_AT_ONCE = 50


def connect(plan: dict[str, Any]) -> list[Connection]:
    """Open the connections, some at once."""
    made: list[Connection] = []
    ends = plan["ends"]
    for start in range(0, len(ends), _AT_ONCE):
        some = [
            Connection((end["host"], end["port"]), end["token"], end["device_id"])
            for end in ends[start : start + _AT_ONCE]
        ]
        for connection in some:
            connection.welcome()
        made += some
    return made


def hold(connections: list[Connection], seconds: float) -> None:
    """Keep them open."""
    epoll = select.epoll()
    by_number = {connection.socket.fileno(): connection for connection in connections}
    for number in by_number:
        epoll.register(number, select.EPOLLIN)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for number, _ in epoll.poll(left):
            _, found = by_number[number].read()
            if found:
                raise Violation("an idle connection was sent something")


def main() -> None:
    """Run the plan in the file that is named on the command line."""
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    try:
        began = time.monotonic()
        connections = connect(plan)
        seconds = time.monotonic() - began
        say("connected")
        hold(connections, plan["seconds"])
        say(json.dumps({"connections": len(connections), "seconds": seconds}))
    except (Violation, OSError) as error:
        raise SystemExit(f"violation: {error or type(error).__name__}") from error


if __name__ == "__main__":
    main()
