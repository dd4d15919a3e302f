"""Catching up, history, and who is who."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imchat.chat.logic.connection import Live
from imchat.chat.requests.request import Request
from imchat.chat.translate import direct_frame, history_frame, sync_frame, users_frame
from imchat.wire import imchat_pb2 as pb

if TYPE_CHECKING:
    from imchat.chat.services import Services


async def sync(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """What is new?"""
    body = message.sync
    positions = {position.stream_id: position.seq for position in body.positions}
    return sync_frame(await services.reading.sync(live, positions, body.cursor, body.limit))


async def history(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """What was?"""
    body = message.history
    after = body.after if body.HasField("after") else None
    before = body.before if body.HasField("before") else None
    where = (after, before, body.until, body.limit, body.since_ms, body.before_ms)
    return history_frame(await services.reading.history(live, body.stream_id, *where))


async def get_users(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Who is who?"""
    body = message.get_users
    return users_frame(await services.reading.users(live, tuple(body.ids), tuple(body.names)))


async def open_direct(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Where to talk to somebody."""
    return direct_frame(await services.direct.open(live, message.open_direct.user_id))


REQUESTS: Mapping[str, Request] = {
    "sync": sync,
    "history": history,
    "get_users": get_users,
    "open_direct": open_direct,
}
