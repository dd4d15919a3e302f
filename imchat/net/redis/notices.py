"""Notices and heartbeats as they travel: the messages of ``imchat/wire/bus.proto``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from imchat.domain.models import Event
from imchat.net.redis.heartbeats import Heartbeat, Origin
from imchat.ports import (
    EventsAppended,
    Notice,
    PersonChanged,
    ReceiptMoved,
    RelationsChanged,
    SessionsClosed,
    TypingSeen,
)
from imchat.wire import bus_pb2 as pb

LONGEST_MESSAGE = 256 * 1024
"""Notices that follow each other on one channel are joined up to this many bytes; a longer one travels alone."""


class Malformed(Exception):
    """The bytes are no message of the bus."""


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived.

    Attributes:
        notices: Those that this program knows.
        unknown: How many there were that it does not know: another node is newer.
    """

    origin: Origin
    notices: Sequence[Notice]
    heartbeat: Heartbeat | None
    unknown: int


def opening(origin: Origin) -> bytes:
    """The bytes with which every message of an origin begins, and none of another origin."""
    message = pb.BusMessage(origin=pb.Origin(node_id=origin.node_id, incarnation=origin.incarnation))
    return message.SerializeToString()


def heartbeat(beat: Heartbeat) -> bytes:
    """Return the message of a heartbeat."""
    body = pb.Heartbeat(failed_publishes=beat.failed_publishes, leaving=beat.leaving)
    return opening(beat.origin) + pb.BusMessage(heartbeat=body).SerializeToString()


def messages(start: bytes, notices: Sequence[tuple[str, Notice]]) -> list[tuple[str, bytes]]:
    """Return (channel, message) for (channel, notice), in the same order.

    A notice that goes to several channels is serialised once.

    Args:
        start: :func:`opening` of the publisher.
        notices: At least none.
    """
    made: dict[int, bytes] = {}
    found: list[tuple[str, list[bytes], int]] = []
    for channel, notice in notices:
        body = made.get(id(notice))
        if body is None:
            body = made[id(notice)] = _body(notice)
        if found and found[-1][0] == channel and found[-1][2] + len(body) <= LONGEST_MESSAGE:
            parts, size = found[-1][1:]
            parts.append(body)
            found[-1] = (channel, parts, size + len(body))
        else:
            found.append((channel, [start, body], len(body)))
    return [(channel, b"".join(parts)) for channel, parts, _ in found]


def parse(payload: bytes) -> Message:
    """Return what a message holds.

    Raises:
        Malformed: it is none.
    """
    try:
        message = pb.BusMessage.FromString(payload)
    except DecodeError as error:
        raise Malformed("the bytes are no message of the bus") from error
    if not message.origin.node_id:
        raise Malformed("it does not say who sent it")
    origin = Origin(message.origin.node_id, message.origin.incarnation)
    notices = [_from_wire(notice) for notice in message.notices]
    known = [notice for notice in notices if notice is not None]
    beat = None
    if message.HasField("heartbeat"):
        beat = Heartbeat(origin, message.heartbeat.failed_publishes, message.heartbeat.leaving)
    return Message(origin, known, beat, len(notices) - len(known))


def _body(notice: Notice) -> bytes:
    # Filled in place: a message that is made by itself and then put into another is copied.
    message = pb.BusMessage()
    wire = message.notices.add()
    match notice:
        case EventsAppended():
            appended = wire.events_appended
            appended.stream_id, appended.member_version = notice.stream_id, notice.member_version
            for event in notice.events:
                _fill(appended.events.add(), event)
        case SessionsClosed():
            closed = wire.sessions_closed
            closed.user_id, closed.code = notice.user_id, notice.code
            closed.every_device = notice.device_ids is None
            closed.device_ids.extend(notice.device_ids or ())
            if notice.below_generation is not None:
                closed.below_generation = notice.below_generation
        case PersonChanged():
            person = pb.PersonChanged(user_id=notice.user_id, profile=notice.profile, presence=notice.presence)
            wire.person_changed.CopyFrom(person)
        case ReceiptMoved():
            moved = wire.receipt
            moved.conversation_id, moved.user_id = notice.conversation_id, notice.user_id
            moved.delivered_seq, moved.read_seq = notice.delivered_seq, notice.read_seq
            moved.for_ids.extend(notice.for_ids)
        case TypingSeen():
            typing = wire.typing
            typing.conversation_id, typing.user_id = notice.conversation_id, notice.user_id
            typing.for_ids.extend(notice.for_ids)
        case RelationsChanged():
            changed = pb.RelationsChanged(user_id=notice.user_id, conversation_id=notice.conversation_id)
            wire.relations_changed.CopyFrom(changed)
    return message.SerializeToString()


def _fill(stored: pb.StoredEvent, event: Event) -> None:
    stored.stream_id = event.stream_id
    stored.seq = event.seq
    stored.sender_id = event.sender_id
    stored.client_id = event.client_id
    stored.kind = event.kind
    stored.content = event.content
    stored.ordinal = event.ordinal
    stored.created_ms = event.created_ms
    if event.changed_seq:
        stored.changed_seq, stored.state = event.changed_seq, event.state
    if event.target_seq:
        stored.target_seq = event.target_seq
    if event.quote is not None:
        _fill(stored.quote, event.quote)
    if event.target is not None:
        _fill(stored.target, event.target)


def _from_wire(notice: pb.Notice) -> Notice | None:
    match notice.WhichOneof("body"):
        case "events_appended":
            appended = notice.events_appended
            events = tuple(_event_from_wire(event) for event in appended.events)
            return EventsAppended(appended.stream_id, appended.member_version, events)
        case "sessions_closed":
            closed = notice.sessions_closed
            devices = None if closed.every_device else tuple(closed.device_ids)
            below = closed.below_generation if closed.HasField("below_generation") else None
            return SessionsClosed(closed.user_id, devices, closed.code, below)
        case "person_changed":
            person = notice.person_changed
            return PersonChanged(person.user_id, person.profile, person.presence)
        case "receipt":
            r = notice.receipt
            return ReceiptMoved(r.conversation_id, r.user_id, r.delivered_seq, r.read_seq, tuple(r.for_ids))
        case "typing":
            return TypingSeen(notice.typing.conversation_id, notice.typing.user_id, tuple(notice.typing.for_ids))
        case "relations_changed":
            relations = notice.relations_changed
            return RelationsChanged(relations.user_id, relations.conversation_id)
        case _:
            return None


def _event_from_wire(event: pb.StoredEvent) -> Event:
    return Event(
        event.stream_id,
        event.seq,
        event.sender_id,
        event.client_id,
        event.kind,
        event.content,
        event.ordinal,
        event.created_ms,
        event.changed_seq,
        event.state,
        (),
        _event_from_wire(event.quote) if event.HasField("quote") else None,
        _event_from_wire(event.target) if event.HasField("target") else None,
        event.target_seq,
    )
