"""The command line of ``imchat``."""

from __future__ import annotations

import argparse
from pathlib import Path

import imchat
from imchat.cli import account, history, operator, talk
from imchat.cli.people_arguments import add_acts, add_people
from imchat.cli.syntax import Commands, conversation, natural, password_stdin, positive, seconds
from imchat.cli.syntax import common as shared_options

EPILOG = """\
exit codes: 0 done; 1 refused by the server, or a fault on this side; 2 wrong usage; 3 server unreachable;
4 not logged in, or the session is over; 5 not done in time; 130 interrupted.

environment: IMCHAT_SERVER (URL of the server), IMCHAT_STATE_DIR (where sessions and positions are kept),
IMCHAT_PROFILE (name of the profile).
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="imchat",
        description="Talk from a terminal, and run an imchat server.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared_options(True)],
    )
    top.add_argument("--version", action="version", version=f"imchat {imchat.__version__}")
    common = shared_options(False)
    commands = Commands(top, common)
    _add_account(commands)
    _add_talk(commands)
    add_acts(commands)
    add_people(commands)
    _add_config(commands, common)
    _add_admin(commands, common)
    return top


def _code(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--code", help="the code from the mail; no other is sent then")
    parser.add_argument("--send-code", action="store_true", help="only have a code sent")
    password_stdin(parser)


def _add_account(commands: Commands) -> None:
    register = commands.add("register", "create an account", account.register)
    register.add_argument("name", nargs="?", metavar="NAME", help="asked for where it is missing, as the next")
    register.add_argument("email", nargs="?", metavar="EMAIL", help="where the code is mailed to")
    register.add_argument("--invitation", metavar="CODE", help="for a server that wants one")
    _code(register)
    login = commands.add("login", "log in on this machine", account.login)
    login.add_argument("login", nargs="?", metavar="NAME_OR_EMAIL", help="asked for where it is missing")
    password_stdin(login)
    commands.add("logout", "end this profile's sessions", account.logout)
    commands.add("whoami", "show who is logged in", account.whoami)
    reset = commands.add("reset-password", "set a new password with a mailed code", account.reset_password)
    reset.add_argument("email", nargs="?", metavar="EMAIL", help="asked for where it is missing")
    _code(reset)


def _add_talk(commands: Commands) -> None:
    send = commands.add("send", "send a message, wait until it is stored, and print its number", talk.send)
    conversation(send)
    send.add_argument("text", nargs="+", metavar="TEXT", help="'-' alone: each line of standard input")
    send.add_argument("--reply", metavar="SEQ", type=positive, help="reply to this message (history --numbers)")
    send.add_argument("--mention", metavar="NAME", action="append", default=[], help="mention a member; again for more")
    send.add_argument("--timeout", metavar="S", type=seconds, default=30.0, help="for each answer (default: 30)")
    listen = commands.add("listen", "show messages as they arrive, each once", talk.listen)
    listen.add_argument("--count", metavar="N", type=positive, help="end after so many messages")
    listen.add_argument("--timeout", metavar="S", type=seconds, help="end after so many seconds")
    listen.add_argument("--last", metavar="N", type=natural, help="the first time: only the newest N of each stream")
    listen.add_argument("--numbers", action="store_true", help="with their numbers, for recall, edit and react")
    listen.add_argument("--own", action="store_true", help="also what this user says elsewhere")
    shown = commands.add("history", "show messages of a conversation, the newest ones", history.history)
    conversation(shown)
    shown.add_argument("--limit", metavar="N", type=positive, default=50, help="how many (default: 50)")
    shown.add_argument("--before", metavar="SEQ", type=positive, help="only those before this number")
    shown.add_argument("--after", metavar="SEQ", type=natural, help="the first ones after this number instead")
    shown.add_argument("--since", metavar="DATE", type=history.date_ms, help="only those from this date or time on")
    shown.add_argument("--until", metavar="DATE", type=history.date_ms, help="only those before this date or time")
    shown.add_argument("--numbers", action="store_true", help="with their numbers, for recall, edit and react")
    shown.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people (the default) or programs"
    )
    shown.add_argument("--timeout", metavar="S", type=seconds, default=30.0, help="altogether (default: 30)")


def _configuration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", type=Path, help="the server's imchat.toml")
    parser.add_argument(
        "--set", dest="assignments", metavar="K=V", action="append", default=[], help="override a setting"
    )


def _add_config(commands: Commands, common: argparse.ArgumentParser) -> None:
    config = Commands(commands.add("config", "about the server's configuration"), common)
    check = config.add("check", "say whether a configuration can be used", operator.config_check)
    _configuration(check)
    _configuration(commands.add("migrate", "bring the schema of a cluster's database up to date", operator.migrate))


def _add_admin(commands: Commands, common: argparse.ArgumentParser) -> None:
    admin = Commands(commands.add("admin", "administer the server on this machine"), common)
    invite = admin.add("invite", "make an invitation code", operator.invite)
    invite.add_argument("--uses", metavar="N", type=positive, default=1, help="how many may use it (default: 1)")
    invite.add_argument("--expires", metavar="DAYS", type=positive, default=7, help="days (default: 7)")
    create = admin.add("create-user", "create an account without a mail", operator.create_user)
    create.add_argument("name", metavar="NAME", help="2 to 32 letters, digits, _ . - and single spaces")
    create.add_argument("email", metavar="EMAIL", help="where a mail can reset the password")
    password_stdin(create)
    for parser in (invite, create):
        _configuration(parser)
        parser.add_argument("--data", metavar="DIR", type=Path, help="the server's data directory")
        parser.add_argument("--socket", metavar="PATH", type=Path, help="the server's socket")
