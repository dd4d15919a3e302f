"""Commands about one's account: register, login, logout, whoami."""

from __future__ import annotations

import argparse
import platform
import socket

from imchat.cli.common import gate_of, password, profile_of
from imchat.cli.exits import Code, Exit
from imchat.cli.profile import DEFAULT_SERVER, Role
from imchat.cli.world import World
from imchat.client import Credentials, NotLoggedIn
from imchat.client.login import open_session
from imchat.domain.errors import Unauthenticated
from imchat.domain.models import Device


def _server(arguments: argparse.Namespace, world: World) -> str:
    return (arguments.server or world.environ.get("IMCHAT_SERVER") or DEFAULT_SERVER).rstrip("/")


async def register(arguments: argparse.Namespace, world: World) -> None:
    """Create an account: ask for what is missing, have a code sent, create the account with it."""
    gate = gate_of(arguments, world, _server(arguments, world))
    if arguments.send_code:
        email = arguments.email or arguments.name or world.ask("E-mail: ")
        sent = await gate.request_code("registration", email)
        world.tell(f"a code was sent to {email}", email=email, expires_in_ms=sent.expires_in_ms)
        return
    name = arguments.name or world.ask("Name: ")
    email = arguments.email or world.ask("E-mail: ")
    secret = password(arguments, world, twice=True)
    code = arguments.code
    if code is None:
        sent = await gate.request_code("registration", email)
        minutes = max(1, sent.expires_in_ms // 60_000)
        code = world.ask(f"Code from the mail to {email} (valid for {minutes} min): ")
    user_id, name = await gate.register(name, email, secret, code.strip(), arguments.invitation)
    world.tell(f"registered {name}", user_id=user_id, name=name)


def device_name() -> str:
    """What the user's list of devices shows for this machine."""
    host = "".join(c for c in socket.gethostname() if c.isprintable())
    return f"imchat on {host or 'a terminal'}"[:64]


def platform_name() -> str:
    """What this machine runs on."""
    return platform.system().lower() or "unknown"


async def login(arguments: argparse.Namespace, world: World) -> None:
    """Log the profile's two devices in, and keep their sessions."""
    server = _server(arguments, world)
    gate = gate_of(arguments, world, server)
    profile = profile_of(arguments, world)
    credentials = Credentials(arguments.login or world.ask("Name or e-mail: "), password(arguments, world, twice=False))
    sessions = {}
    for role, suffix in ((Role.LISTEN, ""), (Role.SEND, "-send")):
        device = Device(profile.device_id + suffix, device_name(), platform_name())
        sessions[role] = await open_session(gate, credentials, device)
    profile.save(sessions)
    session = sessions[Role.LISTEN]
    world.tell(f"logged in as {session.name}", user_id=session.user_id, name=session.name, server=server)


async def logout(arguments: argparse.Namespace, world: World) -> None:
    """End the sessions of the profile; what was received and not sent stays for the next login."""
    profile = profile_of(arguments, world)
    for role in Role:
        session = profile.session(role)
        try:
            await gate_of(arguments, world, session.server).logout(session.token)
        except Unauthenticated:
            continue  # it was over already
    profile.save({})
    world.tell("logged out", logged_out=True)


async def whoami(arguments: argparse.Namespace, world: World) -> None:
    """Ask the server whose session this is."""
    profile = profile_of(arguments, world)
    session = profile.session(Role.SEND)
    try:
        known = await gate_of(arguments, world, session.server).route(session.token)
    except Unauthenticated:
        raise NotLoggedIn(f"the session of {session.name} is over: use imchat login") from None
    world.tell(known.name, user_id=known.user_id, name=known.name, server=session.server, device_id=profile.device_id)


async def reset_password(arguments: argparse.Namespace, world: World) -> None:
    """Set a new password with a code from a mail; all sessions of the account end."""
    gate = gate_of(arguments, world, _server(arguments, world))
    email = arguments.email or world.ask("E-mail: ")
    if arguments.send_code:
        sent = await gate.request_code("password_reset", email)
        world.tell(f"a code was sent to {email}", email=email, expires_in_ms=sent.expires_in_ms)
        return
    if arguments.code is None:
        await gate.request_code("password_reset", email)
    code = arguments.code or world.ask(f"Code from the mail to {email}: ")
    secret = password(arguments, world, twice=True)
    if not code:
        raise Exit(Code.USAGE, "no code")
    await gate.reset_password(email, code.strip(), secret)
    world.tell("the password is changed; log in again", changed=True)
