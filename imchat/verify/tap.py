"""``twistd imchat-verify``: verification codes: makes, mails and checks them."""

from __future__ import annotations

from typing import ClassVar

from twisted.application.service import IService

from imchat.assemble import build_verify
from imchat.tap import ServerOptions


class Options(ServerOptions):
    """Options of a verify server."""

    server: ClassVar = "imchat-verify"
    longdesc = (
        "imchat-verify is verification codes: makes, mails and checks them. "
        "It needs a cluster; on one machine use imchat, which holds all servers."
    )
    optParameters: ClassVar = [
        ["listen", "l", None, "Endpoint for links, for example unix:/run/imchat/verify.sock (verify.listen)."],
    ]
    shortcuts: ClassVar = {"node": "server.node", "listen": "verify.listen"}


def makeService(options: Options) -> IService:
    """Build the server; all that can fail is tried here, before ``twistd`` becomes a daemon.

    Raises:
        SystemExit: it cannot start; one line says what to change, and the exit code is 1.
    """
    return options.make(build_verify)
