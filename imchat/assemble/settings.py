"""From the configuration to the settings that each part takes: parts do not know the configuration."""

from __future__ import annotations

from pathlib import Path

from imchat.assemble import secrets
from imchat.chat.settings import ChatSettings
from imchat.config import ChatSection, Config, GateSection, Rate, SmtpSection, StatusSection, VerifySection
from imchat.domain.accounts import RegistrationMode
from imchat.domain.sessions import DAY_MS
from imchat.gate.hashing import HashParameters
from imchat.gate.logic import GatePolicy
from imchat.gate.settings import HttpSettings
from imchat.ports import Limit
from imchat.status.settings import StatusSettings
from imchat.verify.settings import SmtpSettings, VerifySettings


def with_directory(config: Config, data_dir: Path) -> Config:
    """The configuration with its data directory, and the operator's socket, at an absolute path."""
    admin = config.admin.model_copy(update={"socket": (config.admin.socket or data_dir / "admin.sock").absolute()})
    server = config.server.model_copy(update={"data_dir": data_dir})
    return config.model_copy(update={"server": server, "admin": admin})


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


def chat_settings(config: Config) -> ChatSettings:
    """Bounds of a chat node."""
    chat: ChatSection = config.chat
    return ChatSettings(
        max_connections=chat.max_connections,
        connections_per_address=chat.connections_per_address,
        hello_timeout=chat.hello_timeout,
        idle_timeout=chat.idle_timeout,
        stall_timeout=chat.stall_timeout,
        messages=limit(chat.messages_per_session),
        requests=limit(chat.requests_per_session),
        lookups=limit(chat.lookups_per_session),
        max_pending=chat.max_pending,
        max_pending_bytes=chat.max_pending_bytes,
        report_interval=config.status.report_interval,
        drain_timeout=chat.drain_timeout,
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
