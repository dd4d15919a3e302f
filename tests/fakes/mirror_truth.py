"""What a server knows of one user, who is 1, in values: the truth that a mirror of it must come to show."""

from dataclasses import dataclass, field, replace

from imchat.client.client import Page
from imchat.client.inbox import Received
from imchat.client.mirror import Snapshot
from imchat.client.values import Conversation, ListedContact, ListedRequest
from imchat.domain.messages import Edited, Message, Reacted, Recalled, Text
from imchat.domain.models import EventState, Reaction, UserCard
from imchat.domain.notes import ConversationAdded, ConversationState, MessagesDeleted, ReadPosition, SystemLine
from imchat.domain.people import Contact, ContactRequest, Profile, RequestState, Settings

ME, OTHER = 1, 2


@dataclass
class TrueTalk:
    """A conversation of two as its rows tell it."""

    id: int
    events: list[Received] = field(default_factory=list)
    reactions: dict[int, set[tuple[int, str]]] = field(default_factory=dict)
    counted: int = 0
    read: tuple[int, int] = (0, 0)
    mention_seq: int = 0
    own: ConversationState | None = None
    deleted: set[int] = field(default_factory=set)

    @property
    def last_message_seq(self):
        return max((e.seq for e in self.events if self.is_message(e)), default=0)

    @staticmethod
    def is_message(event):
        return isinstance(event.content, Message) or event.state is EventState.RECALLED

    def sees(self, seq):
        return seq > self.own.cleared_seq and seq not in self.deleted

    def as_read(self, seq):
        """An event as a read gives it now."""
        event = self.events[seq - 1]
        told = self.reactions.get(seq, set())
        counts = [
            Reaction(emoji, sum(e == emoji for _, e in told), (ME, emoji) in told)
            for emoji in sorted({e for _, e in told})
        ]
        event = replace(event, reactions=tuple(counts), quote=self._quote(event))
        if isinstance(event.content, Edited | Recalled):
            event = replace(event, target=self.events[event.content.seq - 1])
        return event

    def _quote(self, event):
        seq = getattr(event.content, "reply_to", 0)
        if not seq or not self.sees(seq):
            return None
        quoted = self.events[seq - 1]
        return quoted if quoted.content is None else replace(quoted, content=replace(quoted.content, mentions=()))

    def shown(self):
        """All messages and system lines that the user sees."""
        lines = [e for e in self.events if not isinstance(e.content, Edited | Recalled | Reacted)]
        return [self.as_read(e.seq) for e in lines if self.sees(e.seq)]

    def page(self, before, limit=3):
        to_seq = min(before - 1, len(self.events))
        from_seq = max(1, to_seq - limit + 1)
        seqs = [seq for seq in range(from_seq, to_seq + 1) if self.sees(seq)]
        return Page(from_seq, to_seq, len(self.events), tuple(map(self.as_read, seqs)))


class Truth:
    """Acts on the rows, and gives the events that are pushed because of it.

    Attributes:
        pushed: Each event as it was when it happened.
    """

    def __init__(self):
        self.talks: dict[int, TrueTalk] = {}
        self.private: list[Received] = []
        self.pushed: list[Received] = []
        self.contacts: dict[int, Contact] = {}
        self.requests: dict[tuple[int, bool], ContactRequest] = {}
        self.profile = Profile(UserCard(ME, "ann"), "ann@x.test", Settings())
        self.now = 0

    # --- what happens

    def note(self, content):
        self.now += 1
        event = Received(ME, len(self.private) + 1, 0, bytes(16), content, self.now)
        self.private.append(event)
        self.pushed.append(event)

    def _append(self, talk, sender, content, counts=0):
        self.now += 1
        talk.counted += counts
        seq = len(talk.events) + 1
        event = Received(talk.id, seq, sender, bytes([seq % 256]) * 16, content, self.now, talk.counted)
        talk.events.append(event)
        return event

    def talk(self, number):
        if number not in self.talks:
            self.talks[number] = TrueTalk(number, own=ConversationState(number))
            self.note(ConversationAdded(number, 1, (OTHER,)))
            self.pushed.append(self._append(self.talks[number], 0, SystemLine("contacts_made", (ME, OTHER))))
        return self.talks[number]

    def say(self, number, sender, reply_to=0, mention=False):
        talk = self.talk(number)
        reply_to = reply_to if reply_to <= len(talk.events) and reply_to and self._acted(talk, reply_to) else 0
        content = Text(f"text {self.now}", reply_to=reply_to, mentions=(ME,) if mention else ())
        event = self._append(talk, sender, content, 1)
        if sender == ME:
            talk.read = (event.seq, event.ordinal)
        elif mention:
            talk.mention_seq = event.seq
        # The acknowledgement of one's own message has no quote.
        self.pushed.append(event if sender == ME else talk.as_read(event.seq))

    def _acted(self, talk, seq):
        """The message that can be acted on, if it is one."""
        event = talk.events[(seq - 1) % len(talk.events)] if talk.events else None
        return event if event is not None and isinstance(event.content, Text) else None

    def edit(self, number, seq, mention=False):
        talk = self.talk(number)
        if target := self._acted(talk, seq):
            event = self._append(talk, target.sender_id, Edited(target.seq))
            mentions = (ME,) if mention else target.content.mentions
            content = replace(target.content, text=f"edited {self.now}", mentions=mentions)
            if mention and target.sender_id != ME:
                talk.mention_seq = max(talk.mention_seq, target.seq)
            self._change(talk, replace(target, content=content, state=EventState.EDITED), event)
            self.pushed.append(replace(event, target=talk.events[target.seq - 1]))

    def expire(self, number, seq):
        """The operator keeps no content for so long: no event tells."""
        talk = self.talk(number)
        if target := self._acted(talk, seq):
            talk.events[target.seq - 1] = replace(target, content=None, state=EventState.EXPIRED)

    def recall(self, number, seq):
        talk = self.talk(number)
        if target := self._acted(talk, seq):
            event = self._append(talk, target.sender_id, Recalled(target.seq))
            talk.reactions.pop(target.seq, None)
            self._change(talk, replace(target, content=None, state=EventState.RECALLED), event)
            self.pushed.append(replace(event, target=talk.events[target.seq - 1]))

    def react(self, number, seq, sender, emoji):
        talk = self.talk(number)
        if target := self._acted(talk, seq):
            told = talk.reactions.setdefault(target.seq, set())
            removed = (sender, emoji) in told
            event = self._append(talk, sender, Reacted(target.seq, emoji, removed))
            told ^= {(sender, emoji)}
            self._change(talk, target, event)
            self.pushed.append(event)

    def _change(self, talk, target, event):
        talk.events[target.seq - 1] = replace(target, changed_seq=event.seq)

    def read(self, number, seq):
        talk = self.talk(number)
        seq = min(seq, len(talk.events))
        if seq > talk.read[0]:
            talk.read = (seq, talk.events[seq - 1].ordinal)
            self.note(ReadPosition(number, *talk.read))

    def delete(self, number, seqs):
        talk = self.talk(number)
        gone = tuple(seq for seq in seqs if seq <= len(talk.events))
        talk.deleted.update(gone)
        self.note(MessagesDeleted(number, gone))

    def clear(self, number, seq):
        talk = self.talk(number)
        talk.own = replace(talk.own, cleared_seq=max(talk.own.cleared_seq, min(seq, len(talk.events))))
        self.note(MessagesDeleted(number, (), talk.own.cleared_seq))

    def decide(self, number, pinned, muted, hidden):
        talk = self.talk(number)
        hidden_seq = talk.last_message_seq if hidden else 0
        self.now += 1
        talk.own = replace(talk.own, pinned_ms=self.now if pinned else 0, muted=muted, hidden_seq=hidden_seq)
        self.note(talk.own)

    def contact(self, user_id, is_contact, blocked):
        contact = Contact(user_id, is_contact, blocked, f"remark {self.now}")
        self.contacts[user_id] = contact
        self.note(contact)

    def request(self, user_id, incoming, state):
        request = ContactRequest(user_id, incoming, f"greeting {self.now}", "", state, 0, self.now)
        self.requests[user_id, incoming] = request
        self.note(request)

    def rename(self):
        self.profile = replace(self.profile, card=replace(self.profile.card, nickname=f"nick {self.now}"))
        self.note(replace(self.profile, email=""))

    # --- what a list tells

    def snapshot(self):
        return Snapshot(
            len(self.private),
            self.profile,
            tuple(ListedContact(c, card(c.user_id)) for c in self.contacts.values() if c.is_contact or c.blocked),
            tuple(ListedRequest(r, card(r.user_id)) for r in self.requests.values() if r.state is RequestState.PENDING),
            tuple(self.listed(number) for number in self.talks),
        )

    def listed(self, number):
        talk = self.talks[number]
        newest = talk.last_message_seq
        return Conversation(
            number,
            1,
            (OTHER,),
            "",
            "",
            talk.as_read(newest) if newest and talk.sees(newest) else None,
            len(talk.events),
            talk.last_message_seq,
            max((e.created_ms for e in talk.events), default=0),
            talk.counted - talk.read[1],
            talk.mention_seq > talk.read[0],
            talk.own,
            talk.read[0],
            talk.counted,
            talk.mention_seq,
        )


def card(user_id):
    return UserCard(user_id, f"user{user_id}")
