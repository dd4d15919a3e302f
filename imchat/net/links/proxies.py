"""The ports of status and verify for those who reach these servers over links."""

from __future__ import annotations

from imchat.domain.models import Device, Login, NodeReport, Route, Session
from imchat.net.links import messages
from imchat.net.links.pool import Links
from imchat.ports import MailKind, Purpose


class RemoteStatus:
    """The :class:`imchat.ports.StatusPort` over links.

    Every method may raise ``Unavailable`` where no status server answers; the same call may then be made again.

    Args:
        links: To the status servers.
    """

    def __init__(self, links: Links) -> None:
        self._links = links

    async def report(self, report: NodeReport) -> None:
        """Tell every status server that is linked how loaded a chat node is.

        Raises:
            Unavailable: none took the report.
        """
        await self._links.broadcast(messages.REPORT, {"report": messages.pack_report(report)})

    async def open_session(self, user_id: int, name: str, device: Device, token: bytes) -> Login:
        """Open a session for a new token and pick a node."""
        fields = {"user_id": user_id, "name": name, "device": messages.pack_device(device), "token": token}
        return await self._links.ask(messages.OPEN_SESSION, fields, messages.unpack_login)

    async def authenticate(self, token: str) -> Session:
        """The session of a token.

        Raises:
            Unauthenticated: it is wrong, expired or ended.
        """
        return await self._links.ask(messages.AUTHENTICATE, {"token": token}, messages.unpack_session)

    async def route(self, token: str) -> tuple[Session, Route, int]:
        """Session, chat nodes and expiry (ms UTC) for a valid token.

        Raises:
            Unauthenticated: as in :meth:`authenticate`.
        """
        return await self._links.ask(messages.ROUTE, {"token": token}, messages.unpack_routed)

    async def end_session(self, token: str) -> None:
        """Log out. A token that is not valid (any more) is no error."""
        await self._links.call(messages.END_SESSION, {"token": token})

    async def end_all_sessions(self, user_id: int, reason: str) -> None:
        """End every session of a user, immediately on all nodes."""
        await self._links.call(messages.END_ALL_SESSIONS, {"user_id": user_id, "reason": reason})

    async def end_other_sessions(self, user_id: int, device_id: str, reason: str) -> None:
        """End every session of a user but that of one device, immediately on all nodes."""
        fields = {"user_id": user_id, "device_id": device_id, "reason": reason}
        await self._links.call(messages.END_OTHER_SESSIONS, fields)


class RemoteVerify:
    """The :class:`imchat.ports.VerifyPort` over links.

    Where a verify server was asked and did not answer, both methods raise ``Unavailable`` and ask no other: a mail
    must not be sent twice, and a code that was used up by the first would be called wrong by the second. The person
    then asks for another code.

    Args:
        links: To the verify servers.
        mail_timeout: For one mail, in seconds: somewhat more than the verify servers' own for the mail server.
    """

    def __init__(self, links: Links, mail_timeout: float = 15.0) -> None:
        self._links = links
        self._mail_timeout = mail_timeout

    async def send_code(self, purpose: Purpose, address: str, kind: MailKind, language: str) -> int:
        """Mail a code, or by ``kind`` the reason why there is none, to an address.

        Returns:
            For how long a code is valid, in ms.

        Raises:
            RateLimited: the address had its mails.
            Unavailable: the mail was not taken, or it is unknown whether it was.
        """
        fields = {"purpose": purpose.value, "address": address, "kind": kind.value, "language": language}
        return await self._links.ask(
            messages.SEND_CODE, fields, lambda answer: answer.integer("valid_ms"), self._mail_timeout
        )

    async def check_code(self, purpose: Purpose, address: str, code: str) -> None:
        """Use a code up.

        Raises:
            CodeInvalid: wrong, used, void or expired.
            Unavailable: it is unknown whether the code was used up.
        """
        await self._links.call(messages.CHECK_CODE, {"purpose": purpose.value, "address": address, "code": code})
