"""Mails handed to a mail server by SMTP: one connection for each, ended within a bound whatever the server does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import IConnector, IOpenSSLClientConnectionCreator, IReactorTime
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.logger import Logger
from twisted.mail.smtp import (
    ESMTPSender,
    ESMTPSenderFactory,
    SMTPClient,
    SMTPClientError,
    SMTPProtocolError,
    SMTPTimeoutError,
)
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from imchat.domain.errors import Unavailable
from imchat.net.names import addresses_of
from imchat.ports import Ids, Mail
from imchat.verify.faults import explain
from imchat.verify.message import build, split_sender
from imchat.verify.settings import SmtpSettings

MAX_CONNECTIONS = 50
RETRY_AFTER_MS = 30_000

_log = Logger()


class _Sender(ESMTPSender):
    """Twisted's client, made safe against servers that go on talking after the outcome, or talk nonsense."""

    # The transcript would hold the password.
    debug = False

    def lineReceived(self, line: bytes) -> None:
        try:
            super().lineReceived(line)
        except Exception:
            # Such as an EHLO answer with an empty line; as an exception it would end in the log as a traceback.
            self.sendError(SMTPProtocolError(-1, b"an answer that cannot be read"))

    def sendError(self, exc: SMTPClientError) -> None:
        if self.factory.taken.called:
            SMTPClient.sendError(self, exc)
        else:
            super().sendError(exc)


class _Delivery(ESMTPSenderFactory):
    """One mail on its way.

    Attributes:
        taken: Fires with the outcome.
        closed: Fires when there is no connection any more, not later than ``taken`` where that is the reason.
        elsewhere: Tries the next address of the server, if there is one more.
    """

    noisy = False
    protocol = _Sender

    def __init__(self, settings: SmtpSettings, mail: Mail, data: bytes, context: Any, taken: Deferred[object]) -> None:
        super().__init__(
            settings.username.encode("utf-8"),
            settings.password.encode("utf-8"),
            split_sender(settings.sender).addr_spec,
            mail.to,
            BytesIO(data),
            taken,
            retries=0,
            contextFactory=context if settings.security == "starttls" else None,
            requireAuthentication=bool(settings.username),
            requireTransportSecurity=settings.security != "none",
        )
        self.taken = taken
        self.closed: Deferred[None] = Deferred()
        self.elsewhere: Callable[[], bool] = lambda: False

    def clientConnectionFailed(self, connector: IConnector | None, err: Failure) -> None:
        if not self.taken.called and self.elsewhere():
            return
        self.closed.callback(None)
        super().clientConnectionFailed(connector, err)

    def clientConnectionLost(self, connector: IConnector, err: Failure) -> None:
        self.closed.callback(None)
        super().clientConnectionLost(connector, err)

    def give_up(self, error: SMTPClientError) -> None:
        """Let the mail fail if its outcome is not known yet."""
        if not self.taken.called:
            self.sendFinished = True
            self.taken.errback(error)


class SmtpMailer:
    """The :class:`imchat.ports.Mailer` that speaks SMTP.

    The name in the server's certificate is checked against ``settings.host``.

    Args:
        reactor: Makes the connections, and knows the addresses of names.
        clock: For the time-out and the mails' dates.
        ids: For Message-IDs.
        settings: Where the server is, and what it wants.

    Raises:
        ValueError: ``settings`` have a sender that is no address, or a ``ca_pem`` without a certificate.
    """

    def __init__(self, reactor: Any, clock: IReactorTime, ids: Ids, settings: SmtpSettings) -> None:
        split_sender(settings.sender)
        self._reactor = reactor
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._context = None if settings.security == "none" else _context(settings)
        # No connector as long as the name is looked up.
        self._open: dict[_Delivery, IConnector | None] = {}

    async def send(self, mail: Mail) -> None:
        """Return when the server took the mail over.

        Raises:
            Unavailable: it did not, within the time-out; the log says why.
        """
        if len(self._open) >= MAX_CONNECTIONS:
            raise self._failed(mail, f"{MAX_CONNECTIONS} mails are on their way to it already")
        taken: Deferred[object] = Deferred()
        try:
            now_ms = int(self._clock.seconds() * 1000)
            data = build(mail, self._settings.sender, self._ids.client_id().hex(), now_ms)
            delivery = _Delivery(self._settings, mail, data, self._context, taken)
        except ValueError as error:
            raise self._failed(mail, f"the mail cannot be written: {error}") from error
        self._start(delivery)
        try:
            await taken
        except SMTPClientError as error:
            raise self._failed(mail, explain(error, mail.to)) from error

    async def stop(self) -> None:
        """End what is on its way, and return when no connection is left."""
        closed = [delivery.closed for delivery in self._open]
        for delivery in list(self._open):
            self._abort(delivery)
        await gatherResults(closed)

    def _start(self, delivery: _Delivery) -> None:
        settings = self._settings
        deadline = self._clock.callLater(settings.timeout_ms / 1000, self._abort, delivery)
        self._open[delivery] = None

        def closed(_: None) -> None:
            del self._open[delivery]
            if deadline.active():
                deadline.cancel()

        delivery.closed.addCallback(closed)
        addresses_of(self._reactor, settings.host, settings.port).addCallback(self._resolved, delivery)

    def _resolved(self, hosts: list[str], delivery: _Delivery) -> None:
        if delivery not in self._open:
            return
        if not hosts:
            delivery.clientConnectionFailed(None, Failure(DNSLookupError(self._settings.host)))
            return
        delivery.elsewhere = partial(self._connect, delivery, iter(hosts), len(hosts))
        delivery.elsewhere()

    def _connect(self, delivery: _Delivery, hosts: Iterator[str], count: int) -> bool:
        """Connect to the next address; return False where there is none."""
        host = next(hosts, None)
        if host is None:
            return False
        factory: Any = delivery
        if self._settings.security == "tls" and self._context is not None:
            factory = TLSMemoryBIOFactory(self._context, True, delivery)
        # One address that nobody answers at must leave time for the next.
        seconds = self._settings.timeout_ms / 1000 / count
        self._open[delivery] = self._reactor.connectTCP(host, self._settings.port, factory, timeout=seconds)
        return True

    def _abort(self, delivery: _Delivery) -> None:
        connector: Any = self._open[delivery]
        if connector is None:
            delivery.closed.callback(None)
            delivery.give_up(SMTPTimeoutError(-1, b"the time is up"))
            return
        delivery.give_up(SMTPTimeoutError(-1, b"the time is up"))
        if connector.state == "connected":
            # disconnect() would wait for what was written, and a hanging server never reads it.
            connector.transport.abortConnection()
        else:
            connector.disconnect()

    def _failed(self, mail: Mail, reason: str) -> Unavailable:
        _log.error(
            "the mail server {host}:{port} did not take a mail to an address at {domain}: {reason}",
            host=self._settings.host,
            port=self._settings.port,
            domain="".join(filter(str.isprintable, mail.to.rpartition("@")[2])),
            reason=reason,
        )
        return Unavailable("the mail could not be sent", RETRY_AFTER_MS)


def _context(settings: SmtpSettings) -> IOpenSSLClientConnectionCreator:
    if settings.ca_pem is None:
        return optionsForClientTLS(settings.host)
    certificates = load_pem_x509_certificates(settings.ca_pem)
    roots = [Certificate.load(certificate.public_bytes(Encoding.DER)) for certificate in certificates]
    return optionsForClientTLS(settings.host, trustRoot=trustRootFromCertificates(roots))
