"""What the devices saw, as lines of a file that is only appended to: each process of the load writes one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """An application handed a message to its client."""

    at: float
    user: int
    device: str
    conversation: int
    client_id: str
    text: str


class Answered(NamedTuple):
    """The server acknowledged a message; ``tries`` is how often it had been sent by then."""

    at: float
    user: int
    device: str
    conversation: int
    client_id: str
    seq: int
    created_ms: int
    tries: int


class Refused(NamedTuple):
    """The server refused a message for now; the client sends it again."""

    at: float
    user: int
    device: str
    conversation: int
    client_id: str
    code: str


class GivenUp(NamedTuple):
    """The client gave a message up, and told its application so."""

    at: float
    user: int
    device: str
    conversation: int
    client_id: str
    code: str


class Seen(NamedTuple):
    """An application got an event; ``text`` is None for what is no message."""

    at: float
    user: int
    device: str
    conversation: int
    seq: int
    sender: int
    client_id: str
    text: str | None


class Rested(NamedTuple):
    """A device was switched off by its user."""

    at: float
    user: int
    device: str


class Visited(NamedTuple):
    """Somebody used the gate; ``code`` is empty where it did what was asked."""

    at: float
    what: str
    code: str
    seconds: float


Line = Sent | Answered | Refused | GivenUp | Seen | Rested | Visited

_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (Sent, Answered, Refused, GivenUp, Seen, Rested, Visited)}


def now() -> float:
    """Seconds of a clock that all processes of this machine share and that nobody sets."""
    return round(time.monotonic(), 4)


class Recorder:
    """Writes one file.

    Args:
        path: A new file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("x", buffering=1 << 16)

    def add(self, line: Line) -> None:
        """Append a line; it is in the file after :meth:`flush`."""
        self._file.write(json.dumps([type(line).__name__, *line]) + "\n")

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()


def read(paths: Iterable[Path]) -> Iterator[Line]:
    """All lines of some files, one file after the other."""
    for path in paths:
        with path.open() as file:
            for text in file:
                kind, *values = json.loads(text)
                yield _KINDS[kind](*values)
