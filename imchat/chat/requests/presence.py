"""Presence: how one is, and how others are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imchat.chat.logic.connection import Live
from imchat.chat.requests.request import Request
from imchat.chat.translate import watched_frame
from imchat.wire import imchat_pb2 as pb

if TYPE_CHECKING:
    from imchat.chat.services import Services


async def watch_people(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Be told of people."""
    body = message.watch_people
    return watched_frame(await services.watching.watch(live, tuple(body.add), tuple(body.remove)))


async def set_presence(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Tell how one is."""
    services.attendance.change(live, int(message.set_presence.state))
    return pb.Frame(done=pb.Done())


REQUESTS: Mapping[str, Request] = {
    "watch_people": watch_people,
    "set_presence": set_presence,
}
