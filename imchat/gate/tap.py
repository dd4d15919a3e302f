"""``twistd imchat-gate``: the HTTP API: codes, registration, login and routes."""

from __future__ import annotations

from typing import ClassVar

from twisted.application.service import IService

from imchat.assemble import build_gate
from imchat.tap import WorkerOptions


class Options(WorkerOptions):
    """Options of a gate server."""

    server: ClassVar = "imchat-gate"
    longdesc = (
        "imchat-gate is the HTTP API: codes, registration, login and routes. "
        "It needs a cluster; on one machine use imchat, which holds all servers."
    )
    optParameters: ClassVar = [
        ["listen", "l", None, "Endpoint, for example tcp:8080 (gate.listen)."],
    ]
    shortcuts: ClassVar = {"node": "server.node", "listen": "gate.listen"}


def makeService(options: Options) -> IService:
    """Build the server; all that can fail is tried here, before ``twistd`` becomes a daemon.

    Raises:
        SystemExit: it cannot start; one line says what to change, and the exit code is 1.
    """
    return options.make(lambda config, reactor: build_gate(config, reactor, options.place, options.command()))
