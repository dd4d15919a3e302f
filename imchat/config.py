"""The configuration: read once, from defaults, ``imchat.toml``, the environment and the command line, in that order
of precedence from weakest to strongest, into frozen objects. Nothing else in imchat reads settings.

In the environment ``IMCHAT_GATE__LISTEN`` is ``listen`` in the section ``[gate]``; on the command line it is
``--set gate.listen=...``.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from twisted.internet.endpoints import serverFromString
from twisted.internet.testing import MemoryReactor

ENVIRONMENT_PREFIX = "IMCHAT_"


class ConfigError(Exception):
    """The configuration cannot be used; the message names the key and says what is wrong, one line a fault."""


def _endpoint(value: str) -> str:
    # serverFromString only parses here: nothing listens, and the files of ``ssl:`` are not ours to read yet.
    kind = value.split(":", 1)[0]
    if kind not in ("ssl", "systemd"):
        try:
            serverFromString(MemoryReactor(), value)
        except Exception as error:
            raise ValueError(f"is no endpoint string such as tcp:8080:interface=127.0.0.1 ({error})") from error
    return value


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if value and (not host or not port.isdecimal() or not 0 < int(port) < 65536):
        raise ValueError("must be HOST:PORT")
    return value


Endpoint = Annotated[str, AfterValidator(_endpoint)]
HostPort = Annotated[str, AfterValidator(_host_port)]


class Section(BaseModel):
    """A part of the configuration: frozen, and strict about names and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Registration(StrEnum):
    """Who may register."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


class Rate(Section):
    """A limit: so many within so many seconds."""

    count: int = Field(ge=1, le=1_000_000)
    seconds: int = Field(ge=1, le=86_400)


class ServerSection(Section):
    """What concerns the process."""

    data_dir: Path = Field(default=Path("imchat-data"), description="Directory of the database, mails and locks.")


class HashingSection(Section):
    """argon2id (DESIGN: OWASP's parameters) and its thread pool."""

    memory_kib: int = Field(default=19_456, ge=8, le=4_194_304)
    passes: int = Field(default=2, ge=1, le=64)
    lanes: int = Field(default=1, ge=1, le=16)
    threads: int = Field(default=2, ge=1, le=64)
    queue: int = Field(default=64, ge=1, le=10_000, description="Waiting hashes; beyond it the gate answers 503.")


class GateSection(Section):
    """The HTTP API."""

    listen: Endpoint = "tcp:8080:interface=127.0.0.1"
    registration: Registration = Registration.OPEN
    max_body: int = Field(default=65_536, ge=1_024, le=16_777_216, description="Longest request body, in bytes.")
    request_timeout: int = Field(default=30, ge=1, le=600, description="Seconds for a request to arrive.")
    max_connections: int = Field(default=2_000, ge=1, le=1_000_000)
    connections_per_address: int = Field(default=200, ge=1, le=1_000_000)
    codes_per_address: Rate = Rate(count=20, seconds=3_600)
    registrations_per_address: Rate = Rate(count=20, seconds=3_600)
    logins_per_address: Rate = Rate(count=60, seconds=60)
    logins_per_account: Rate = Rate(count=10, seconds=300)
    requests_per_address: Rate = Rate(count=600, seconds=60)
    hashing: HashingSection = HashingSection()


class SmtpSection(Section):
    """The mail server; with ``host`` empty, mails become files in ``outbox/``."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = Field(default=None, description="PEM file of a private CA that signed the server's key.")
    sender: str = "imchat@localhost"
    timeout: int = Field(default=10, ge=1, le=120, description="Seconds for one mail altogether.")


class VerifySection(Section):
    """Verification codes."""

    code_lifetime: int = Field(default=300, ge=30, le=86_400, description="Seconds.")
    max_tries: int = Field(default=5, ge=1, le=100)
    mail_interval: int = Field(default=60, ge=1, le=3_600, description="Seconds between two mails to one address.")
    mails_per_day: int = Field(default=20, ge=1, le=1_000, description="Mails to one address in 24 hours.")
    smtp: SmtpSection = SmtpSection()


class StatusSection(Section):
    """Placement and sessions."""

    report_interval: int = Field(default=3, ge=1, le=60, description="Seconds; a node is dead after three.")
    session_lifetime: int = Field(default=30, ge=1, le=3_650, description="Days after last use.")


class ChatSection(Section):
    """A chat node."""

    listen: Endpoint = "tcp:8090:interface=127.0.0.1"
    advertise: HostPort = Field(default="", description="HOST:PORT for clients; empty: taken from ``listen``.")
    max_connections: int = Field(default=20_000, ge=1, le=1_000_000)
    connections_per_address: int = Field(default=2_000, ge=1, le=1_000_000)
    hello_timeout: int = Field(default=10, ge=1, le=120, description="Seconds.")
    idle_timeout: int = Field(default=90, ge=10, le=3_600, description="Seconds of silence before closing.")
    stall_timeout: int = Field(default=30, ge=1, le=600, description="Seconds without progress for a slow reader.")
    messages_per_session: Rate = Rate(count=600, seconds=60)
    requests_per_session: Rate = Rate(count=1_200, seconds=60)
    lookups_per_session: Rate = Rate(count=120, seconds=60)
    max_pending: int = Field(default=10_000, ge=10, le=1_000_000, description="Messages waiting for the database.")
    max_pending_bytes: int = Field(default=33_554_432, ge=1_048_576, le=1_073_741_824)
    drain_timeout: int = Field(default=10, ge=1, le=300, description="Seconds for an orderly end.")


class AdminSection(Section):
    """The operator's UNIX socket."""

    socket: Path | None = Field(default=None, description="Default: admin.sock in the data directory.")


class Config(Section):
    """The whole configuration."""

    server: ServerSection = ServerSection()
    gate: GateSection = GateSection()
    verify: VerifySection = VerifySection()
    status: StatusSection = StatusSection()
    chat: ChatSection = ChatSection()
    admin: AdminSection = AdminSection()

    @property
    def admin_socket(self) -> Path:
        """Where the operator's socket is."""
        return self.admin.socket or self.server.data_dir / "admin.sock"


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = dict(value) if isinstance(value, Mapping) else value
    return base


def _place(tree: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{'.'.join(path)}: {key} is a value, not a section")
        tree = inner
    tree[path[-1]] = value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            path = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
            if len(path) < 2:
                continue
            _place(tree, path, value)
    return tree


def _from_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or "." not in name:
            raise ConfigError(f"{assignment!r}: must be SECTION.KEY=VALUE")
        _place(tree, name.strip().split("."), value.strip())
    return tree


def _describe(error: ValidationError, source: str) -> str:
    lines = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"])
        text = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        lines.append(f"{source}: {name}: {text}")
    return "\n".join(lines)


def load(
    path: Path | None = None, assignments: Iterable[str] = (), environment: Mapping[str, str] | None = None
) -> Config:
    """Read the configuration.

    Args:
        path: The TOML file; None means defaults.
        assignments: ``section.key=value`` from the command line.
        environment: Defaults to the process's own.

    Raises:
        ConfigError: a file that cannot be read, or a key that is unknown, of the wrong type or out of range.
    """
    # Over the defaults, so that half of a limit can be set by itself.
    tree = Config().model_dump()
    if path is not None:
        try:
            _merge(tree, tomllib.loads(path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path}: is not TOML: {error}") from error
    _merge(tree, _from_environment(os.environ if environment is None else environment))
    _merge(tree, _from_assignments(assignments))
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_describe(error, str(path) if path else "configuration")) from error
