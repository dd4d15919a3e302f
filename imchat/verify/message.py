"""A mail as RFC 5322 bytes, by the standard library."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal

from imchat.ports import Mail

_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+@[A-Za-z0-9.-]+|[!#-'*+\-/-9=?A-Z^-~.]+@\[[A-Fa-f0-9.:]+\]")
_POLICY = SMTP.clone(linesep="\n")

Transfer = Literal["base64", "8bit"]


class BadAddress(ValueError):
    """A text that is no plain ASCII address; the message does not repeat it."""


def plain_address(text: str) -> str:
    """Return an address that can stand in an SMTP command and in a header as it is.

    Raises:
        BadAddress: it is anything else, such as one with a line end or a character beyond ASCII.
    """
    if not _ADDRESS.fullmatch(text):
        raise BadAddress("is not a plain ASCII e-mail address")
    return text


def split_sender(sender: str) -> Address:
    """Return the sender's name and address.

    Raises:
        BadAddress: there is no plain address in it.
    """
    name, address = parseaddr(sender)
    if any(ord(character) < 32 for character in sender):
        raise BadAddress("has a control character")
    return Address(name, addr_spec=plain_address(address))


def build(mail: Mail, sender: str, unique: str, now_ms: int, transfer: Transfer = "base64") -> bytes:
    """Return a mail as bytes, its lines ended by ``\\n``.

    Args:
        mail: What to say, and to whom.
        sender: ``From``.
        unique: Characters that no other mail has, for its ``Message-ID``.
        now_ms: Its date, ms UTC.
        transfer: How the text is encoded; with ``8bit`` people can read the bytes, ``base64`` passes everywhere.

    Raises:
        BadAddress: sender or recipient is no plain address.
        ValueError: a line end in a value that becomes a header.
    """
    origin = split_sender(sender)
    message = EmailMessage(policy=_POLICY)
    message["From"] = origin
    message["To"] = Address(addr_spec=plain_address(mail.to))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))
    message["Message-ID"] = f"<{unique}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte=transfer)
    message.add_alternative(mail.html, subtype="html", cte=transfer)
    # Last: add_alternative moves every Content header into the first part.
    message["Content-Language"] = mail.language
    return message.as_bytes()
