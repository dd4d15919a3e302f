"""The status server's side of links: its methods, over a :class:`imchat.ports.StatusPort`."""

from __future__ import annotations

from collections.abc import Mapping

from imchat.net.links import messages
from imchat.net.links.door import Handler
from imchat.net.links.messages import Method
from imchat.net.links.plain import Fields, Plain
from imchat.ports import StatusPort


class StatusAdapter:
    """Reads what gates and chat nodes ask of a status server, and writes its answers.

    Args:
        status: The logic.

    Attributes:
        handlers: For :class:`imchat.net.links.server.LinkServer`.
    """

    def __init__(self, status: StatusPort) -> None:
        self._status = status
        self.handlers: Mapping[Method, Handler] = {
            messages.REPORT: self._report,
            messages.OPEN_SESSION: self._open_session,
            messages.AUTHENTICATE: self._authenticate,
            messages.ROUTE: self._route,
            messages.END_SESSION: self._end_session,
            messages.END_ALL_SESSIONS: self._end_all_sessions,
            messages.END_OTHER_SESSIONS: self._end_other_sessions,
        }

    async def _report(self, fields: Fields) -> Plain:
        await self._status.report(messages.unpack_report(fields.inner("report")))
        return None

    async def _open_session(self, fields: Fields) -> Plain:
        device = messages.unpack_device(fields.inner("device"))
        user_id, name, token = fields.integer("user_id"), fields.text("name"), fields.data("token")
        return messages.pack_login(await self._status.open_session(user_id, name, device, token))

    async def _authenticate(self, fields: Fields) -> Plain:
        return messages.pack_session(await self._status.authenticate(fields.text("token")))

    async def _route(self, fields: Fields) -> Plain:
        return messages.pack_routed(*await self._status.route(fields.text("token")))

    async def _end_session(self, fields: Fields) -> Plain:
        await self._status.end_session(fields.text("token"))
        return None

    async def _end_all_sessions(self, fields: Fields) -> Plain:
        await self._status.end_all_sessions(fields.integer("user_id"), fields.text("reason"))
        return None

    async def _end_other_sessions(self, fields: Fields) -> Plain:
        user_id, device_id = fields.integer("user_id"), fields.text("device_id")
        await self._status.end_other_sessions(user_id, device_id, fields.text("reason"))
        return None
