"""The user's own sessions, one for each device."""

from __future__ import annotations

from collections.abc import Iterable

from imchat.client.requests import Call
from imchat.client.translate import own_session
from imchat.client.values import OwnSession
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame


class Devices:
    """Lists and ends the user's sessions.

    Args:
        call: Makes a request to the chat node.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    async def all(self) -> tuple[OwnSession, ...]:
        """Every session of the user."""
        answer = await self._call(Frame(list_sessions=pb.ListSessions()))
        return tuple(map(own_session, answer.session_list.sessions))

    async def end(self, device_ids: Iterable[str]) -> None:
        """End the sessions of these devices, at once and everywhere."""
        await self._call(Frame(end_sessions=pb.EndSessions(device_ids=device_ids)))

    async def end_others(self) -> None:
        """End all sessions but this one."""
        await self._call(Frame(end_sessions=pb.EndSessions(all_others=True)))
