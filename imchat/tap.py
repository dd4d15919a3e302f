"""``twistd imchat``: the embedded server, with options; also what the options of all servers have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from twisted.application.service import IService
from twisted.internet import reactor as default_reactor
from twisted.python.usage import Options as UsageOptions

from imchat.assemble import Place, build_embedded
from imchat.config import Config, ConfigError, load
from imchat.startup import DirectoryLock, StartupError, node_name


class ConfigOptions(UsageOptions):
    """Options that every server of imchat has."""

    optParameters: ClassVar = [
        ["config", "c", None, "Configuration file (TOML); without one the defaults hold."],
        [
            "metrics",
            None,
            None,
            "Endpoint for Prometheus, for example tcp:9090:interface=127.0.0.1 (server.metrics).",
        ],
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

    def assignments(self) -> list[str]:
        """All settings of the command line, the shorter options too."""
        shortcuts = {"metrics": "server.metrics", **self.shortcuts}
        chosen = [f"{key}={self[option]}" for option, key in shortcuts.items() if self[option] is not None]
        return [*self["assignments"], *chosen]

    def load(self) -> Config:
        """Read the configuration that these options name.

        Raises:
            SystemExit: it cannot be used; the text says why.
        """
        path = Path(self["config"]) if self["config"] else None
        try:
            return load(path, self.assignments())
        except ConfigError as error:
            raise SystemExit(f"imchat: {error}") from error


class ServerOptions(ConfigOptions):
    """Options that the servers of a cluster have.

    Attributes:
        server: Name of the server, as ``twistd`` knows it.
    """

    server: ClassVar[str]
    synopsis = "[options]"
    optParameters: ClassVar = [
        ["node", "n", None, "Name of this server among those of its kind; default: the machine's (server.node)."],
    ]

    def postOptions(self) -> None:
        """Twisted: everything is parsed. Servers on one machine get files of their own, named after the node."""
        if self.parent is None or self.get("worker"):
            return
        name = f"{self.server}-{node_name(self.load().server.node)}"
        if self.parent.get("pidfile") == "twistd.pid":
            self.parent["pidfile"] = f"{name}.pid"
        if not any(self.parent.get(option) for option in ("logfile", "nodaemon", "syslog", "logger")):
            self.parent["logfile"] = f"{name}.log"

    def make(self, build: Callable[[Config, Any], IService]) -> IService:
        """Build the server.

        Raises:
            SystemExit: it cannot start; one line says what to change, and the exit code is 1.
        """
        try:
            return build(self.load(), default_reactor)
        except StartupError as error:
            raise SystemExit(f"{self.server}: {error}") from error


class WorkerOptions(ServerOptions):
    """Options of those servers that can run in several processes."""

    optParameters: ClassVar = [
        ["worker", None, None, "Number of a worker; only the parent of workers uses it."],
    ]

    @property
    def place(self) -> Place:
        """Which process of the server this is."""
        number = self["worker"] or "0"
        if not number.isdecimal():
            raise SystemExit(f"{self.server}: --worker must be a number")
        return Place(int(number))

    def command(self) -> list[str]:
        """The command line that starts a worker, but for its number."""
        # twistd may change the directory, and its script need not be on the path.
        start = f"import os; os.chdir({str(Path.cwd())!r}); from twisted.scripts.twistd import run; run()"
        options = [f"--config={self['config']}"] if self["config"] else []
        options += [f"--set={assignment}" for assignment in self.assignments()]
        return [sys.executable, "-c", start, "--nodaemon", "--pidfile=", self.server, *options]


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

    def postOptions(self) -> None:
        """Twisted: everything is parsed. A second server is told here, before ``twistd`` looks at its pid file."""
        if self.parent is not None:
            try:
                DirectoryLock(self.load().server.data_dir.absolute()).refuse_if_held()
            except StartupError as error:
                raise SystemExit(f"imchat: {error}") from error


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
