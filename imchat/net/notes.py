"""What the server writes, on the wire and in the store."""

from __future__ import annotations

from imchat.domain.content import Content
from imchat.domain.models import UserCard
from imchat.domain.notes import (
    ConversationAdded,
    ConversationState,
    MessagesDeleted,
    ReadPosition,
    SessionsEnded,
    SystemLine,
)
from imchat.domain.people import Contact, ContactRequest, Profile, RequestState, Settings
from imchat.wire import imchat_pb2 as pb


def card_message(card: UserCard) -> pb.UserCard:
    """Return a card as it travels."""
    message = pb.UserCard(user_id=card.id, name=card.name, nickname=card.nickname, signature=card.signature)
    message.gender = pb.Gender.Name(card.gender) if card.gender in pb.Gender.values() else "GENDER_UNSPECIFIED"  # type: ignore[assignment]
    message.region, message.avatar, message.deleted = card.region, card.avatar, card.deleted
    return message


def card_of(message: pb.UserCard) -> UserCard:
    """Return the card of a wire message."""
    m = message
    return UserCard(m.user_id, m.name, m.nickname, m.signature, int(m.gender), m.region, m.avatar, m.deleted)


def profile_message(profile: Profile) -> pb.Profile:
    """Return a profile as it travels."""
    chosen = profile.settings
    settings = pb.Settings(
        hidden_from_search=chosen.hidden_from_search,
        presence_hidden=chosen.presence_hidden,
        receipts_off=chosen.receipts_off,
    )
    return pb.Profile(card=card_message(profile.card), email=profile.email, settings=settings)


def profile_of(message: pb.Profile) -> Profile:
    """Return the profile of a wire message."""
    chosen = message.settings
    settings = Settings(chosen.hidden_from_search, chosen.presence_hidden, chosen.receipts_off)
    return Profile(card_of(message.card), message.email, settings)


def contact_message(contact: Contact, card: UserCard | None = None) -> pb.Contact:
    """Return a contact as it travels."""
    return pb.Contact(
        user_id=contact.user_id,
        is_contact=contact.is_contact,
        blocked=contact.blocked,
        remark=contact.remark,
        labels=contact.labels,
        starred=contact.starred,
        since_ms=contact.since_ms,
        card=None if card is None else card_message(card),
    )


def contact_of(message: pb.Contact) -> Contact:
    """Return the contact of a wire message."""
    m = message
    return Contact(m.user_id, m.is_contact, m.blocked, m.remark, tuple(m.labels), m.starred, m.since_ms)


def request_message(request: ContactRequest, card: UserCard | None = None) -> pb.ContactRequest:
    """Return a contact request as it travels."""
    return pb.ContactRequest(
        user_id=request.user_id,
        incoming=request.incoming,
        greeting=request.greeting,
        remark=request.remark,
        state=pb.ContactRequestState.Name(request.state),
        created_ms=request.created_ms,
        changed_ms=request.changed_ms,
        card=None if card is None else card_message(card),
    )


def request_of(message: pb.ContactRequest) -> ContactRequest:
    """Return the contact request of a wire message; of a state that this program does not know: expired."""
    m = message
    number = int(m.state)
    state = RequestState(number) if number in RequestState.__members__.values() else RequestState.EXPIRED
    return ContactRequest(m.user_id, m.incoming, m.greeting, m.remark, state, m.created_ms, m.changed_ms)


def fill(message: pb.Content, note: Content) -> None:
    """Write a note into the wire message of a content."""
    match note:
        case ConversationAdded():
            added = message.conversation_added
            added.conversation_id = note.conversation_id
            added.kind = pb.ConversationKind.Name(note.conversation_kind)  # type: ignore[assignment]
            added.member_ids.extend(note.member_ids)
        case SessionsEnded():
            ended = pb.SessionsEnded(device_ids=note.device_ids, reason=note.reason)
            message.sessions_ended.CopyFrom(ended)
        case Contact():
            message.contact.CopyFrom(contact_message(note))
        case ContactRequest():
            message.contact_request.CopyFrom(request_message(note))
        case Profile():
            message.profile.CopyFrom(profile_message(note))
        case ConversationState():
            state = message.conversation_state
            state.conversation_id, state.pinned_ms, state.muted = note.conversation_id, note.pinned_ms, note.muted
            state.hidden_seq, state.cleared_seq = note.hidden_seq, note.cleared_seq
        case ReadPosition():
            read = message.read_position
            read.conversation_id, read.seq, read.ordinal = note.conversation_id, note.seq, note.ordinal
        case MessagesDeleted():
            deleted = message.messages_deleted
            deleted.conversation_id, deleted.through_seq = note.conversation_id, note.through_seq
            deleted.seqs.extend(note.seqs)
        case SystemLine():
            message.system_line.code = note.code
            message.system_line.user_ids.extend(note.user_ids)
            message.system_line.parameters.update(dict(note.parameters))


def read(body: str | None, message: pb.Content) -> Content | None:
    """Return the note of a content's wire message, None where it is none that this program knows."""
    match body:
        case "conversation_added":
            added = message.conversation_added
            return ConversationAdded(added.conversation_id, int(added.kind), tuple(added.member_ids))
        case "sessions_ended":
            ended = message.sessions_ended
            return SessionsEnded(tuple(ended.device_ids), ended.reason)
        case "contact":
            return contact_of(message.contact)
        case "contact_request":
            return request_of(message.contact_request)
        case "profile":
            return profile_of(message.profile)
        case "conversation_state":
            s = message.conversation_state
            return ConversationState(s.conversation_id, s.pinned_ms, s.muted, s.hidden_seq, s.cleared_seq)
        case "read_position":
            position = message.read_position
            return ReadPosition(position.conversation_id, position.seq, position.ordinal)
        case "messages_deleted":
            deleted = message.messages_deleted
            return MessagesDeleted(deleted.conversation_id, tuple(deleted.seqs), deleted.through_seq)
        case "system_line":
            line = message.system_line
            return SystemLine(line.code, tuple(line.user_ids), tuple(sorted(line.parameters.items())))
        case _:
            return None
