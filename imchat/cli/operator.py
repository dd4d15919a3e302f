"""Commands of the operator: checking a configuration, and administration through the server's UNIX socket."""

from __future__ import annotations

import argparse
from pathlib import Path

from imchat.cli.common import password
from imchat.cli.exits import Code, Exit
from imchat.cli.world import World
from imchat.client.gate import HttpApi
from imchat.config import Config, ConfigError, load


def _load(arguments: argparse.Namespace, world: World) -> Config:
    assignments = list(arguments.assignments)
    if getattr(arguments, "data", None) is not None:
        assignments.append(f"server.data_dir={arguments.data}")
    return load(arguments.config, assignments, world.environ)


async def config_check(arguments: argparse.Namespace, world: World) -> None:
    """Say whether the configuration can be used; one line per fault."""
    # Only here: it brings all servers with it, and other commands need not wait for that.
    from imchat.assemble import check_values

    try:
        check_values(_load(arguments, world))
    except ConfigError as error:
        faults = str(error).splitlines()
        if world.as_json:
            world.tell("", ok=False, faults=faults)
        else:
            world.err.writelines(f"{fault}\n" for fault in faults)
        raise Exit(Code.REFUSED) from error
    world.tell("ok", ok=True)


async def migrate(arguments: argparse.Namespace, world: World) -> None:
    """Bring the schema of a cluster's database up to date."""
    # Only here: it brings all servers with it, and other commands need not wait for that.
    from imchat.assemble import CannotMigrate, migrate_cluster

    try:
        config = _load(arguments, world)
        done = await world.run(lambda: migrate_cluster(config))
    except ConfigError as error:
        raise Exit(Code.USAGE, "; ".join(str(error).splitlines())) from error
    except CannotMigrate as error:
        raise Exit(Code.REFUSED, str(error)) from error
    world.tell(done, done=done)


def _admin(arguments: argparse.Namespace, world: World) -> HttpApi:
    path: Path | None = arguments.socket
    if path is None:
        try:
            path = _load(arguments, world).admin_socket
        except ConfigError as error:
            raise Exit(Code.USAGE, "; ".join(str(error).splitlines())) from error
    name = f"the server through its socket {path}"
    return HttpApi("http://localhost", world.http_over(path), world.reactor, name)


async def invite(arguments: argparse.Namespace, world: World) -> None:
    """Make an invitation code."""
    body = {"uses": arguments.uses, "days": arguments.expires}
    answer = await _admin(arguments, world).call("POST", "/v1/admin/invitations", body)
    world.tell(str(answer.get("code")), **answer)


async def create_user(arguments: argparse.Namespace, world: World) -> None:
    """Create an account without a mail."""
    secret = password(arguments, world, twice=True)
    body = {"name": arguments.name, "email": arguments.email, "password": secret}
    answer = await _admin(arguments, world).call("POST", "/v1/admin/users", body)
    world.tell(f"created {answer.get('name')}", **answer)
