"""What the verify server is told by its configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """The rules for codes.

    Attributes:
        code_lifetime_ms: How long a code is valid.
        max_tries: After so many wrong tries a code is void.
        mail_interval_ms: One address gets one mail in this time,
        mails_per_day: and so many in 24 hours.
    """

    code_lifetime_ms: int = 300_000
    max_tries: int = 5
    mail_interval_ms: int = 60_000
    mails_per_day: int = 20


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How to reach the mail server.

    Attributes:
        host: Its name; the server's certificate must be for it.
        port: TCP port.
        security: ``starttls``: TLS is begun in plain SMTP, and without it nothing is sent. ``tls``: TLS from the first
            byte. ``none``: no TLS.
        username: Empty for no authentication.
        password: For ``username``.
        ca_pem: Certificates of the authorities to trust, PEM; None means those of the system.
        sender: ``From``: an address, with or without a name in front.
        timeout_ms: For one mail altogether, from connecting to the server's taking it over.
    """

    host: str
    port: int = 587
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_pem: bytes | None = None
    sender: str = "imchat@localhost"
    timeout_ms: int = 10_000
