"""The verify server's side of links: its methods, over a :class:`imchat.ports.VerifyPort`."""

from __future__ import annotations

from collections.abc import Mapping

from imchat.net.links import messages
from imchat.net.links.door import Handler
from imchat.net.links.messages import Method
from imchat.net.links.plain import Fields, Plain
from imchat.ports import MailKind, Purpose, VerifyPort


class VerifyAdapter:
    """Reads what gates ask of a verify server, and writes its answers.

    Args:
        verify: The logic.

    Attributes:
        handlers: For :class:`imchat.net.links.server.LinkServer`.
    """

    def __init__(self, verify: VerifyPort) -> None:
        self._verify = verify
        self.handlers: Mapping[Method, Handler] = {
            messages.SEND_CODE: self._send_code,
            messages.CHECK_CODE: self._check_code,
        }

    async def _send_code(self, fields: Fields) -> Plain:
        valid_ms = await self._verify.send_code(
            fields.choice("purpose", Purpose),
            fields.text("address"),
            fields.choice("kind", MailKind),
            fields.text("language"),
        )
        return {"valid_ms": valid_ms}

    async def _check_code(self, fields: Fields) -> Plain:
        purpose = fields.choice("purpose", Purpose)
        await self._verify.check_code(purpose, fields.text("address"), fields.text("code"))
        return None
