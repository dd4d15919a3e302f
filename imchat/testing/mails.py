"""A mail server that takes every mail and makes it a file."""

from __future__ import annotations

import email
import email.policy
import itertools
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Protocol
from twisted.mail.interfaces import IMessageDelivery, IMessageSMTP
from twisted.mail.smtp import ESMTP, SMTPFactory
from zope.interface import implementer


def readable(mail: bytes) -> bytes:
    """The same mail with its texts as they are, for whoever looks into the file: servers are sent base64."""
    message = email.message_from_bytes(mail, policy=email.policy.default.clone(cte_type="8bit", max_line_length=0))
    for part in message.walk():
        if part.get_content_maintype() == "text":
            text, subtype = part.get_content(), part.get_content_subtype()
            part.set_content(text, subtype=subtype, cte="8bit")
    return message.as_bytes()


@implementer(IMessageSMTP)
class _Mail:
    """One mail as it comes in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        """Twisted: one line of it."""
        self._lines.append(line)

    def eomReceived(self) -> Deferred[None]:
        """Twisted: that was all."""
        # Never half a mail under the name that is looked for.
        unfinished = self._path.with_suffix(".part")
        unfinished.write_bytes(readable(b"\n".join([*self._lines, b""])))
        unfinished.rename(self._path)
        return succeed(None)

    def connectionLost(self) -> None:
        """Twisted: it never came whole."""


@implementer(IMessageDelivery)
class _Delivery:
    """Takes every mail, from whomever to whomever."""

    def __init__(self, directory: Path, numbers: itertools.count[int]) -> None:
        self._directory = directory
        self._numbers = numbers

    def receivedHeader(self, helo: Any, origin: Any, recipients: Any) -> bytes:
        """Twisted: what is noted of the way of the mail."""
        return b"Received: by a mail server for tests"

    def validateFrom(self, helo: Any, origin: Any) -> Any:
        """Twisted: whether this sender may send."""
        return origin

    def validateTo(self, user: Any) -> Any:
        """Twisted: whether this recipient is known; what takes the mail."""
        return lambda: _Mail(self._directory / f"{next(self._numbers):06d}.eml")


class MailCatcher(SMTPFactory):
    """An SMTP server on the loopback interface, without TLS, in this process.

    Args:
        reactor: The reactor.
        directory: Where mails go, as ``NUMBER.eml``.
        port: TCP port.
    """

    noisy = False

    def __init__(self, reactor: Any, directory: Path, port: int) -> None:
        super().__init__()
        self._reactor = reactor
        self._directory = directory
        self._listening: IListeningPort | None = None
        self.port = port

    async def start(self) -> None:
        """Take mails from now on; the numbers go on where the last ones ended."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        last = max((int(path.stem) for path in self._directory.glob("*.eml") if path.stem.isdecimal()), default=0)
        self._delivery = _Delivery(self._directory, itertools.count(last + 1))
        endpoint = TCP4ServerEndpoint(self._reactor, self.port, interface="127.0.0.1")
        self._listening = await endpoint.listen(self)

    async def stop(self) -> None:
        """Take no more."""
        if self._listening is not None:
            stopped = self._listening.stopListening()
            self._listening = None
            if isinstance(stopped, Deferred):
                await stopped

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """Twisted: somebody brings a mail."""
        protocol = ESMTP()
        protocol.delivery = self._delivery
        protocol.factory = self
        protocol.timeout = self.timeout
        return protocol
