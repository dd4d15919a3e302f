"""Profiles, the search for people, and a user's own sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from imchat.chat.logic.connection import Live
from imchat.chat.requests.request import Request
from imchat.domain.people import ProfileChange, SessionInfo
from imchat.net.notes import card_message, profile_message
from imchat.wire import imchat_pb2 as pb

if TYPE_CHECKING:
    from imchat.chat.services import Services


async def get_profile(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Who am I?"""
    return pb.Frame(profile=profile_message(await services.people.profile(live)))


async def set_profile(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """This is what I am from now on."""
    wanted: dict[str, Any] = {field.name: value for field, value in message.set_profile.ListFields()}
    return pb.Frame(profile=profile_message(await services.people.change(live, ProfileChange(**wanted))))


async def search_people(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Who is there?"""
    body = message.search_people
    cards, following = await services.people.search(live, body.query, body.cursor, body.limit)
    return pb.Frame(people=pb.People(users=map(card_message, cards), next_cursor=following))


async def list_sessions(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Where am I logged in?"""
    found = await services.devices.list(live)
    sessions = [_session(info, info.device.device_id == live.device_id) for info in found]
    return pb.Frame(session_list=pb.SessionList(sessions=sessions))


def _session(info: SessionInfo, current: bool) -> pb.SessionInfo:
    return pb.SessionInfo(
        device_id=info.device.device_id,
        device_name=info.device.device_name,
        platform=info.device.platform,
        created_ms=info.created_ms,
        last_used_ms=info.last_used_ms,
        address=info.address,
        current=current,
    )


async def end_sessions(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Not there any more."""
    body = message.end_sessions
    await services.devices.end(live, tuple(body.device_ids), body.all_others)
    return pb.Frame(done=pb.Done())


REQUESTS: Mapping[str, Request] = {
    "get_profile": get_profile,
    "set_profile": set_profile,
    "search_people": search_people,
    "list_sessions": list_sessions,
    "end_sessions": end_sessions,
}
