"""From the frames of the protocol to the values that applications get."""

from __future__ import annotations

from imchat.client.inbox import Received
from imchat.client.values import (
    ContactChange,
    Conversation,
    ListedContact,
    ListedRequest,
    OwnSession,
    PersonChange,
    Receipt,
)
from imchat.domain.content import Content
from imchat.domain.errors import Unsupported
from imchat.domain.models import Device, EventState, Reaction
from imchat.domain.notes import ConversationState
from imchat.domain.people import Presence, PresenceState, SessionInfo
from imchat.net.content import from_wire
from imchat.net.notes import card_of, contact_of, request_of
from imchat.wire import imchat_pb2 as pb


def received(event: pb.Event) -> Received:
    """The application's form of an event on the wire."""
    return Received(
        event.stream_id,
        event.seq,
        event.sender_id,
        event.client_id,
        _content(event.content),
        event.created_ms,
        event.ordinal,
        event.changed_seq,
        _state(event.state),
        tuple(Reaction(one.emoji, one.count, one.own) for one in event.reactions),
        received(event.quote) if event.HasField("quote") else None,
        received(event.target) if event.HasField("target") else None,
    )


def _content(content: pb.Content) -> Content | None:
    try:
        return from_wire(content)
    except Unsupported:
        return None


def _state(number: int) -> EventState:
    # A state that this program does not know: the content says what there is to say.
    return EventState(number) if number in EventState.__members__.values() else EventState.NORMAL


def listed_contact(contact: pb.Contact) -> ListedContact:
    """A line of the list of contacts."""
    return ListedContact(contact_of(contact), card_of(contact.card))


def listed_request(request: pb.ContactRequest) -> ListedRequest:
    """A line of the list of requests."""
    return ListedRequest(request_of(request), card_of(request.card))


def contact_change(change: pb.ContactChange) -> ContactChange:
    """How things stand after a change."""
    return ContactChange(contact_of(change.contact), tuple(map(request_of, change.requests)))


def presence_of(presence: pb.Presence) -> Presence:
    """Whether a person is there."""
    number = int(presence.state)
    known = number in PresenceState.__members__.values()
    state = PresenceState(number) if known else PresenceState.OFFLINE
    return Presence(state, tuple(presence.platforms), presence.last_seen_ms)


def person_change(change: pb.PersonChanged) -> PersonChange:
    """What is new of a person."""
    return PersonChange(
        change.user_id,
        card_of(change.card) if change.HasField("card") else None,
        presence_of(change.presence) if change.HasField("presence") else None,
    )


def receipt_of(receipt: pb.Receipt) -> Receipt:
    """How far a member is."""
    return Receipt(receipt.conversation_id, receipt.user_id, receipt.delivered_seq, receipt.read_seq)


def own_session(session: pb.SessionInfo) -> OwnSession:
    """One of the user's devices."""
    device = Device(session.device_id, session.device_name, session.platform)
    return OwnSession(SessionInfo(device, session.created_ms, session.last_used_ms, session.address), session.current)


def conversation_of(line: pb.Conversation) -> Conversation:
    """A line of the list of conversations."""
    newest = received(line.newest) if line.HasField("newest") else None
    own = line.state
    return Conversation(
        line.conversation_id,
        int(line.kind),
        tuple(line.member_ids),
        line.title,
        line.avatar,
        newest,
        line.last_seq,
        line.last_message_seq,
        line.last_ms,
        line.unread,
        line.mentioned,
        ConversationState(line.conversation_id, own.pinned_ms, own.muted, own.hidden_seq, own.cleared_seq),
        own.read_seq,
        line.counted,
        line.mention_seq,
    )
