"""Between the values of the logic and the frames of the protocol."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.chat.logic.reading import StreamChange, SyncPage
from imchat.chat.logic.watching import PersonState
from imchat.domain.errors import IMError
from imchat.domain.kinds import is_message
from imchat.domain.models import Event, EventRange, Opened, UserCard
from imchat.domain.people import Presence
from imchat.domain.quoting import QUOTED
from imchat.net.notes import card_message
from imchat.ports import ReceiptMoved, TypingSeen
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import encode
from imchat.wire.frames import frame

_FUTURE_MS = 2**31 - 1


def fill_event(message: pb.Event, event: Event) -> None:
    """Write an event as it travels into a message. Its content is stored in the form in which it travels."""
    message.stream_id = event.stream_id
    message.seq = event.seq
    message.sender_id = event.sender_id
    message.client_id = event.client_id
    message.content.MergeFromString(event.content)
    if event.target_seq and event.content and is_message(event.kind):
        # An edit does not know to what its message replies.
        message.content.reply_to = event.target_seq
    message.ordinal = event.ordinal
    message.created_ms = event.created_ms
    if event.state:
        message.state = event.state  # type: ignore[assignment]
    if event.changed_seq:
        message.changed_seq = event.changed_seq
        for one in event.reactions:
            message.reactions.add(emoji=one.emoji, count=one.count, own=one.own)
    if event.quote is not None:
        fill_event(message.quote, event.quote)
        _cut(message.quote.content)
    if event.target is not None:
        fill_event(message.target, event.target)


def _cut(content: pb.Content) -> None:
    """Leave of what is quoted no more than a preview."""
    content.ClearField("mentions")
    match content.WhichOneof("body"):
        case "text":
            content.text.text = content.text.text[:QUOTED]
        case "custom":
            content.custom.ClearField("data")


def event_message(event: Event) -> pb.Event:
    """Return an event as it travels."""
    message = pb.Event()
    fill_event(message, event)
    return message


def framed_push(event: Event) -> bytes:
    """Return a pushed event, ready to be written to any connection."""
    # Filled in place, here and in the next: a message that is made by itself and put into another is copied.
    message = pb.Frame()
    fill_event(message.event, event)
    return frame(encode(message))


def framed_aside(aside: ReceiptMoved | TypingSeen) -> bytes:
    """Return a receipt or a notice of typing as it is pushed, ready to be written to any connection."""
    message = pb.Frame()
    if isinstance(aside, ReceiptMoved):
        receipt = message.receipt
        receipt.conversation_id, receipt.user_id = aside.conversation_id, aside.user_id
        receipt.delivered_seq, receipt.read_seq = aside.delivered_seq, aside.read_seq
    else:
        typing = message.typing_notice
        typing.conversation_id, typing.user_id = aside.conversation_id, aside.user_id
    return frame(encode(message))


def accepted_frame(request_id: int, event: Event, resent: bool) -> pb.Frame:
    """Return the acknowledgement of a message."""
    message = pb.Frame(request_id=request_id)
    accepted = message.accepted
    accepted.seq = event.seq
    accepted.created_ms = event.created_ms
    accepted.resent = resent
    accepted.ordinal = event.ordinal
    return message


def error_frame(request_id: int, error: IMError) -> pb.Frame:
    """Return the answer to a request that failed."""
    delay = min(error.retry_after_ms or 0, _FUTURE_MS)
    return pb.Frame(request_id=request_id, error=pb.Error(code=error.code, message=error.message, retry_after_ms=delay))


def goodbye_frame(error: IMError) -> pb.Frame:
    """Return the last word of a connection."""
    return pb.Frame(goodbye=pb.Goodbye(code=error.code, message=error.message))


def _change_message(change: StreamChange) -> pb.StreamState:
    state, head = change.state, change.state.head
    message = pb.StreamState(
        stream_id=head.stream_id,
        last_seq=head.last_seq,
        last_message_seq=head.last_message_seq,
        counted=head.counted,
        last_ms=head.last_ms,
        member_ids=state.member_ids,
    )
    if state.conversation_kind is not None:
        message.kind = pb.ConversationKind.Name(state.conversation_kind)  # type: ignore[assignment]
    if change.events is not None:
        message.from_seq, message.to_seq = change.events.from_seq, change.events.to_seq
        message.events.extend(map(event_message, change.events.events))
    return message


def sync_frame(page: SyncPage) -> pb.Frame:
    """Return the answer to ``Sync``."""
    result = pb.SyncResult(streams=map(_change_message, page.streams), next_cursor=page.next_cursor)
    return pb.Frame(sync_result=result)


def history_frame(found: EventRange) -> pb.Frame:
    """Return the answer to ``History``."""
    result = pb.HistoryResult(
        stream_id=found.stream_id,
        from_seq=found.from_seq,
        to_seq=found.to_seq,
        last_seq=found.last_seq,
        events=map(event_message, found.events),
    )
    return pb.Frame(history_result=result)


def users_frame(cards: Sequence[UserCard]) -> pb.Frame:
    """Return the answer to ``GetUsers``."""
    return pb.Frame(users=pb.Users(users=map(card_message, cards)))


def direct_frame(opened: Opened) -> pb.Frame:
    """Return the answer to ``OpenDirect``."""
    result = pb.DirectOpened(conversation_id=opened.conversation_id, created=opened.created)
    return pb.Frame(direct_opened=result)


def _person_message(user_id: int, card: UserCard | None, presence: Presence | None) -> pb.PersonChanged:
    message = pb.PersonChanged(user_id=user_id)
    if card is not None:
        message.card.CopyFrom(card_message(card))
    if presence is not None:
        # An offline one of whom nothing more is told is empty, and is there nevertheless.
        message.presence.SetInParent()
        message.presence.state = pb.PresenceState.Name(presence.state)  # type: ignore[assignment]
        message.presence.platforms.extend(presence.platforms)
        message.presence.last_seen_ms = presence.last_seen_ms
    return message


def framed_person(user_id: int, card: UserCard | None, presence: Presence | None) -> bytes:
    """Return a push of what is new of a person, ready to be written to any connection."""
    return frame(encode(pb.Frame(person_changed=_person_message(user_id, card, presence))))


def watched_frame(states: Sequence[PersonState]) -> pb.Frame:
    """Return the answer to ``WatchPeople``."""
    people = [_person_message(state.user_id, state.card, state.presence) for state in states]
    return pb.Frame(watched_people=pb.WatchedPeople(people=people))
