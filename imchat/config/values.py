"""What all sections of the configuration are made of: kinds of values, and what is refused of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.testing import MemoryReactor

_LAST_PORT = 65_535


def _parsed(value: str, parse: Callable[[Any, str], object], example: str) -> str:
    # Only parsed here: nothing listens or connects.
    try:
        parse(MemoryReactor(), value)
    except Exception as error:
        raise ValueError(f"is no endpoint string such as {example} ({error})") from error
    return value


def _endpoint(value: str) -> str:
    kind, _, rest = value.partition(":")
    if kind in ("tcp", "tcp4", "tcp6", "ssl"):
        words = [word.removeprefix("port=") for word in rest.split(":")]
        if any(word.isdecimal() and int(word) > _LAST_PORT for word in words):
            raise ValueError(f"has a port above {_LAST_PORT}")
    # The files of ``ssl:`` and ``tls:`` are not ours to read yet.
    if value.split(":", 1)[0] in ("ssl", "tls", "systemd"):
        return value
    return _parsed(value, serverFromString, "tcp:8080:interface=127.0.0.1")


def _client_endpoint(value: str) -> str:
    if not value or value.split(":", 1)[0] == "tls":
        return value
    return _parsed(value, clientFromString, "tcp:127.0.0.1:6379")


def _host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if value and (not host or not port.isdecimal() or not 0 < int(port) < 65536):
        raise ValueError("must be HOST:PORT")
    return value


def _node(value: str) -> str:
    if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
        raise ValueError("must be 1 to 64 letters, digits, '.', '_' and '-', with a letter or digit in front")
    return value


def _listed(value: object) -> object:
    # From the environment and the command line: separated by commas.
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


Endpoint = Annotated[str, AfterValidator(_endpoint)]
OptionalEndpoint = Annotated[str, AfterValidator(lambda value: _endpoint(value) if value else value)]
ClientEndpoint = Annotated[str, AfterValidator(_client_endpoint)]
ClientEndpoints = Annotated[tuple[ClientEndpoint, ...], BeforeValidator(_listed)]
HostPort = Annotated[str, AfterValidator(_host_port)]
NodeName = Annotated[str, AfterValidator(_node)]


class Section(BaseModel):
    """A part of the configuration: frozen, and strict about names and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Rate(Section):
    """A limit: so many within so many seconds."""

    count: int = Field(ge=1, le=1_000_000)
    seconds: int = Field(ge=1, le=86_400)
