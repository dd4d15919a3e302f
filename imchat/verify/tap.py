"""``twistd imchat-verify``: verification codes: makes, mails and checks them."""

from __future__ import annotations

from twisted.application.service import IService

from imchat.tap import ConfigOptions, refuse_single_server


class Options(ConfigOptions):
    """Options of a verify server."""

    synopsis = "[options]"
    longdesc = (
        "imchat-verify is verification codes: makes, mails and checks them. "
        "It needs a cluster; on one machine use imchat, which holds all servers."
    )


def makeService(options: Options) -> IService:
    """Check the configuration, then tell what is missing.

    Raises:
        SystemExit: always, with one line: a server of its own needs the cluster's database and links.
    """
    options.load()
    return refuse_single_server("imchat-verify")
