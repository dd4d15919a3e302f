"""The command line of ``imchat``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

import imchat
from imchat.cli import account, operator, talk
from imchat.cli.world import World

Command = Callable[[argparse.Namespace, World], Coroutine[Deferred[Any], Any, None]]

EPILOG = """\
exit codes: 0 done; 1 refused by the server, or a fault on this side; 2 wrong usage; 3 server unreachable;
4 not logged in, or the session is over; 5 not done in time; 130 interrupted.

environment: IMCHAT_SERVER (URL of the server), IMCHAT_STATE_DIR (where sessions and positions are kept),
IMCHAT_PROFILE (name of the profile).
"""


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _natural(value: str) -> int:
    number = int(value)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def _seconds(value: str) -> float:
    number = float(value)
    if not (0 < number < math.inf):
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return number


for _type, _name in ((_positive, "number"), (_natural, "number"), (_seconds, "number of seconds")):
    _type.__name__ = _name


def _common(default: bool) -> argparse.ArgumentParser:
    # The same options stand before and after the command; only those before it have defaults.
    options = argparse.ArgumentParser(add_help=False, argument_default=None if default else argparse.SUPPRESS)
    options.add_argument("--server", metavar="URL", help="URL of the server")
    options.add_argument("--profile", metavar="NAME", help="who to be on this machine (default: default)")
    options.add_argument("--ca-file", metavar="FILE", type=Path, help="certificates to trust, instead of the system's")
    options.add_argument("--json", action="store_true", help="results as lines of JSON")
    if default:
        options.set_defaults(json=False)
    return options


class _Commands:
    """Adds commands to a parser."""

    def __init__(self, parser: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
        self._common = common
        self._subparsers = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(self, name: str, text: str, command: Command | None = None) -> argparse.ArgumentParser:
        parser = self._subparsers.add_parser(name, help=text, description=text, parents=[self._common])
        if command is not None:
            parser.set_defaults(command=command)
        return parser


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="imchat",
        description="Talk from a terminal, and run an imchat server.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[_common(True)],
    )
    top.add_argument("--version", action="version", version=f"imchat {imchat.__version__}")
    common = _common(False)
    commands = _Commands(top, common)
    _add_account(commands)
    _add_talk(commands)
    _add_config(commands, common)
    _add_admin(commands, common)
    return top


def _password_stdin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _code(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", help="the code from the mail; no other is sent then")
    parser.add_argument("--send-code", action="store_true", help="only have a code sent")
    _password_stdin(parser)


def _add_account(commands: _Commands) -> None:
    register = commands.add("register", "create an account", account.register)
    register.add_argument("name", nargs="?", metavar="NAME")
    register.add_argument("email", nargs="?", metavar="EMAIL")
    register.add_argument("--invitation", metavar="CODE", help="for a server that wants one")
    _code(register)
    login = commands.add("login", "log in on this machine", account.login)
    login.add_argument("login", nargs="?", metavar="NAME_OR_EMAIL")
    _password_stdin(login)
    commands.add("logout", "end this profile's sessions", account.logout)
    commands.add("whoami", "show who is logged in", account.whoami)
    reset = commands.add("reset-password", "set a new password with a mailed code", account.reset_password)
    reset.add_argument("email", nargs="?", metavar="EMAIL")
    _code(reset)


def _target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="USER_OR_#CONVERSATION")


def _add_talk(commands: _Commands) -> None:
    send = commands.add("send", "send a message and wait until it is stored", talk.send)
    _target(send)
    send.add_argument("text", nargs="+", metavar="TEXT", help="'-' alone: each line of standard input")
    send.add_argument("--timeout", metavar="S", type=_seconds, default=30.0, help="for each answer (default: 30)")
    listen = commands.add("listen", "show messages as they arrive, each once", talk.listen)
    listen.add_argument("--count", metavar="N", type=_positive, help="end after so many messages")
    listen.add_argument("--timeout", metavar="S", type=_seconds, help="end after so many seconds")
    listen.add_argument("--last", metavar="N", type=_natural, help="the first time: only the newest N of each stream")
    listen.add_argument("--own", action="store_true", help="also what this user says elsewhere")
    history = commands.add("history", "show the newest messages of a conversation", talk.history)
    _target(history)
    history.add_argument("--limit", metavar="N", type=_positive, default=50, help="how many (default: 50)")
    history.add_argument("--before", metavar="SEQ", type=_positive, help="only those before this number")
    history.add_argument("--format", choices=("text", "json"), default="text")
    history.add_argument("--timeout", metavar="S", type=_seconds, default=30.0, help="altogether (default: 30)")


def _configuration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, help="the server's imchat.toml")
    parser.add_argument(
        "--set", dest="assignments", metavar="K=V", action="append", default=[], help="override a setting"
    )


def _add_config(commands: _Commands, common: argparse.ArgumentParser) -> None:
    config = _Commands(commands.add("config", "about the server's configuration"), common)
    check = config.add("check", "say whether a configuration can be used", operator.config_check)
    _configuration(check)
    _configuration(commands.add("migrate", "bring the schema of a cluster's database up to date", operator.migrate))


def _add_admin(commands: _Commands, common: argparse.ArgumentParser) -> None:
    admin = _Commands(commands.add("admin", "administer the server on this machine"), common)
    invite = admin.add("invite", "make an invitation code", operator.invite)
    invite.add_argument("--uses", metavar="N", type=_positive, default=1, help="how many may use it (default: 1)")
    invite.add_argument("--expires", metavar="DAYS", type=_positive, default=7, help="days (default: 7)")
    create = admin.add("create-user", "create an account without a mail", operator.create_user)
    create.add_argument("name", metavar="NAME")
    create.add_argument("email", metavar="EMAIL")
    _password_stdin(create)
    for parser in (invite, create):
        _configuration(parser)
        parser.add_argument("--data", metavar="DIR", type=Path, help="the server's data directory")
        parser.add_argument("--socket", metavar="PATH", type=Path, help="the server's socket")
