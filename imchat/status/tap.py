"""``twistd imchat-status``: the directory of chat nodes: placement and session tokens."""

from __future__ import annotations

from typing import ClassVar

from twisted.application.service import IService

from imchat.assemble import build_status
from imchat.tap import ServerOptions


class Options(ServerOptions):
    """Options of a status server."""

    server: ClassVar = "imchat-status"
    longdesc = (
        "imchat-status is the directory of chat nodes: placement and session tokens. "
        "It needs a cluster; on one machine use imchat, which holds all servers."
    )
    optParameters: ClassVar = [
        ["listen", "l", None, "Endpoint for links, for example unix:/run/imchat/status.sock (status.listen)."],
    ]
    shortcuts: ClassVar = {"node": "server.node", "listen": "status.listen"}


def makeService(options: Options) -> IService:
    """Build the server; all that can fail is tried here, before ``twistd`` becomes a daemon.

    Raises:
        SystemExit: it cannot start; one line says what to change, and the exit code is 1.
    """
    return options.make(build_status)
