"""Lists that were taken from the server, and laying them under what came since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from imchat.client.client import Page
from imchat.client.mirror.lines import act_target, put_lines
from imchat.client.mirror.notes import PROFILE, contact_key, own_state, request_key, talk_key
from imchat.client.mirror.state import MirrorState, RequestKey, Talk
from imchat.client.mirror.talks import deleted, read_to
from imchat.client.values import Conversation, ListedContact, ListedRequest, PersonChange
from imchat.domain.models import UserCard
from imchat.domain.people import Contact, ContactRequest, Profile


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The present state of a user, by lists.

    Attributes:
        base: Seq of the private stream that was there before the lists were taken.
        contacts: Contacts and those who are blocked.
        requests: Pending ones, of both directions.
    """

    base: int
    profile: Profile
    contacts: tuple[ListedContact, ...]
    requests: tuple[ListedRequest, ...]
    conversations: tuple[Conversation, ...]


def merge(state: MirrorState, snapshot: Snapshot) -> MirrorState:
    """The state with lists under it: notes above their base count, older ones do not."""
    base = max(state.base, snapshot.base)
    state = replace(
        state,
        base=base,
        private_seq=max(state.private_seq, base),
        profile=_profile(state, snapshot.profile, base),
        contacts=_contacts(state, snapshot.contacts, base),
        requests=_requests(state, snapshot.requests, base),
        stamps={key: seq for key, seq in state.stamps.items() if seq > base},
    )
    cards = [one.card for one in snapshot.contacts] + [one.card for one in snapshot.requests]
    return merge_conversations(with_cards(state, cards), snapshot.conversations, base)


def _profile(state: MirrorState, listed: Profile, base: int) -> Profile:
    if state.profile is not None and state.stamps.get(PROFILE, 0) > base:
        return replace(state.profile, email=listed.email)
    return listed


def _contacts(state: MirrorState, listed: Iterable[ListedContact], base: int) -> dict[int, Contact]:
    def newer(user_id: int) -> bool:
        return state.stamps.get(contact_key(user_id), 0) > base

    found = {user_id: contact for user_id, contact in state.contacts.items() if newer(user_id)}
    found.update((one.contact.user_id, one.contact) for one in listed if not newer(one.contact.user_id))
    return found


def _requests(state: MirrorState, listed: Iterable[ListedRequest], base: int) -> dict[RequestKey, ContactRequest]:
    def newer(key: RequestKey) -> bool:
        return state.stamps.get(request_key(*key), 0) > base

    found = {key: request for key, request in state.requests.items() if newer(key)}
    keys = [((one.request.user_id, one.request.incoming), one.request) for one in listed]
    found.update((key, request) for key, request in keys if not newer(key))
    return found


def merge_conversations(state: MirrorState, listed: Iterable[Conversation], base: int) -> MirrorState:
    """The state with lines of the list of conversations under it.

    Args:
        base: Seq of the private stream that was there before the list was taken.
    """
    talks, stamps = dict(state.talks), dict(state.stamps)
    for line in listed:
        key = talk_key(line.conversation_id)
        newer = stamps.get(key, 0) > base
        talks[line.conversation_id] = _listed(state.talk(line.conversation_id), line, newer)
        if base > state.stamp(key):
            stamps[key] = base
    stale = state.stale - {line.conversation_id for line in listed}
    return replace(state, talks=talks, stamps=stamps, stale=stale)


def _listed(talk: Talk, line: Conversation, newer: bool) -> Talk:
    counted = line.counted or (line.newest.ordinal if line.newest is not None else 0)
    talk = replace(
        talk,
        kind=line.kind,
        member_ids=line.member_ids,
        title=line.title,
        avatar=line.avatar,
        last_seq=max(talk.last_seq, line.last_seq),
        last_message_seq=max(talk.last_message_seq, line.last_message_seq),
        last_ms=max(talk.last_ms, line.last_ms),
        counted=max(talk.counted, counted),
        mention_seq=max(talk.mention_seq, line.mention_seq or (line.last_message_seq if line.mentioned else 0)),
        known_from=min(talk.known_from or line.last_seq + 1, line.last_seq + 1),
    )
    talk = read_to(talk, line.read_seq, max(0, counted - line.unread))
    talk = deleted(talk, (), line.state.cleared_seq)
    talk = talk if newer else own_state(talk, line.state)
    return put_lines(talk, () if line.newest is None else (line.newest,))


def merge_page(state: MirrorState, conversation_id: int, page: Page) -> MirrorState:
    """The state with a page of a conversation's history; the window grows by what it brings."""
    talk = state.talk(conversation_id)
    # Acts are in the messages already, as far as this page is about.
    lines = [event for event in page.events if not act_target(event)]
    added = sum(event.seq not in talk.lines for event in lines)
    start = max(talk.known_from, talk.floor)
    talk = replace(talk, room=max(talk.room, len(talk.lines) + added))
    if page.to_seq >= (start - 1 if start else talk.last_seq):
        known_from = min(talk.known_from or page.from_seq, page.from_seq)
        talk = replace(talk, known_from=known_from, floor=min(talk.floor, page.from_seq))
    return replace(state, talks={**state.talks, conversation_id: put_lines(talk, lines)})


def without(state: MirrorState, conversation_id: int, seq: int) -> MirrorState:
    """The state where it turned out that the user has deleted a message."""
    talk = deleted(state.talk(conversation_id), (seq,), 0)
    return replace(state, talks={**state.talks, conversation_id: talk})


def with_cards(state: MirrorState, cards: Iterable[UserCard]) -> MirrorState:
    """The state with what people show of themselves now."""
    return replace(state, cards={**state.cards, **{card.id: card for card in cards}})


def with_person(state: MirrorState, change: PersonChange) -> MirrorState:
    """The state with what is new of a person."""
    if change.card is not None:
        state = with_cards(state, (change.card,))
    if change.presence is not None:
        state = replace(state, presences={**state.presences, change.user_id: change.presence})
    return state
