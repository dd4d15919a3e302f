"""What can be told of a configuration without starting a server: ``imchat config check``."""

from __future__ import annotations

from collections.abc import Callable

from imchat import startup
from imchat.assemble import settings as mapped
from imchat.config import Config, ConfigError
from imchat.startup import StartupError


def check_values(config: Config) -> None:
    """Check what the values of a configuration point to: files, and addresses that clients are to be told.

    Raises:
        ConfigError: one line for each fault.
    """
    checks: tuple[Callable[[], object], ...] = (
        lambda: startup.check_files(config.gate.listen, "gate.listen"),
        lambda: startup.check_files(config.chat.listen, "chat.listen"),
        lambda: startup.check_files(config.server.metrics, "server.metrics"),
        lambda: startup.advertised(config.chat.listen, config.chat.advertise),
        lambda: mapped.smtp_settings(config.verify.smtp),
    )
    faults = []
    for check in checks:
        try:
            check()
        except StartupError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults))
