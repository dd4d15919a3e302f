"""From the configuration to the settings that each part takes: parts do not know the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imchat.assemble import secrets
from imchat.chat.settings import ChatSettings
from imchat.config import (
    AccountLimitsSection,
    ChatSection,
    Config,
    DatabaseSection,
    GateSection,
    LimitsSection,
    Rate,
    RedisSection,
    RetentionSection,
    SmtpSection,
    StatusSection,
    VerifySection,
)
from imchat.domain.accounts import RegistrationMode
from imchat.domain.kinds import ContentKind, is_message
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.rates import Group, Rates
from imchat.domain.sessions import DAY_MS
from imchat.gate.hashing import HashParameters
from imchat.gate.logic import GatePolicy
from imchat.gate.settings import HttpSettings
from imchat.net.links.endpoints import stays_here
from imchat.ports import Limit
from imchat.startup import StartupError
from imchat.status.settings import StatusSettings
from imchat.store.mysql import MysqlSettings
from imchat.verify.settings import SmtpSettings, VerifySettings

if TYPE_CHECKING:
    from imchat.net.redis import RedisSettings


def with_directory(config: Config, data_dir: Path) -> Config:
    """The configuration with its data directory, and the operator's socket, at an absolute path."""
    config = config.model_copy(update={"server": config.server.model_copy(update={"data_dir": data_dir})})
    admin = config.admin.model_copy(update={"socket": config.admin_socket.absolute()})
    return config.model_copy(update={"admin": admin})


def limit(rate: Rate) -> Limit:
    """A limit of the configuration, in the units of the logic."""
    return Limit(rate.count, rate.seconds * 1000)


def session_lifetime_ms(section: StatusSection) -> int:
    """How long a session lasts after its last use."""
    return section.session_lifetime * DAY_MS


def gate_policy(config: Config) -> GatePolicy:
    """Who may register, and the limits of the gate's use cases."""
    gate = config.gate
    return GatePolicy(
        registration=RegistrationMode(gate.registration.value),
        mail_interval_ms=config.verify.mail_interval * 1000,
        codes_per_peer=limit(gate.codes_per_address),
        registrations_per_peer=limit(gate.registrations_per_address),
        logins_per_peer=limit(gate.logins_per_address),
        logins_per_account=limit(gate.logins_per_account),
    )


def http_settings(section: GateSection) -> HttpSettings:
    """Bounds of the public HTTP listener."""
    return HttpSettings(
        max_body=section.max_body,
        request_timeout=section.request_timeout,
        max_connections=section.max_connections,
        connections_per_peer=section.connections_per_address,
        requests_per_peer=limit(section.requests_per_address),
    )


def hash_parameters(section: GateSection) -> HashParameters:
    """argon2id's cost."""
    hashing = section.hashing
    return HashParameters(hashing.memory_kib, hashing.passes, hashing.lanes)


def verify_settings(section: VerifySection) -> VerifySettings:
    """The rules for codes."""
    return VerifySettings(
        code_lifetime_ms=section.code_lifetime * 1000,
        max_tries=section.max_tries,
        mail_interval_ms=section.mail_interval * 1000,
        mails_per_day=section.mails_per_day,
    )


def status_settings(section: StatusSection) -> StatusSettings:
    """Placement and sessions."""
    return StatusSettings(section.report_interval * 1000, session_lifetime_ms(section))


def mysql_settings(section: DatabaseSection) -> MysqlSettings:
    """How to reach the cluster's database.

    Raises:
        StartupError: none is configured, or its password is missing or cannot be used.
    """
    if not section.host and section.socket is None:
        raise StartupError("no database is configured: set database.host (or database.socket), user, password and name")
    password = secrets.secret_of(section.password, section.password_file, "database.password")
    if not password and section.socket is None:
        raise StartupError("database.password is missing: set it, or database.password_file")
    return MysqlSettings(
        host=section.host or "localhost",
        port=section.port,
        user=section.user,
        password=password,
        database=section.name,
        socket=section.socket,
        ca_file=section.ca_file,
        readers=section.readers,
        writers=section.writers,
        flushers=section.flushers,
        connect_timeout_ms=section.connect_timeout * 1000,
        allow_not_durable=section.allow_not_durable,
    )


def redis_settings(section: RedisSection) -> RedisSettings:
    """How to reach the cluster's Redis.

    Raises:
        StartupError: none is configured, or a password is missing or cannot be used.
    """
    places = section.sentinels or ((section.endpoint,) if section.endpoint else ())
    if not places:
        raise StartupError('no Redis is configured: set redis.endpoint, for example "tcp:127.0.0.1:6379"')
    password = secrets.secret_of(section.password, section.password_file, "redis.password")
    if not password and not all(map(stays_here, places)):
        raise StartupError("redis.password is missing: a Redis that other machines can reach needs one")
    sentinel_password = secrets.secret_of(
        section.sentinel_password, section.sentinel_password_file, "redis.sentinel_password"
    )
    # Importing it needs the reactor to be installed.
    from imchat.net.redis import RedisSettings

    return RedisSettings(
        endpoint=section.endpoint,
        username=section.username,
        password=password,
        db=section.db,
        prefix=section.prefix,
        pool_size=section.pool_size,
        timeout=section.timeout,
        sentinels=section.sentinels,
        master_name=section.master_name,
        sentinel_username=section.sentinel_username,
        sentinel_password=sentinel_password,
    )


def _rates(section: LimitsSection | AccountLimitsSection) -> Rates:
    return Rates(**{group.name.lower(): limit(getattr(section, group.name.lower())) for group in Group})


def retention(section: RetentionSection) -> tuple[tuple[int, int], ...]:
    """(kind, days) of those kinds of messages that are not kept for ever."""
    kept = ((kind, getattr(section, kind.name.lower())) for kind in ContentKind if is_message(kind))
    return tuple((int(kind), days) for kind, days in kept if days)


def chat_settings(config: Config) -> ChatSettings:
    """Bounds of a chat node."""
    chat: ChatSection = config.chat
    return ChatSettings(
        contacts=ContactsPolicy(chat.contacts),
        contact_requests=Limit(chat.contact_requests_per_day, DAY_MS),
        max_connections=chat.max_connections,
        connections_per_address=chat.connections_per_address,
        hello_timeout=chat.hello_timeout,
        idle_timeout=chat.idle_timeout,
        stall_timeout=chat.stall_timeout,
        limits=_rates(chat.limits),
        account_limits=_rates(chat.account_limits),
        max_pending=chat.max_pending,
        max_pending_bytes=chat.max_pending_bytes,
        report_interval=config.status.report_interval,
        presence_refresh=chat.presence_refresh,
        drain_timeout=chat.drain_timeout,
        retention=retention(config.retention),
    )


def smtp_settings(section: SmtpSection) -> SmtpSettings:
    """How to reach the mail server, with password and certificates read from their files.

    Raises:
        StartupError: a file cannot be read or is empty.
    """
    password = secrets.from_file(section.password_file, "verify.smtp.password_file")
    ca_pem = secrets.read(section.ca_file, "verify.smtp.ca_file") if section.ca_file is not None else None
    return SmtpSettings(
        host=section.host,
        port=section.port,
        security=section.security,
        username=section.username,
        password=password,
        ca_pem=ca_pem,
        sender=section.sender,
        timeout_ms=section.timeout * 1000,
    )
