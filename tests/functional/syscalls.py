"""What a program asks of the kernel, as strace writes it down."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg")
SYNCS = ("fsync", "fdatasync")

_LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<rest>.*)$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>.*= (?P<result>-?\d+)")
_CALL = re.compile(r"^(?P<name>\w+)\(\d+<(?P<file>.*?)>(?=[,)]| <unfinished)(?P<rest>.*)$")
_RESULT = re.compile(r"= (?P<result>-?\d+)(?: .*)?$")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def command(output: Path) -> list[str]:
    """What to put in front of a command to have its writes and syncs noted, in order, whole, with the files' names.

    The program keeps its process id: the tracer is a grandchild of whoever starts it.
    """
    calls = ",".join((*WRITES, *SYNCS))
    return ["strace", "-D", "-f", "-yy", "-s", "1000000", "-o", str(output), "-e", f"trace={calls}"]


@dataclass(slots=True)
class Call:
    """One system call.

    Attributes:
        name: Of the call.
        file: What its descriptor stands for.
        data: What was to be written.
        begin: Number of the line on which it begins.
        end: Number of the line on which it has returned; None if it never did.
        result: What it returned.
    """

    name: str
    file: str
    data: bytes
    begin: int
    end: int | None = None
    result: int | None = None


def calls(output: Path) -> list[Call]:
    """The calls that strace noted, by their beginning."""
    return list(_calls(output.read_text("latin-1").splitlines()))


def _calls(lines: list[str]) -> Iterator[Call]:
    unfinished: dict[str, Call] = {}
    for number, line in enumerate(lines):
        outer = _LINE.match(line)
        if outer is None:
            continue
        pid, rest = outer["pid"], outer["rest"]
        if (resumed := _RESUMED.match(rest)) is not None:
            call = unfinished.pop(pid, None)
            if call is not None:
                call.end, call.result = number, int(resumed["result"])
        elif (begun := _CALL.match(rest)) is not None:
            call = Call(begun["name"], begun["file"], _data(begun["rest"]), number)
            if rest.endswith("<unfinished ...>"):
                unfinished[pid] = call
            elif (returned := _RESULT.search(rest)) is not None:
                call.end, call.result = number, int(returned["result"])
            yield call


def _data(arguments: str) -> bytes:
    return b"".join(codecs.escape_decode(text.encode("latin-1"))[0] for text in _STRING.findall(arguments))
