"""``twistd imchat``: the embedded server, with options; also what the options of all servers have in common."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NoReturn

from twisted.application.service import IService
from twisted.internet import reactor as default_reactor
from twisted.python.usage import Options as UsageOptions

from imchat.assemble import build_embedded
from imchat.config import Config, ConfigError, load
from imchat.startup import StartupError


class ConfigOptions(UsageOptions):
    """Options that every server of imchat has."""

    optParameters: ClassVar = [
        ["config", "c", None, "Configuration file (TOML); without one the defaults hold."],
    ]

    # What an option of the command line stands for in the configuration.
    shortcuts: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        super().__init__()
        self["assignments"] = []

    def opt_set(self, assignment: str) -> None:
        """Override one setting: SECTION.KEY=VALUE, for example gate.registration=closed. May be repeated."""
        self["assignments"].append(assignment)

    opt_s = opt_set

    def load(self) -> Config:
        """Read the configuration that these options name.

        Raises:
            SystemExit: it cannot be used; the text says why.
        """
        chosen = [f"{key}={self[option]}" for option, key in self.shortcuts.items() if self[option] is not None]
        path = Path(self["config"]) if self["config"] else None
        try:
            return load(path, [*self["assignments"], *chosen])
        except ConfigError as error:
            raise SystemExit(f"imchat: {error}") from error


def refuse_single_server(name: str) -> NoReturn:
    """Tell that this release runs the servers in one process only.

    Raises:
        SystemExit: with one line that says what to do instead.
    """
    raise SystemExit(
        f"{name}: a server of its own needs a cluster (MariaDB, Redis, links between servers), which this release "
        "cannot run yet; use twistd imchat, which holds all four servers"
    )


class Options(ConfigOptions):
    """Options of the embedded server."""

    synopsis = "[options]"
    longdesc = (
        "The whole of imchat in one process, on SQLite, with no other service. Without options it keeps its data "
        "in ./imchat-data, serves HTTP on 127.0.0.1:8080 and chat on 127.0.0.1:8090."
    )
    optParameters: ClassVar = [
        ["data", "d", None, "Directory of the database and of mails (server.data_dir)."],
        ["http", None, None, "Endpoint of the HTTP API, for example tcp:8080 (gate.listen)."],
        ["chat", None, None, "Endpoint of the chat node, for example tcp:8090 (chat.listen)."],
        ["advertise", None, None, "HOST:PORT of the chat node as clients reach it (chat.advertise)."],
    ]
    shortcuts: ClassVar = {
        "data": "server.data_dir",
        "http": "gate.listen",
        "chat": "chat.listen",
        "advertise": "chat.advertise",
    }


def makeService(options: Options) -> IService:
    """Build the embedded server; all that can fail is tried here, before ``twistd`` becomes a daemon.

    Raises:
        SystemExit: it cannot start; one line says what to change, and the exit code is 1.
    """
    config = options.load()
    try:
        return build_embedded(config, default_reactor)
    except StartupError as error:
        raise SystemExit(f"imchat: {error}") from error
