"""What the descriptions of commands share: types of arguments, options, adding a command."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from imchat.cli.world import World

Command = Callable[[argparse.Namespace, World], Coroutine[Deferred[Any], Any, None]]

TIMEOUT = 30.0
"""Seconds for a command that asks and ends."""


def positive(value: str) -> int:
    """A number from 1."""
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def natural(value: str) -> int:
    """A number from 0."""
    number = int(value)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def seconds(value: str) -> float:
    """A number of seconds above 0."""
    number = float(value)
    if not (0 < number < math.inf):
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return number


for _type, _name in ((positive, "number"), (natural, "number"), (seconds, "number of seconds")):
    _type.__name__ = _name


def common(default: bool) -> argparse.ArgumentParser:
    """The options of every command."""
    # The same options stand before and after the command; only those before it have defaults.
    options = argparse.ArgumentParser(add_help=False, argument_default=None if default else argparse.SUPPRESS)
    options.add_argument("--server", metavar="URL", help="URL of the server")
    options.add_argument("--profile", metavar="NAME", help="who to be on this machine (default: default)")
    options.add_argument("--ca-file", metavar="FILE", type=Path, help="certificates to trust, instead of the system's")
    options.add_argument("--json", action="store_true", help="results as lines of JSON")
    if default:
        options.set_defaults(json=False)
    return options


class Commands:
    """Adds commands to a parser.

    Args:
        shared: Options that every command takes.
        required: Whether one of the commands must be named.
    """

    def __init__(self, parser: argparse.ArgumentParser, shared: argparse.ArgumentParser, required: bool = True) -> None:
        self._shared = shared
        self._subparsers = parser.add_subparsers(metavar="COMMAND", required=required)

    def add(self, name: str, text: str, command: Command | None = None) -> argparse.ArgumentParser:
        """One more command, with its help and what it runs."""
        parser = self._subparsers.add_parser(name, help=text, description=text, parents=[self._shared])
        if command is not None:
            parser.set_defaults(command=command)
        return parser

    def asking(self, name: str, text: str, command: Command) -> argparse.ArgumentParser:
        """One more command that asks the server and ends."""
        parser = self.add(name, text, command)
        parser.add_argument("--timeout", metavar="S", type=seconds, default=TIMEOUT, help="altogether (default: 30)")
        return parser

    def family(
        self, name: str, text: str, command: Command, options: Callable[[argparse.ArgumentParser], None] | None = None
    ) -> Commands:
        """Commands with a common name, which alone stands for one of them, with the options of that one."""
        parser = self.asking(name, text, command)
        if options is not None:
            options(parser)
        return Commands(parser, self._shared, required=False)


def password_stdin(parser: argparse.ArgumentParser) -> None:
    """The option of commands that need a password."""
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def conversation(parser: argparse.ArgumentParser) -> None:
    """The argument of commands about a conversation."""
    parser.add_argument("target", metavar="USER_OR_#CONVERSATION", help="who, or # and the number of a conversation")
