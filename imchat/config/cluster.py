"""The sections that only a cluster has: database, Redis and the links between servers."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from imchat.config.values import ClientEndpoint, ClientEndpoints, Section

_NONE = SecretStr("")


class DatabaseSection(Section):
    """MySQL or MariaDB; with ``host`` and ``socket`` empty there is none."""

    host: str = ""
    port: int = Field(default=3306, ge=1, le=65_535)
    socket: Path | None = Field(default=None, description="UNIX socket, instead of host and port.")
    user: str = "imchat"
    password: SecretStr = _NONE
    password_file: Path | None = None
    name: str = Field(default="imchat", min_length=1, max_length=64)
    ca_file: Path | None = Field(default=None, description="PEM file; with it connections are encrypted.")
    readers: int = Field(default=4, ge=1, le=100)
    writers: int = Field(default=4, ge=1, le=100)
    flushers: int = Field(default=1, ge=1, le=16)
    connect_timeout: int = Field(default=3, ge=1, le=60, description="Seconds.")
    allow_not_durable: bool = False


class RedisSection(Section):
    """Redis; with ``endpoint`` and ``sentinels`` empty there is none."""

    endpoint: ClientEndpoint = ""
    username: str = ""
    password: SecretStr = _NONE
    password_file: Path | None = None
    db: int = Field(default=0, ge=0, le=1_000_000)
    prefix: str = "imchat:"
    pool_size: int = Field(default=2, ge=1, le=64)
    timeout: float = Field(default=2.0, gt=0, le=60, description="Seconds.")
    sentinels: ClientEndpoints = ()
    master_name: str = "mymaster"
    sentinel_username: str = ""
    sentinel_password: SecretStr = _NONE
    sentinel_password_file: Path | None = None


class LinksSection(Section):
    """Links from gates and chat nodes to the status and verify servers."""

    secret: SecretStr = _NONE
    secret_file: Path | None = None
    status: ClientEndpoints = Field(default=("tcp:127.0.0.1:8092",), min_length=1)
    verify: ClientEndpoints = Field(default=("tcp:127.0.0.1:8091",), min_length=1)
