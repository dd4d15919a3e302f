"""The load generator for talk: ``python -m bench.talk PLAN.json``, a process of its own on plain epoll.

In each pair one side sends; as soon as a message is acknowledged the next one goes out. Everything that the servers
send is checked: acknowledgements in order with dense sequence numbers, and each message at the other side exactly
once, in order, under the acknowledged number and with the same text. It prints ``measuring`` and ``measured`` around
the window and a line of JSON at the end. It ends by itself, whatever the servers do.
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import frames
from bench.figures import times_ms
from bench.frames import Messages, Violation

_READ = 32 * 1024
"""Bytes of one read. Much more, and the C library asks the kernel for memory at each: half of the generator's time."""

_PATIENCE = 20.0
"""Seconds for the servers to do what is due, at most."""


def say(line: str) -> None:
    """Print a line at once: somebody waits for it."""
    print(line, flush=True)


class Connection:
    """One connection to a chat node, with a session."""

    def __init__(self, address: tuple[str, int], token: str, device_id: str) -> None:
        self.socket = socket.create_connection(address, timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(frames.hello(token, device_id))
        self._rest = b""

    def welcome(self) -> None:
        """Wait for the Welcome."""
        data = b""
        while not (found := frames.cut(data)[0]):
            more = self.socket.recv(_READ)
            if not more:
                raise Violation("the server closed before the Welcome")
            data += more
        start, stop = found[0]
        frames.welcomed(data[start:stop])
        self._rest = data[stop:]
        self.socket.setblocking(False)

    def read(self) -> tuple[bytes, list[tuple[int, int]]]:
        """What arrived, and where its frames are; pings are answered and left out."""
        more = self.socket.recv(_READ)
        if not more:
            raise Violation("the server closed a connection")
        data = self._rest + more if self._rest else more
        found, rest = frames.cut(data)
        self._rest = data[rest:] if rest < len(data) else b""
        # Pings are the only frames as short as that.
        if any(stop - start <= 4 for start, stop in found):
            found = [place for place in found if not self._answer_ping(data, *place)]
        return data, found

    def _answer_ping(self, data: bytes, start: int, stop: int) -> bool:
        if not frames.is_ping(data, start, stop):
            return False
        self.send(frames.pong())
        return True

    def send(self, data: bytes) -> None:
        """Send; so little is on its way that the kernel has room for it."""
        if self.socket.send(data) != len(data):
            raise Violation("the server does not read")


class Window:
    """When is measured, and what was.

    Attributes:
        times: From sending to acknowledgement of each message acknowledged in the window, in seconds.
    """

    def __init__(self) -> None:
        self.open = False
        self.times: list[float] = []


class Pair:
    """One who sends and one who reads.

    Args:
        sender: Connection of the one.
        reader: Connection of the other.
        messages: What is sent.
        window: Where times go.
    """

    def __init__(self, sender: Connection, reader: Connection, messages: Messages, window: Window) -> None:
        self._sender = sender
        self._reader = reader
        self._messages = messages
        self._window = window
        self._sent_at = [0.0] * messages.slots
        self._first_seq: int | None = None
        self.sent = self.acknowledged = self.pushed = 0
        self.sending = False

    @property
    def settled(self) -> bool:
        """Whether all that was sent was acknowledged and arrived."""
        return self.sent == self.acknowledged == self.pushed

    def readers(self) -> list[tuple[int, Callable[[], None]]]:
        """Whom to call when which descriptor can be read."""
        return [
            (self._sender.socket.fileno(), self.sender_reads),
            (self._reader.socket.fileno(), self.reader_reads),
        ]

    def start(self) -> None:
        """Send as much as may be unanswered."""
        self.sending = True
        self._send(self._messages.slots, time.monotonic())

    def _send(self, count: int, now: float) -> None:
        first, messages = self.sent, self._messages
        for number in range(first, first + count):
            self._sent_at[number % messages.slots] = now
        self.sent = first + count
        self._sender.send(b"".join([messages.send(number) for number in range(first, self.sent)]))

    def _check(self, number: int, seq: int) -> None:
        if self._first_seq is None:
            self._first_seq = seq - number
        if seq != self._first_seq + number:
            raise Violation(f"message {number} has the sequence number {seq}, not {self._first_seq + number}")

    def sender_reads(self) -> None:
        """Acknowledgements arrived."""
        data, found = self._sender.read()
        now = time.monotonic()
        slots, window = self._messages.slots, self._window
        for start, _ in found:
            number = self.acknowledged
            if number == self.sent:
                raise Violation("an answer to nothing")
            self._check(number, self._messages.acknowledged(data, start, number))
            self.acknowledged = number + 1
            if window.open:
                window.times.append(now - self._sent_at[number % slots])
        if self.sending and found:
            self._send(len(found), now)

    def reader_reads(self) -> None:
        """Pushes arrived."""
        data, found = self._reader.read()
        for start, _ in found:
            self._check(self.pushed, self._messages.pushed(data, start, self.pushed))
            self.pushed += 1


def connect(plan: dict[str, Any], window: Window) -> list[Pair]:
    """Open all connections of a plan."""
    made = []
    for one in plan["pairs"]:
        ends = [Connection((end["host"], end["port"]), end["token"], end["device_id"]) for end in one["ends"]]
        messages = Messages(
            one["conversation_id"], one["ends"][0]["user_id"], bytes.fromhex(one["mark"]), plan["text"], plan["slots"]
        )
        made.append(Pair(ends[0], ends[1], messages, window))
        for end in ends:
            end.welcome()
    return made


class Loop:
    """Reads from all connections."""

    def __init__(self, pairs: list[Pair]) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        for pair in pairs:
            for number, read in pair.readers():
                self._readers[number] = read
                self._epoll.register(number, select.EPOLLIN)

    def run(self, until: float, done: Callable[[], bool] | None = None) -> bool:
        """Run until a time of the monotonic clock or until ``done``; return whether it was done."""
        poll, readers = self._epoll.poll, self._readers
        while (left := until - time.monotonic()) > 0:
            for number, _ in poll(min(left, 0.1), 512):
                readers[number]()
            if done is not None and done():
                return True
        return False


def measure(plan: dict[str, Any]) -> dict[str, Any]:
    """Do what a plan says and return what was measured."""
    window = Window()
    pairs = connect(plan, window)
    loop = Loop(pairs)
    for pair in pairs:
        pair.start()
    loop.run(time.monotonic() + plan["warm_up"])
    say("measuring")
    began, cpu = time.monotonic(), time.process_time()
    window.open = True
    loop.run(began + plan["seconds"])
    window.open = False
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    say("measured")
    for pair in pairs:
        pair.sending = False
    if not loop.run(time.monotonic() + _PATIENCE, lambda: all(pair.settled for pair in pairs)):
        raise Violation(f"{sum(not pair.settled for pair in pairs)} pairs did not get all messages")
    return {
        "seconds": seconds,
        "messages": len(window.times),
        "checked": sum(pair.pushed for pair in pairs),
        "ack_ms": times_ms(window.times),
        "core": cpu / seconds,
        "memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def main() -> None:
    """Run the plan in the file that is named on the command line."""
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    try:
        say(json.dumps(measure(plan)))
    except (Violation, OSError) as error:
        raise SystemExit(f"violation: {error or type(error).__name__}") from error


if __name__ == "__main__":
    main()
