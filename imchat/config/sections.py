"""The sections of the configuration, with the default and the bounds of every setting."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from imchat.config.cluster import DatabaseSection, LinksSection, RedisSection
from imchat.config.values import Endpoint, HostPort, NodeName, OptionalEndpoint, Rate, Section


class Registration(StrEnum):
    """Who may register."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


class ServerSection(Section):
    """What concerns the process."""

    node: NodeName = Field(default="", description="Name of this server among those of its kind; empty: the host's.")
    data_dir: Path = Field(default=Path("imchat-data"), description="Directory of the database, mails and locks.")
    metrics: OptionalEndpoint = Field(default="", description="For Prometheus; empty: metrics are not served.")


class HashingSection(Section):
    """argon2id (DESIGN: OWASP's parameters) and its thread pool."""

    memory_kib: int = Field(default=19_456, ge=8, le=4_194_304)
    passes: int = Field(default=2, ge=1, le=64)
    lanes: int = Field(default=1, ge=1, le=16)
    threads: int = Field(default=2, ge=1, le=64)
    queue: int = Field(default=64, ge=1, le=10_000, description="Waiting hashes; beyond it the gate answers 503.")

    @model_validator(mode="after")
    def _enough_memory(self) -> Self:
        # argon2 itself demands it (RFC 9106, section 3.1).
        if self.memory_kib < 8 * self.lanes:
            raise ValueError("memory_kib must be at least 8 times lanes")
        return self


class GateSection(Section):
    """The HTTP API."""

    listen: Endpoint = "tcp:8080:interface=127.0.0.1"
    workers: int = Field(default=1, ge=1, le=256, description="Processes on the one port.")
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

    listen: Endpoint = Field(default="tcp:8091:interface=127.0.0.1", description="For links; not used when embedded.")
    code_lifetime: int = Field(default=300, ge=30, le=86_400, description="Seconds.")
    max_tries: int = Field(default=5, ge=1, le=100)
    mail_interval: int = Field(default=60, ge=1, le=3_600, description="Seconds between two mails to one address.")
    mails_per_day: int = Field(default=20, ge=1, le=1_000, description="Mails to one address in 24 hours.")
    smtp: SmtpSection = SmtpSection()


class StatusSection(Section):
    """Placement and sessions."""

    listen: Endpoint = Field(default="tcp:8092:interface=127.0.0.1", description="For links; not used when embedded.")
    report_interval: int = Field(default=3, ge=1, le=60, description="Seconds; a node is dead after three.")
    session_lifetime: int = Field(default=30, ge=1, le=3_650, description="Days after last use.")


class LimitsSection(Section):
    """Limits of one connection of a session, by kind of request."""

    frames: Rate = Rate(count=1_200, seconds=60)
    messages: Rate = Rate(count=600, seconds=60)
    acts: Rate = Rate(count=120, seconds=60)
    reads: Rate = Rate(count=900, seconds=60)
    lookups: Rate = Rate(count=120, seconds=60)
    contacts: Rate = Rate(count=120, seconds=60)
    marks: Rate = Rate(count=600, seconds=60)
    typing: Rate = Rate(count=60, seconds=60)
    presence: Rate = Rate(count=120, seconds=60)
    account: Rate = Rate(count=30, seconds=60)


class AccountLimitsSection(Section):
    """Limits of all connections of one account on one node, by kind of request."""

    frames: Rate = Rate(count=4_800, seconds=60)
    messages: Rate = Rate(count=1_200, seconds=60)
    acts: Rate = Rate(count=240, seconds=60)
    reads: Rate = Rate(count=3_600, seconds=60)
    lookups: Rate = Rate(count=240, seconds=60)
    contacts: Rate = Rate(count=240, seconds=60)
    marks: Rate = Rate(count=2_400, seconds=60)
    typing: Rate = Rate(count=120, seconds=60)
    presence: Rate = Rate(count=480, seconds=60)
    account: Rate = Rate(count=60, seconds=60)


class ChatSection(Section):
    """A chat node."""

    listen: Endpoint = "tcp:8090:interface=127.0.0.1"
    workers: int = Field(default=1, ge=1, le=256, description="Processes on the one port, each a node of its own.")
    advertise: HostPort = Field(default="", description="HOST:PORT for clients; empty: taken from ``listen``.")
    contacts: Literal["required", "open"] = Field(
        default="required", description="Whether those who talk must be contacts."
    )
    contact_requests_per_day: int = Field(default=50, ge=1, le=100_000, description="Of one account.")
    max_connections: int = Field(default=20_000, ge=1, le=1_000_000)
    connections_per_address: int = Field(default=2_000, ge=1, le=1_000_000)
    hello_timeout: int = Field(default=10, ge=1, le=120, description="Seconds.")
    idle_timeout: int = Field(default=90, ge=10, le=3_600, description="Seconds of silence before closing.")
    stall_timeout: int = Field(default=30, ge=1, le=600, description="Seconds without progress for a slow reader.")
    max_pending: int = Field(default=10_000, ge=10, le=1_000_000, description="Messages waiting for the database.")
    max_pending_bytes: int = Field(default=33_554_432, ge=1_048_576, le=1_073_741_824)
    presence_refresh: int = Field(default=30, ge=5, le=600, description="Seconds between saying again who is here.")
    drain_timeout: int = Field(default=10, ge=1, le=300, description="Seconds for an orderly end.")
    limits: LimitsSection = LimitsSection()
    account_limits: AccountLimitsSection = AccountLimitsSection()


class RetentionSection(Section):
    """For how many days the content of messages is kept, by kind; 0: for ever."""

    text: int = Field(default=0, ge=0, le=36_500)
    sticker: int = Field(default=0, ge=0, le=36_500)
    picture: int = Field(default=0, ge=0, le=36_500)
    file: int = Field(default=0, ge=0, le=36_500)
    card: int = Field(default=0, ge=0, le=36_500)
    location: int = Field(default=0, ge=0, le=36_500)
    custom: int = Field(default=0, ge=0, le=36_500)


class AdminSection(Section):
    """The operator's UNIX socket."""

    socket: Path | None = Field(
        default=None, description="Default: admin.sock, or admin-NODE.sock, in the data directory."
    )


class Config(Section):
    """The whole configuration."""

    server: ServerSection = ServerSection()
    gate: GateSection = GateSection()
    verify: VerifySection = VerifySection()
    status: StatusSection = StatusSection()
    chat: ChatSection = ChatSection()
    retention: RetentionSection = RetentionSection()
    admin: AdminSection = AdminSection()
    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    links: LinksSection = LinksSection()

    @property
    def admin_socket(self) -> Path:
        """Where the operator's socket is."""
        name = f"admin-{self.server.node}.sock" if self.server.node else "admin.sock"
        return self.admin.socket or self.server.data_dir / name
