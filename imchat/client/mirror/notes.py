"""What stands in the user's private stream. A note tells how a thing is after a change: the newest one counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from imchat.client.inbox import Received
from imchat.client.mirror.state import Key, MirrorState, Talk
from imchat.client.mirror.talks import deleted, read_to
from imchat.domain.notes import ConversationAdded, ConversationState, MessagesDeleted, ReadPosition
from imchat.domain.people import Contact, ContactRequest, Profile, RequestState


def apply_note(state: MirrorState, event: Received) -> MirrorState:
    """An event of the private stream."""
    apply = _NOTES.get(type(event.content))
    if apply is not None:
        state = apply(state, event.content, event.seq)
    return replace(state, private_seq=max(state.private_seq, event.seq))


def _stamped(state: MirrorState, key: Key, seq: int) -> MirrorState | None:
    """The state with the note's place noted; None where the note is not the newest about its thing."""
    if seq <= state.stamp(key):
        return None
    return replace(state, stamps={**state.stamps, key: seq})


def contact_key(user_id: int) -> Key:
    """For a contact."""
    return "contact", user_id


def request_key(user_id: int, incoming: bool) -> Key:
    """For a contact request."""
    return "incoming" if incoming else "outgoing", user_id


def talk_key(conversation_id: int) -> Key:
    """For a user's own state of a conversation."""
    return "conversation", conversation_id


PROFILE: Key = ("profile", 0)


def _contact(state: MirrorState, note: Contact, seq: int) -> MirrorState:
    stamped = _stamped(state, contact_key(note.user_id), seq)
    if stamped is None:
        return state
    contacts = {key: value for key, value in state.contacts.items() if key != note.user_id}
    if note.is_contact or note.blocked:
        contacts[note.user_id] = note
    return replace(stamped, contacts=contacts)


def _request(state: MirrorState, note: ContactRequest, seq: int) -> MirrorState:
    stamped = _stamped(state, request_key(note.user_id, note.incoming), seq)
    if stamped is None:
        return state
    place = (note.user_id, note.incoming)
    requests = {key: value for key, value in state.requests.items() if key != place}
    if note.state is RequestState.PENDING:
        requests[place] = note
    return replace(stamped, requests=requests)


def _profile(state: MirrorState, note: Profile, seq: int) -> MirrorState:
    stamped = _stamped(state, PROFILE, seq)
    if stamped is None:
        return state
    email = note.email or (state.profile.email if state.profile is not None else "")
    return replace(stamped, profile=replace(note, email=email))


def _conversation_state(state: MirrorState, note: ConversationState, seq: int) -> MirrorState:
    state = _with(state, note.conversation_id, lambda talk: deleted(talk, (), note.cleared_seq))
    stamped = _stamped(state, talk_key(note.conversation_id), seq)
    if stamped is None:
        return state
    return _with(stamped, note.conversation_id, lambda talk: own_state(talk, note))


def own_state(talk: Talk, note: ConversationState) -> Talk:
    """A conversation as the user decided."""
    return replace(talk, pinned_ms=note.pinned_ms, muted=note.muted, hidden_seq=note.hidden_seq)


def _read(state: MirrorState, note: ReadPosition, _: int) -> MirrorState:
    return _with(state, note.conversation_id, lambda talk: read_to(talk, note.seq, note.ordinal))


def _deleted(state: MirrorState, note: MessagesDeleted, _: int) -> MirrorState:
    talk = state.talk(note.conversation_id)
    state = _with(state, note.conversation_id, lambda talk: deleted(talk, note.seqs, note.through_seq))
    # What was deleted before it was read here is never told, but counts and may mention.
    if note.through_seq or any(seq >= talk.known_from and seq not in talk.lines for seq in note.seqs):
        return replace(state, stale=state.stale | {note.conversation_id})
    return state


def _added(state: MirrorState, note: ConversationAdded, _: int) -> MirrorState:
    def change(talk: Talk) -> Talk:
        if talk.kind:
            return talk
        return replace(talk, kind=note.conversation_kind, member_ids=note.member_ids)

    unlisted = state.talk(note.conversation_id).kind == 0
    state = _with(state, note.conversation_id, change)
    return replace(state, stale=state.stale | {note.conversation_id}) if unlisted else state


def _with(state: MirrorState, conversation_id: int, change: Callable[[Talk], Talk]) -> MirrorState:
    known = conversation_id in state.talks
    talk = change(state.talk(conversation_id))
    stale = state.stale if known else state.stale | {conversation_id}
    return replace(state, talks={**state.talks, conversation_id: talk}, stale=stale)


_NOTES: dict[type, Callable[[MirrorState, Any, int], MirrorState]] = {
    Contact: _contact,
    ContactRequest: _request,
    Profile: _profile,
    ConversationState: _conversation_state,
    ReadPosition: _read,
    MessagesDeleted: _deleted,
    ConversationAdded: _added,
}
