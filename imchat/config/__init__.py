"""The configuration: read once, from defaults, ``imchat.toml``, the environment and the command line, in that order
of precedence from weakest to strongest, into frozen objects. Nothing else in imchat reads settings.

In the environment ``IMCHAT_GATE__LISTEN`` is ``listen`` in the section ``[gate]``; on the command line it is
``--set gate.listen=...``.
"""

from imchat.config.cluster import DatabaseSection, LinksSection, RedisSection
from imchat.config.loading import ConfigError, load
from imchat.config.sections import (
    AccountLimitsSection,
    ChatSection,
    Config,
    GateSection,
    LimitsSection,
    Registration,
    RetentionSection,
    SmtpSection,
    StatusSection,
    VerifySection,
)
from imchat.config.values import Rate

__all__ = [
    "AccountLimitsSection",
    "ChatSection",
    "Config",
    "ConfigError",
    "DatabaseSection",
    "GateSection",
    "LimitsSection",
    "LinksSection",
    "Rate",
    "RedisSection",
    "Registration",
    "RetentionSection",
    "SmtpSection",
    "StatusSection",
    "VerifySection",
    "load",
]
