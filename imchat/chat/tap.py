"""``twistd imchat-chat``: a chat node: long connections, messages and history."""

from __future__ import annotations

from typing import ClassVar

from twisted.application.service import IService

from imchat.assemble import build_chat
from imchat.tap import WorkerOptions


class Options(WorkerOptions):
    """Options of a chat server."""

    server: ClassVar = "imchat-chat"
    longdesc = (
        "imchat-chat is a chat node: long connections, messages and history. "
        "It needs a cluster; on one machine use imchat, which holds all servers."
    )
    optParameters: ClassVar = [
        ["listen", "l", None, "Endpoint, for example tcp:8090 (chat.listen)."],
        ["advertise", None, None, "HOST:PORT of the node as clients reach it (chat.advertise)."],
    ]
    shortcuts: ClassVar = {"node": "server.node", "listen": "chat.listen", "advertise": "chat.advertise"}


def makeService(options: Options) -> IService:
    """Build the server; all that can fail is tried here, before ``twistd`` becomes a daemon.

    Raises:
        SystemExit: it cannot start; one line says what to change, and the exit code is 1.
    """
    return options.make(lambda config, reactor: build_chat(config, reactor, options.place, options.command()))
