"""Why a mail server did not take a mail, in one line for the operator that says what to change.

Nothing here repeats a password, a code, or the local part of an address; the transcript of the session is never read.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from service_identity import CertificateError, VerificationError
from twisted.internet.error import ConnectError, ConnectionRefusedError, DNSLookupError
from twisted.mail.smtp import (
    AUTHDeclinedError,
    AuthenticationError,
    AUTHRequiredError,
    EHLORequiredError,
    SMTPClientError,
    SMTPConnectError,
    SMTPDeliveryError,
    SMTPProtocolError,
    SMTPTimeoutError,
    TLSRequiredError,
)
from twisted.mail.smtp import TLSError as StartTLSRefused

_MAX_ANSWER = 200

# The first class that fits decides, so the special ones come before the general ones.
_SESSION: tuple[tuple[type[SMTPClientError], str], ...] = (
    (SMTPTimeoutError, "it did not take the mail within verify.smtp.timeout"),
    (EHLORequiredError, "it does not know EHLO, so it can neither encrypt nor authenticate; see verify.smtp.security"),
    (
        AUTHRequiredError,
        "it offers no authentication that is known here (CRAM-MD5, LOGIN, PLAIN); see verify.smtp.username and"
        " verify.smtp.security",
    ),
    (AUTHDeclinedError, "it refused the login; check verify.smtp.username and the file verify.smtp.password_file"),
    (AuthenticationError, "the login failed; check verify.smtp.username and the file verify.smtp.password_file"),
    (
        TLSRequiredError,
        "it does not offer STARTTLS; set verify.smtp.security to tls (usual on port 465), or to none if nobody else"
        " can read that network",
    ),
    (StartTLSRefused, "it refused to begin TLS; try verify.smtp.security = tls (usual on port 465)"),
)

_CONNECTION: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "nothing listens there; check verify.smtp.host and verify.smtp.port"),
    (DNSLookupError, "its name is not known; check verify.smtp.host"),
    (ConnectError, "it cannot be reached; check verify.smtp.host, verify.smtp.port and the network"),
    (VerificationError, "its certificate is for another name; check verify.smtp.host"),
    (CertificateError, "its certificate is for another name; check verify.smtp.host"),
)


def explain(error: SMTPClientError, recipient: str) -> str:
    """Return what is wrong and what may mend it.

    Args:
        error: What Twisted's client reported.
        recipient: Taken out of the server's own words.
    """
    if isinstance(error, SMTPDeliveryError):
        return _refusal(error, recipient)
    for kind, text in _SESSION:
        if isinstance(error, kind):
            return text
    if isinstance(error, SMTPConnectError):
        return _connection(error, recipient)
    if isinstance(error, SMTPProtocolError):
        return "its answer is not SMTP; check verify.smtp.port and verify.smtp.security"
    return f"it answered {error.code}: {_words(error.resp, recipient)}"


def _refusal(error: SMTPDeliveryError, recipient: str) -> str:
    addresses: Any = error.addresses
    if not addresses:
        what = "it refused the sender or the mail; check verify.smtp.sender"
        return f"{what} ({error.code} {_words(error.resp, recipient)})"
    _, code, answer = addresses[0]
    if 200 <= code < 300:
        return f"it refused the mail ({error.code} {_words(error.resp, recipient)})"
    return f"it refused the recipient ({code} {_words(answer, recipient)})"


def _connection(error: SMTPConnectError, recipient: str) -> str:
    if error.code >= 0:
        return f"it refused the connection ({error.code} {_words(error.resp, recipient)})"
    cause = error.__cause__
    for kind, text in _CONNECTION:
        if isinstance(cause, kind):
            return text
    if isinstance(cause, SSL.Error):
        return _tls(cause)
    return "it closed the connection before it took the mail"


def _tls(error: SSL.Error) -> str:
    arguments: Any = error.args
    entries = arguments[0] if arguments and isinstance(arguments[0], list) else []
    reasons = [str(reason) for _, _, reason in entries]
    if any("certificate verify failed" in reason for reason in reasons):
        return (
            "its certificate is expired or not signed by an authority that is trusted here; for a private one set"
            " verify.smtp.ca_file"
        )
    return f"TLS failed ({', '.join(reasons) or 'no reason given'}); check verify.smtp.port and verify.smtp.security"


def _words(answer: bytes | str, recipient: str) -> str:
    """What the server said, in one short line, without the address."""
    text = answer.decode("ascii", "replace") if isinstance(answer, bytes) else answer
    local, _, domain = recipient.rpartition("@")
    text = text.replace(recipient, f"...@{domain}").replace(local, "...") if local else text
    return "".join(character if character.isprintable() else " " for character in text)[:_MAX_ANSWER]
