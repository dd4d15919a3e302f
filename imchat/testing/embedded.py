"""The embedded server as a child process."""

from __future__ import annotations

import email
import email.policy
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imchat.testing.processes import Child, free_port

# The twistd script may not be on the path of a program that runs in a virtual environment without activating it.
TWISTD = (sys.executable, "-c", "from twisted.scripts.twistd import run; run()", "--nodaemon", "--pidfile=")

READY = "imchat is ready"
"""What a server logs when it takes connections."""


class EmbeddedServer(Child):
    """An embedded server on free ports of the loopback interface.

    Args:
        reactor: A reactor that can start processes.
        directory: Where its data goes; the same directory finds the same data again.
        settings: ``section.key=value`` as for ``--set``; ``chat.contacts=open`` comes before them.
    """

    def __init__(self, reactor: Any, directory: Path, settings: Iterable[str] = ()) -> None:
        self.directory = directory
        self.http_port, self.chat_port = free_port(), free_port()
        options = [f"--data={directory}", f"--http=tcp:{self.http_port}:interface=127.0.0.1"]
        options += [f"--chat=tcp:{self.chat_port}:interface=127.0.0.1"]
        # Strangers can talk, so that a test need not make them contacts first.
        options += [f"--set={setting}" for setting in ("chat.contacts=open", *settings)]
        super().__init__(reactor, [*TWISTD, "imchat", *options], READY)

    @property
    def url(self) -> str:
        """The base address of the gate."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def admin_socket(self) -> Path:
        """The operator's socket."""
        return self.directory / "admin.sock"

    def code_for(self, address: str) -> str:
        """The verification code in the newest mail to an address.

        Raises:
            LookupError: there is no mail with a code.
        """
        return code_in_outbox(self.directory / "outbox", address)


def code_in_outbox(outbox: Path, address: str) -> str:
    """The verification code in the newest mail to an address, from the files of an outbox.

    Raises:
        LookupError: there is no mail with a code.
    """
    for path in sorted(outbox.glob("*.eml"), reverse=True):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        body = mail.get_body(("plain",))
        found = re.search(r"(?<!\d)\d{6}(?!\d)", body.get_content() if body else "")
        if address in str(mail["To"]) and found:
            return found[0]
    raise LookupError(f"no mail with a code for {address}")
