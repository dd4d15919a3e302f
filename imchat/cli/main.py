"""The entry of the ``imchat`` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.logger import globalLogBeginner

from imchat.cli.arguments import parser
from imchat.cli.exits import Code, Exit, exit_for
from imchat.cli.world import World, real_world


async def execute(arguments: argparse.Namespace, world: World) -> int:
    """Run a command.

    Args:
        arguments: As :func:`imchat.cli.arguments.parser` gives them.

    Returns:
        The exit code; what there is to say was written.
    """
    world.as_json = arguments.json
    arguments.profile = arguments.profile or world.environ.get("IMCHAT_PROFILE") or "default"
    try:
        _check_texts(arguments, world.environ)
        await arguments.command(arguments, world)
    except BaseException as error:
        end = exit_for(error)
        if end is None:
            raise
        if end.message:
            world.note(" ".join(end.message.split()))
        return end.code
    return Code.OK


def _check_texts(arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
    # Bytes that are no text come as surrogates, which only names of files may have (and those are paths by now).
    for value in (*vars(arguments).values(), environ.get("IMCHAT_SERVER")):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any("\ud800" <= c <= "\udfff" for c in text):
                raise Exit(Code.USAGE, f"{text[:40]!r} is not text in this terminal's encoding")


async def _main(reactor: Any, arguments: argparse.Namespace) -> None:
    world = real_world(reactor)
    running = Deferred.fromCoroutine(execute(arguments, world))
    ended: Deferred[None] = Deferred()

    def interrupt() -> Deferred[None]:
        running.cancel()
        return ended

    reactor.addSystemEventTrigger("before", "shutdown", interrupt)
    try:
        code = await running
    except Exception as error:  # the last line of defence: a fault of this program is one line, too
        world.note(f"internal error: {type(error).__name__}: {' '.join(str(error).split())}")
        code = Code.REFUSED
    finally:
        ended.callback(None)
    _finish_output()
    raise SystemExit(int(code))


def _finish_output() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; without this Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit.

    Args:
        argv: Arguments without the program's name; those of the process by default.
    """
    arguments = parser().parse_args(argv)
    # What goes wrong is told in one line by the commands; the library's log is not for a terminal.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    react(_main, (arguments,))


if __name__ == "__main__":
    main()
