"""Commands about the account's safety: devices, the password, the end of the account."""

from __future__ import annotations

import argparse

from imchat.cli.account import device_name, platform_name
from imchat.cli.asking import ask
from imchat.cli.common import gate_of, profile_of
from imchat.cli.exits import Code, Exit
from imchat.cli.profile import Profile, Role
from imchat.cli.showing import one_line, when
from imchat.cli.world import World
from imchat.client import Client, Credentials, Gate, OwnSession
from imchat.client.login import open_session
from imchat.domain.errors import NotFound, Unauthenticated
from imchat.domain.models import Device

_AT_ONCE = 100
"""Devices that one request ends."""


def session_values(session: OwnSession) -> dict[str, object]:
    """A device, as JSON has it."""
    info = session.info
    return {
        "device_id": info.device.device_id,
        "device_name": info.device.device_name,
        "platform": info.device.platform,
        "created_ms": info.created_ms,
        "last_used_ms": info.last_used_ms,
        "address": info.address,
        "current": session.current,
    }


async def devices(arguments: argparse.Namespace, world: World) -> None:
    """Show where the account is logged in."""

    async def body(client: Client) -> None:
        for session in await client.devices.all():
            world.tell(_line(session), **session_values(session))

    await ask(arguments, world, body)


def _line(session: OwnSession) -> str:
    info = session.info
    name = f"{one_line(info.device.device_name)} ({one_line(info.device.platform)})"
    here = " (this command)" if session.current else ""
    seen = f"since {when(info.created_ms)}, last seen {when(info.last_used_ms)}"
    return f"{info.device.device_id} {name}: {seen} from {one_line(info.address) or 'nowhere known'}{here}"


async def end(arguments: argparse.Namespace, world: World) -> None:
    """End the session of a device."""

    async def body(client: Client) -> None:
        if arguments.device_id not in [s.info.device.device_id for s in await client.devices.all()]:
            raise NotFound(f"you are logged in on no device {arguments.device_id}: 'imchat devices' lists them")
        await client.devices.end([arguments.device_id])
        world.tell(f"{arguments.device_id}: ended", device_id=arguments.device_id, ended=True)

    await ask(arguments, world, body)


async def end_others(arguments: argparse.Namespace, world: World) -> None:
    """End all sessions but those of this profile."""
    profile = profile_of(arguments, world)
    mine = {profile.session(role).device_id for role in Role}

    async def body(client: Client) -> None:
        others = [s.info.device.device_id for s in await client.devices.all()]
        others = [device_id for device_id in others if device_id not in mine]
        for start in range(0, len(others), _AT_ONCE):
            await client.devices.end(others[start : start + _AT_ONCE])
        world.tell(f"{len(others)} ended", ended=others)

    await ask(arguments, world, body)


# --- the password


def _secrets(arguments: argparse.Namespace, world: World, questions: tuple[str, ...]) -> list[str]:
    """Passwords from the terminal, or from as many lines of standard input."""
    if not arguments.password_stdin:
        return [world.ask_secret(question) for question in questions]
    try:
        lines = [world.stdin.readline().rstrip("\r\n") for _ in questions]
    except UnicodeDecodeError:
        raise Exit(Code.USAGE, "a password on standard input is not text") from None
    if not all(lines):
        raise Exit(Code.USAGE, f"standard input must have {len(lines)} line{'s' * (len(lines) > 1)} of passwords")
    return lines


async def password(arguments: argparse.Namespace, world: World) -> None:
    """Change the password; this profile stays logged in."""
    profile = profile_of(arguments, world)
    session = profile.session(Role.SEND)
    gate = gate_of(arguments, world, session.server)
    old, new = _secrets(arguments, world, ("Old password: ", "New password: "))
    if not arguments.password_stdin and world.ask_secret("New password again: ") != new:
        raise Exit(Code.USAGE, "the two passwords differ")
    await gate.change_password(session.token, old, new)
    await _stay(profile, gate, Credentials(session.login or session.name, new))
    world.tell("the password is changed", changed=True)


async def _stay(profile: Profile, gate: Gate, credentials: Credentials) -> None:
    """Log those devices of the profile in again whose sessions the new password has ended."""
    sessions = {role: profile.session(role) for role in Role}
    for role, session in sessions.items():
        try:
            await gate.route(session.token)
        except Unauthenticated:
            device = Device(session.device_id, device_name(), platform_name())
            sessions[role] = await open_session(gate, credentials, device)
    profile.save(sessions)


async def delete_account(arguments: argparse.Namespace, world: World) -> None:
    """Delete the account, after asking for its name and password."""
    profile = profile_of(arguments, world)
    session = profile.session(Role.SEND)
    gate = gate_of(arguments, world, session.server)
    if not arguments.yes and world.ask(f"This cannot be undone. Type {session.name} to go on: ") != session.name:
        raise Exit(Code.USAGE, "that is not the account's name: nothing was deleted")
    (secret,) = _secrets(arguments, world, ("Password: ",))
    await gate.delete_account(session.token, secret)
    profile.save({})
    world.tell(f"the account {session.name} is deleted", deleted=True)
