"""``twistd imchat-chat``: a chat node: long connections, messages and history."""

from __future__ import annotations

from twisted.application.service import IService

from imchat.tap import ConfigOptions, refuse_single_server


class Options(ConfigOptions):
    """Options of a chat server."""

    synopsis = "[options]"
    longdesc = (
        "imchat-chat is a chat node: long connections, messages and history. "
        "It needs a cluster; on one machine use imchat, which holds all servers."
    )


def makeService(options: Options) -> IService:
    """Check the configuration, then tell what is missing.

    Raises:
        SystemExit: always, with one line: a server of its own needs the cluster's database and links.
    """
    options.load()
    return refuse_single_server("imchat-chat")
