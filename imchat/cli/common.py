"""What commands share: the gate, passwords, a client for the length of a command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.python.failure import Failure

from imchat.cli.exits import Code, Exit
from imchat.cli.profile import Profile, Role
from imchat.cli.world import World
from imchat.client import Client, Gate, Options, Outside, Stopped
from imchat.client.engine import Handler

T = TypeVar("T")


def profile_of(arguments: argparse.Namespace, world: World) -> Profile:
    """The profile that the command line and the environment name."""
    return Profile(world, arguments.profile, arguments.server or world.environ.get("IMCHAT_SERVER"))


def gate_of(arguments: argparse.Namespace, world: World, server: str) -> Gate:
    """The gate of a server.

    Raises:
        Exit: the URL or the file of certificates cannot be used.
    """
    try:
        url = urlsplit(server)
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0 or url.query or url.fragment:
            raise ValueError(f"{server!r} is no URL such as https://chat.example.org")
        return Gate(server, world.http(arguments.ca_file), world.reactor)
    except ValueError as error:
        raise Exit(Code.USAGE, str(error)) from error


def password(arguments: argparse.Namespace, world: World, twice: bool) -> str:
    """A password from the terminal, or the first line of standard input with ``--password-stdin``.

    Raises:
        Exit: there is none, or the second time it is another.
    """
    if arguments.password_stdin:
        try:
            line = world.stdin.readline()
        except UnicodeDecodeError:
            raise Exit(Code.USAGE, "the password on standard input is not text") from None
        if not line.rstrip("\r\n"):
            raise Exit(Code.USAGE, "no password on standard input")
        return line.rstrip("\r\n")
    secret = world.ask_secret("Password: ")
    if twice and world.ask_secret("Password again: ") != secret:
        raise Exit(Code.USAGE, "the two passwords differ")
    return secret


async def within(world: World, seconds: float, deferred: Deferred[T], late: Exit) -> T:
    """Wait for a Deferred, at most so long.

    Raises:
        Exit: ``late``, if it takes longer.
    """
    try:
        return await deferred.addTimeout(seconds, world.reactor)
    except DeferredTimeout:
        raise late from None


async def run_client(
    arguments: argparse.Namespace,
    world: World,
    role: Role,
    body: Callable[[Client], Coroutine[Deferred[Any], Any, T]],
    handler: Handler | None = None,
    options: Options | None = None,
) -> T:
    """Run a client of the profile for as long as ``body`` runs.

    Raises:
        IMError, ClientError: why the client ended by itself, and whatever ``body`` raises.
    """
    profile = profile_of(arguments, world)
    session = profile.session(role)
    gate = gate_of(arguments, world, session.server)
    outside = Outside(gate, world.connect(arguments.ca_file), world.reactor, world.ids, profile.state(role))
    client = Client(outside, handler, options)
    task: Deferred[T] | None = None
    reasons: list[BaseException] = []

    def ended(result: object) -> None:
        if isinstance(result, Failure) and result.value is not None:
            reasons.append(result.value)
        if task is not None:
            task.cancel()

    client.when_closed().addBoth(ended)
    try:
        await client.start(session=session)
        task = Deferred.fromCoroutine(body(client))
        return await task
    except (CancelledError, Stopped):
        await client.stop()
        if reasons:
            raise reasons[0] from None
        raise
    finally:
        await client.stop()
