"""What the commands get from outside: the terminal, the environment, the network, time."""

from __future__ import annotations

import getpass
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TextIO

from twisted.internet.defer import Deferred, DeferredQueue

from imchat.cli.exits import Code, Exit
from imchat.client import SecureIds
from imchat.client.network import (
    Connect,
    RunInThread,
    http_client,
    in_threads,
    node_connector,
    unix_http_client,
)
from imchat.client.options import Randomness


class Lines(Protocol):
    """Lines of standard input, as they come."""

    def next(self) -> Deferred[str | None]:
        """The next line without its end; None at the end of the input."""


@dataclass
class World:
    """Everything outside; tests put their own in.

    Attributes:
        reactor: The reactor, or a clock in its place.
        ask: Asks a question at the terminal.
        ask_secret: Asks without showing what is typed.
        http: Makes an HTTP client that trusts the certificates of a file (None: the system's).
        http_over: Makes an HTTP client for a UNIX socket.
        connect: Makes endpoints of chat nodes, trusting as ``http`` does.
        run: Runs a blocking function in a thread.
        lines: Opens standard input for reading line by line.
    """

    reactor: Any
    environ: Mapping[str, str]
    stdin: TextIO
    out: TextIO
    err: TextIO
    ask: Callable[[str], str]
    ask_secret: Callable[[str], str]
    http: Callable[[Path | None], Any]
    http_over: Callable[[Path], Any]
    connect: Callable[[Path | None], Connect]
    ids: Randomness
    run: RunInThread
    lines: Callable[[], Lines]
    as_json: bool = field(default=False)

    def tell(self, line: str, /, **values: object) -> None:
        """Write one result: the text, or with ``--json`` the values as a line of JSON."""
        line = json.dumps(values, ensure_ascii=False) if self.as_json else line
        self.out.write(line + "\n")
        self.out.flush()

    def nothing(self, text: str) -> None:
        """Say on standard error that there is nothing to show; a program sees that by itself."""
        if not self.as_json:
            self.note(text)

    def note(self, text: str) -> None:
        """Write one line on standard error."""
        self.err.write(f"imchat: {text}\n")
        self.err.flush()


def real_world(reactor: Any) -> World:
    """The terminal, the environment and the network of this process."""
    return World(
        reactor=reactor,
        environ=os.environ,
        stdin=sys.stdin,
        out=sys.stdout,
        err=sys.stderr,
        ask=lambda question: _interruptible(lambda: _ask(question)),
        ask_secret=lambda question: _interruptible(lambda: getpass.getpass(question)),
        http=lambda ca_file: http_client(reactor, ca_file),
        http_over=lambda path: unix_http_client(reactor, path),
        connect=lambda ca_file: node_connector(reactor, ca_file),
        ids=SecureIds(),
        run=in_threads(reactor),
        lines=lambda: InputLines(reactor),
    )


def _ask(question: str) -> str:
    # Questions go to standard error: standard output is for results.
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\r\n")


def _interruptible(function: Callable[[], str]) -> str:
    # The reactor's handler only notes a Ctrl-C for later, which a blocking read would wait for.
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return function()
    except EOFError:
        raise Exit(Code.USAGE, "standard input has ended, and an answer is needed") from None
    except UnicodeDecodeError:
        raise Exit(Code.USAGE, "standard input is not text in this terminal's encoding") from None
    finally:
        signal.signal(signal.SIGINT, previous)


AHEAD = 64
"""Lines read before they are asked for."""


class InputLines:
    """Reads standard input in a thread that does not keep the process from ending."""

    def __init__(self, reactor: Any, descriptor: int = 0) -> None:
        self._reactor = reactor
        self._descriptor = descriptor
        self._queue: DeferredQueue[str | Exit | None] = DeferredQueue()
        self._room = threading.Semaphore(AHEAD)
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    def next(self) -> Deferred[str | None]:
        """The next line."""
        return self._queue.get().addCallback(self._taken)

    def _taken(self, line: str | Exit | None) -> str | None:
        self._room.release()
        if isinstance(line, Exit):
            raise line
        return line

    def _read(self) -> None:
        # os.read and not sys.stdin: a thread that holds the lock of sys.stdin would break the end of the process.
        rest, number = b"", 0
        try:
            while chunk := os.read(self._descriptor, 65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    number += 1
                    self._put(line.removesuffix(b"\r").decode("utf-8"))
            if rest:
                number += 1
                self._put(rest.decode("utf-8"))
            self._put(None)
        except UnicodeDecodeError:
            self._put(Exit(Code.USAGE, f"line {number} of standard input is not UTF-8: sent is only what precedes it"))
        except OSError as error:
            self._put(Exit(Code.USAGE, f"standard input cannot be read: {error.strerror}"))

    def _put(self, line: str | Exit | None) -> None:
        self._room.acquire()
        self._reactor.callFromThread(self._queue.put, line)
