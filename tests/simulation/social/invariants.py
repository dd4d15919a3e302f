"""What must hold in the database itself, whatever devices show: numbers are recounted, acts and notes replayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from imchat.domain.messages import Edited, Message, Reacted, Recalled
from imchat.domain.models import EventState
from imchat.domain.notes import ConversationAdded, ConversationState, MessagesDeleted, ReadPosition
from imchat.domain.people import Contact, ContactRequest, Profile, RequestState
from tests.simulation.social.rows import EventRow, ReadingRow, Rows


def counts(rows: Rows) -> Iterator[str]:
    """Heads and ordinals are what one counts; numbers are dense."""
    for stream_id, head in rows.heads.items():
        counted, last_message = 0, 0
        for place, event in enumerate(rows.events[stream_id], 1):
            if event.is_message:
                counted, last_message = counted + 1, event.seq
            if (event.seq, event.ordinal) != (place, counted):
                yield f"miscounted: {stream_id}/{event.seq} is the event {place} and has ordinal {event.ordinal}"
        told = head["last_seq"], head["last_message_seq"], head["counted"]
        if told != (len(rows.events[stream_id]), last_message, counted):
            yield f"miscounted: the head of {stream_id} says {told}, and there are {counted} up to {last_message}"


def positions(rows: Rows) -> Iterator[str]:
    """What counts as read is what one counts up to the position; one's own messages are read."""
    for (conversation_id, user_id), own in rows.readings.items():
        where = f"unread: user {user_id} in {conversation_id}"
        at = rows.event(conversation_id, own.read_seq)
        if own.read_ordinal != (at.ordinal if at else 0):
            yield f"{where} has read up to {own.read_seq} and {own.read_ordinal} that count, not {at and at.ordinal}"
    for conversation_id, members in rows.members.items():
        for user_id in members:
            own = rows.reading(conversation_id, user_id)
            said = [e.seq for e in rows.events[conversation_id] if e.is_message and e.sender_id == user_id]
            if own.read_seq < max(said, default=0):
                yield f"unread: user {user_id} in {conversation_id}: own message {max(said)} above {own.read_seq}"
            yield from _mentions(rows, conversation_id, user_id, own)


def _mentions(rows: Rows, conversation_id: int, user_id: int, own: ReadingRow) -> Iterator[str]:
    due = [e.seq for e in rows.events[conversation_id] if _mentions_user(e, user_id)]
    where = f"mentions: user {user_id} in {conversation_id}"
    if own.mention_seq < max(due, default=0):
        yield f"{where}: mention_seq {own.mention_seq}, and {max(due)} mentions them"
    at = rows.event(conversation_id, own.mention_seq)
    # One that was edited or recalled since may have mentioned them.
    if own.mention_seq and not (at and at.is_message and (_mentions_user(at, user_id) or at.state)):
        yield f"{where}: mention_seq {own.mention_seq} does not mention them"


def _mentions_user(event: EventRow, user_id: int) -> bool:
    return isinstance(event.content, Message) and user_id in event.content.mentions


def acts(rows: Rows) -> Iterator[str]:
    """States, changed_seq and reactions are what comes of all acts, one after another."""
    for conversation_id in rows.kinds:
        played = _Played()
        for event in rows.events[conversation_id]:
            yield from _own(rows, event)
            played.apply(event)
        for event in rows.events[conversation_id]:
            yield from played.problems(event, rows.reactions.get((conversation_id, event.seq), set()))


class _Played:
    """The messages of a conversation after its acts."""

    def __init__(self) -> None:
        self.states: dict[int, EventState] = defaultdict(lambda: EventState.NORMAL)
        self.changed: dict[int, int] = defaultdict(int)
        self.given: dict[int, set[tuple[str, int]]] = defaultdict(set)

    def apply(self, event: EventRow) -> None:
        """The next event."""
        match event.content:
            case Reacted(seq, emoji, removed):
                (self.given[seq].discard if removed else self.given[seq].add)((emoji, event.sender_id))
            case Recalled(seq):
                self.states[seq] = EventState.RECALLED
                self.given[seq].clear()
            case Edited(seq):
                self.states[seq] = EventState.EDITED
            case _:
                return
        self.changed[seq] = event.seq

    def problems(self, event: EventRow, reactions: set[tuple[str, int]]) -> Iterator[str]:
        """Where that is not what is stored."""
        where = f"acts: {event.stream_id}/{event.seq}"
        if event.changed_seq != self.changed[event.seq]:
            yield f"{where} was changed by {self.changed[event.seq]}, and says {event.changed_seq}"
        if event.state != self.states[event.seq]:
            yield f"{where} is {event.state.name}, should be {self.states[event.seq].name}"
        if event.state is EventState.RECALLED and event.content is not None:
            yield f"{where} was recalled, and has {event.content!r}"
        if reactions != self.given[event.seq]:
            yield f"{where} has the reactions {sorted(reactions)}, should have {sorted(self.given[event.seq])}"


def _own(rows: Rows, event: EventRow) -> Iterator[str]:
    if not isinstance(event.content, Recalled | Edited):
        return
    target = rows.event(event.stream_id, event.content.seq)
    if target is None or not target.is_message or target.sender_id != event.sender_id:
        yield f"acts: {event.stream_id}/{event.seq} of {event.sender_id} is about what is not theirs: {event.content}"


def notes(rows: Rows) -> Iterator[str]:
    """Who applies the notes of a private stream in order ends with what is stored."""
    for user_id in rows.accounts:
        told = _Told()
        for event in rows.events[user_id]:
            told.apply(event)
        for problem in told.problems(rows, user_id):
            yield f"notes: user {user_id}: {problem}"


class _Told:
    """What the notes of one user say, the newest about each thing."""

    def __init__(self) -> None:
        self.profile: Profile | None = None
        self.contacts: dict[int, Contact] = {}
        self.requests: dict[tuple[int, bool], ContactRequest] = {}
        self.states: dict[int, ConversationState] = {}
        self.read: dict[int, ReadPosition] = {}
        self.deleted: dict[int, set[int]] = defaultdict(set)
        self.cleared: dict[int, int] = defaultdict(int)
        self.added: list[ConversationAdded] = []

    def apply(self, event: EventRow) -> None:
        """The next note."""
        match event.content:
            case Profile() as profile:
                self.profile = profile
            case Contact() as contact:
                self.contacts[contact.user_id] = contact
            case ContactRequest() as request:
                self.requests[request.user_id, request.incoming] = request
            case ConversationState() as state:
                self.states[state.conversation_id] = state
            case ReadPosition() as read:
                self.read[read.conversation_id] = read
            case MessagesDeleted() as deleted:
                self.deleted[deleted.conversation_id].update(deleted.seqs)
                known = self.cleared[deleted.conversation_id]
                self.cleared[deleted.conversation_id] = max(known, deleted.through_seq)
            case ConversationAdded() as added:
                self.added.append(added)

    def problems(self, rows: Rows, user_id: int) -> Iterator[str]:
        """Where that is not what is stored."""
        stored = replace(rows.profile(user_id), email="")
        if self.profile is not None and self.profile != stored:
            yield f"the profile is {stored}, told was {self.profile}"
        known = {key: c for key, c in rows.contacts[user_id].items() if c != Contact(key)}
        told = {key: c for key, c in self.contacts.items() if c != Contact(key)}
        if told != known:
            yield f"contacts are {known}, told were {told}"
        pending = {key: r for key, r in self.requests.items() if r.state is RequestState.PENDING}
        if pending != rows.pending(user_id):
            yield f"pending are {rows.pending(user_id)}, told were {pending}"
        mine = {conversation_id for conversation_id, members in rows.members.items() if user_id in members}
        if sorted(added.conversation_id for added in self.added) != sorted(mine):
            yield f"is in {sorted(mine)}, told was {self.added}"
        for conversation_id in mine:
            yield from self._problems_of(rows, conversation_id, user_id)

    def _problems_of(self, rows: Rows, conversation_id: int, user_id: int) -> Iterator[str]:
        own = rows.reading(conversation_id, user_id)
        state = self.states.get(conversation_id) or ConversationState(conversation_id)
        told = state.pinned_ms, state.muted, state.hidden_seq
        if told != (own.pinned_ms, bool(own.muted), own.hidden_seq):
            yield f"{conversation_id} is {own}, told was {state}"
        if self.cleared[conversation_id] != own.cleared_seq:
            yield f"{conversation_id} is cleared up to {own.cleared_seq}, told was {self.cleared[conversation_id]}"
        deleted = {seq for seq in self.deleted[conversation_id] if seq > own.cleared_seq}
        if deleted != rows.deleted.get((user_id, conversation_id), set()):
            yield f"{conversation_id}: other messages are deleted than told: {sorted(deleted)}"
        said = [e.seq for e in rows.events[conversation_id] if e.is_message and e.sender_id == user_id]
        read = self.read.get(conversation_id)
        if own.read_seq != max([*said, read.seq if read else 0], default=0):
            yield f"{conversation_id} is read up to {own.read_seq}, told was {read}"


RULES: tuple[Callable[[Rows], Iterator[str]], ...] = (counts, positions, acts, notes)


def broken(rows: Rows) -> list[str]:
    """All that does not hold."""
    return [line for rule in RULES for line in rule(rows)]
