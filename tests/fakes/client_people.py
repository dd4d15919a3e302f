"""People, contacts and conversations behind the scripted server, for tests of the client and its mirror."""

from imchat.domain.errors import NotFound, TooLate
from imchat.wire import imchat_pb2 as pb
from tests.fakes.client import FakeServer, FakeStream

PAGE = 2
"""Entries of a list that one answer has."""


class FakePeople:
    """Answers what is asked about people and conversations, and writes notes as the servers do.

    Attributes:
        calls: Every request that was answered here, as (name, request).
        requests, contacts, states: By user and what they are about.
    """

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.calls: list[tuple[str, object]] = []
        self.profiles: dict[int, pb.Profile] = {}
        self.contacts: dict[tuple[int, int], pb.Contact] = {}
        self.requests: dict[tuple[int, int, bool], pb.ContactRequest] = {}
        self.states: dict[tuple[int, int], pb.ConversationState] = {}
        self.read: dict[tuple[int, int], tuple[int, int]] = {}
        self.sessions = [
            pb.SessionInfo(device_id="here", device_name="laptop", platform="linux", current=True, address="10.0.0.1"),
            pb.SessionInfo(device_id="there", device_name="phone", platform="android", address="10.0.0.2"),
        ]
        self.online: set[int] = set()
        self.seen: dict[int, int] = {}
        self.gone: set[int] = set()
        self.refuse: dict[str, Exception] = {}
        for user_id in server.users:
            server.streams[user_id] = FakeStream({user_id})
        for name in [name for name in dir(self) if name.startswith("on_")]:
            server.answers[name[3:]] = self._answerer(name[3:], getattr(self, name))

    def _answerer(self, name, answer):
        def run(peer, frame):
            request = getattr(frame, name)
            self.calls.append((name, request))
            if name in self.refuse:
                raise self.refuse[name]
            return answer(peer.user_id, request)

        return run

    def asked(self, name):
        return [request for called, request in self.calls if called == name]

    def private(self, user_id, **note):
        """Write a note into a private stream, and push it."""
        return self.server.append(user_id, 0, pb.Content(**note))

    def card(self, user_id):
        return pb.UserCard(user_id=user_id, name=self.server.users[user_id], deleted=user_id in self.gone)

    # --- people

    def profile_of(self, user_id):
        return self.profiles.setdefault(user_id, pb.Profile(card=self.card(user_id), email=f"{user_id}@x.test"))

    def on_get_profile(self, user_id, request):
        return {"profile": self.profile_of(user_id)}

    def on_set_profile(self, user_id, request):
        profile = self.profile_of(user_id)
        for field, value in request.ListFields():
            setattr(profile.card if field.name in ("nickname", "signature", "gender", "region", "avatar")
                    else profile.settings, field.name, value)  # fmt: skip
        return {"profile": profile}

    def on_search_people(self, user_id, request):
        found = [self.card(i) for i, name in self.server.users.items() if name.startswith(request.query)]
        users, cursor = self._page(found, request)
        return {"people": pb.People(users=users, next_cursor=cursor)}

    def _page(self, found, request):
        start = int(request.cursor or b"0")
        more = start + PAGE < len(found)
        return found[start : start + PAGE], str(start + PAGE).encode() if more else b""

    def on_watch_people(self, user_id, request):
        people = [self.person(i) for i in request.add if (user_id, i) in self.contacts]
        return {"watched_people": pb.WatchedPeople(people=people)}

    def person(self, user_id):
        if user_id not in self.online:
            seen = pb.Presence(state=pb.OFFLINE, last_seen_ms=self.seen.get(user_id, 0))
        else:
            seen = pb.Presence(state=pb.ONLINE, platforms=["linux"])
        return pb.PersonChanged(user_id=user_id, presence=seen)

    def on_set_presence(self, user_id, request):
        return {"done": pb.Done()}

    def on_list_sessions(self, user_id, request):
        return {"session_list": pb.SessionList(sessions=self.sessions)}

    def on_end_sessions(self, user_id, request):
        # What is no device of theirs is no error: it has no session.
        self.sessions = [session for session in self.sessions if session.device_id not in request.device_ids]
        return {"done": pb.Done()}

    # --- contacts

    def befriend(self, user_id, other, **more):
        """Make another a contact of a user."""
        contact = pb.Contact(user_id=other, is_contact=True, since_ms=1, **more)
        self.contacts[user_id, other] = contact
        self.private(user_id, contact=contact)
        return contact

    def ask(self, user_id, other, greeting):
        """Another asks a user to become contacts."""
        request = pb.ContactRequest(user_id=other, incoming=True, greeting=greeting, state=pb.PENDING)
        self.requests[user_id, other, True] = request
        self.private(user_id, contact_request=request)

    def on_list_contacts(self, user_id, request):
        found = []
        for (owner, other), contact in sorted(self.contacts.items()):
            if owner == user_id and (contact.blocked if request.blocked else contact.is_contact):
                found.append(pb.Contact())
                found[-1].CopyFrom(contact)
                found[-1].card.CopyFrom(self.card(other))
        contacts, cursor = self._page(found, request)
        return {"contacts": pb.Contacts(contacts=contacts, next_cursor=cursor)}

    def on_list_contact_requests(self, user_id, request):
        found = [
            one
            for (owner, _, incoming), one in sorted(self.requests.items())
            if owner == user_id and incoming == request.incoming and (request.all or one.state == pb.PENDING)
        ]
        for one in found:
            one.card.CopyFrom(self.card(one.user_id))
        requests, cursor = self._page(found, request)
        return {"contact_requests": pb.ContactRequests(requests=requests, next_cursor=cursor)}

    def _changed(self, user_id, other):
        if other not in self.server.users:
            raise NotFound("no such user")
        return self.contacts.setdefault((user_id, other), pb.Contact(user_id=other))

    def _told(self, user_id, contact):
        self.private(user_id, contact=contact)
        return {"contact_change": pb.ContactChange(contact=contact)}

    def on_request_contact(self, user_id, request):
        contact = self._changed(user_id, request.user_id)
        received = self.requests.get((user_id, request.user_id, True))
        if received is not None and received.state == pb.PENDING:
            received.state, contact.is_contact, contact.remark = pb.ACCEPTED, True, request.remark
            return {"contact_change": pb.ContactChange(contact=contact, requests=[received])}
        asked = pb.ContactRequest(
            user_id=request.user_id, greeting=request.greeting, remark=request.remark, state=pb.PENDING
        )
        self.requests[user_id, request.user_id, False] = asked
        self.private(user_id, contact_request=asked)
        return {"contact_change": pb.ContactChange(contact=contact, requests=[asked])}

    def on_answer_contact(self, user_id, request):
        asked = self.requests.get((user_id, request.user_id, True))
        if asked is None or asked.state != pb.PENDING:
            raise NotFound("nobody asked")
        asked.state = {pb.ACCEPT: pb.ACCEPTED, pb.DECLINE: pb.DECLINED, pb.IGNORE: pb.IGNORED}[request.answer]
        self.private(user_id, contact_request=asked)
        contact = self._changed(user_id, request.user_id)
        contact.is_contact = request.answer == pb.ACCEPT
        contact.remark = request.remark
        return self._told(user_id, contact)

    def on_set_contact(self, user_id, request):
        contact = self._changed(user_id, request.user_id)
        if request.HasField("remark"):
            contact.remark = request.remark
        if request.HasField("labels"):
            contact.labels[:] = request.labels.labels
        if request.HasField("starred"):
            contact.starred = request.starred
        return self._told(user_id, contact)

    def on_remove_contact(self, user_id, request):
        contact = self._changed(user_id, request.user_id)
        contact.is_contact = False
        return self._told(user_id, contact)

    def on_set_blocked(self, user_id, request):
        contact = self._changed(user_id, request.user_id)
        contact.blocked = request.blocked
        return self._told(user_id, contact)

    # --- conversations

    def on_list_conversations(self, user_id, request):
        talks = [
            (stream.events[-1].created_ms if stream.events else 0, stream_id)
            for stream_id, stream in self.server.streams.items()
            if user_id in stream.members and stream_id not in self.server.users
        ]
        ids = [stream_id for _, stream_id in sorted(talks, reverse=True)]
        ids = [i for i in ids if not request.conversation_ids or i in request.conversation_ids]
        listed, cursor = self._page(ids, request) if not request.conversation_ids else (ids, b"")
        lines = [self.line(user_id, stream_id) for stream_id in listed]
        return {"conversations": pb.Conversations(conversations=lines, next_cursor=cursor)}

    def line(self, user_id, stream_id):
        stream = self.server.streams[stream_id]
        own = [(e.seq, e.ordinal) for e in stream.events if e.sender_id == user_id and e.content.HasField("text")]
        read_seq, ordinal = max([self.read.get((user_id, stream_id), (0, 0)), *own])
        line = pb.Conversation(
            conversation_id=stream_id,
            kind=pb.DIRECT,
            member_ids=sorted(stream.members - {user_id}),
            last_seq=stream.last_seq,
            last_message_seq=max((e.seq for e in stream.events if e.content.HasField("text")), default=0),
            last_ms=stream.events[-1].created_ms if stream.events else 0,
            unread=stream.counted - ordinal,
            counted=stream.counted,
            state=self.states.get((user_id, stream_id)),
        )
        line.state.read_seq = read_seq
        if stream.events:
            line.newest.CopyFrom(stream.events[-1])
        return line

    def on_set_conversation(self, user_id, request):
        state = self.states.setdefault((user_id, request.conversation_id), pb.ConversationState())
        state.conversation_id = request.conversation_id
        state.muted = request.muted if request.HasField("muted") else state.muted
        state.pinned_ms = int(request.pinned) if request.HasField("pinned") else state.pinned_ms
        self.private(user_id, conversation_state=state)
        return {"done": pb.Done()}

    def on_mark_read(self, user_id, request):
        stream = self.server.streams.get(request.conversation_id)
        if stream is None or request.seq > stream.last_seq:
            raise NotFound("no such message")
        ordinal = stream.events[request.seq - 1].ordinal
        self.read[user_id, request.conversation_id] = (request.seq, ordinal)
        note = pb.ReadPosition(conversation_id=request.conversation_id, seq=request.seq, ordinal=ordinal)
        self.private(user_id, read_position=note)
        return {"done": pb.Done()}

    def on_mark_delivered(self, user_id, request):
        return {"done": pb.Done()}

    def on_get_receipts(self, user_id, request):
        receipt = pb.Receipt(conversation_id=request.conversation_id, user_id=2, delivered_seq=4, read_seq=3)
        return {"receipts": pb.Receipts(receipts=[receipt])}

    def on_delete_messages(self, user_id, request):
        note = pb.MessagesDeleted(
            conversation_id=request.conversation_id, seqs=request.seqs, through_seq=request.through_seq
        )
        self.private(user_id, messages_deleted=note)
        return {"done": pb.Done()}

    def on_typing(self, user_id, request):
        return {"done": pb.Done()}

    # --- acts

    def on_recall_message(self, user_id, request):
        return self._act(user_id, request, pb.Content(recalled=pb.Recalled(seq=request.seq)), pb.RECALLED)

    def on_edit_message(self, user_id, request):
        return self._act(user_id, request, pb.Content(edited=pb.Edited(seq=request.seq)), pb.EDITED, request.content)

    def on_react(self, user_id, request):
        reacted = pb.Reacted(seq=request.seq, emoji=request.emoji, removed=request.remove)
        return self._act(user_id, request, pb.Content(reacted=reacted))

    def _act(self, user_id, request, content, state=None, replacement=None):
        stream = self.server.streams.get(request.conversation_id)
        if stream is None or user_id not in stream.members or request.seq > stream.last_seq:
            raise NotFound("no such message")
        known = stream.by_client_id(user_id, request.client_id)
        if known is None:
            target = stream.events[request.seq - 1]
            if state and target.sender_id != user_id:
                raise TooLate("too late")
            known = self._append(stream, user_id, request, content, target, state, replacement)
        return {"accepted": pb.Accepted(seq=known.seq, created_ms=known.created_ms, ordinal=known.ordinal)}

    def _append(self, stream, user_id, request, content, target, state, replacement):
        target.changed_seq = stream.last_seq + 1
        if state is not None:
            target.state = state
            target.content.CopyFrom(replacement or pb.Content())
        peers = [peer for peer in self.server.peers if peer.user_id == user_id]
        sender = peers[-1] if peers else None
        return self.server.append(request.conversation_id, user_id, content, request.client_id, sender, target)
