"""Who may ask a chat node for what: at least one row for each kind of request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imchat.wire import imchat_pb2 as pb
from tests.net.permission_world import UNKNOWN, World

Build = Callable[[World], Any]


@dataclass(frozen=True)
class Row:
    """A request, who makes it, and what it is answered with.

    Attributes:
        body: The name of the request's body.
        case: What it is about, in words.
        build: The request.
        outcome: The name of the answer's body, or the code of the error.
        by: Who asks.
        shows: What must be true of the answer.
        like: A request that must be answered in the same words: what exists is a secret.
    """

    body: str
    case: str
    build: Build
    outcome: str
    by: str = "ann"
    shows: Callable[[World, pb.Frame], bool] = lambda world, answer: True
    like: Build | None = None


def _in(kind: Any, **fields: Any) -> Callable[[str], Build]:
    """A request about a conversation: that of ann and bob, the foreign one, a former one, or none at all."""

    def about(where: str) -> Build:
        def build(world: World) -> Any:
            conversation_id = UNKNOWN if where == "unknown" else getattr(world, where)
            given = {name: value(world) if callable(value) else value for name, value in fields.items()}
            return kind(conversation_id=conversation_id, **given)

        return build

    return about


def _to(kind: Any, name: str, **fields: Any) -> Build:
    """A request about a person; ``unknown`` is nobody."""
    return lambda world: kind(user_id=UNKNOWN if name == "unknown" else world.id(name), **fields)


def _conversation(body: str, about: Callable[[str], Build], answer: str, blocked: str = "") -> list[Row]:
    """Members may; for others there is no such conversation. ``blocked``: what a member gets whom the other blocks."""
    return [
        Row(body, "a member", about("talk"), answer),
        Row(body, "a member who is blocked", about("former"), blocked or answer),
        Row(body, "a foreign conversation", about("foreign"), "not_found", like=about("unknown")),
        Row(body, "an id that is too large", lambda w: _with(about("talk")(w), 2**64 - 1), "not_found"),
    ]


def _with(message: Any, conversation_id: int) -> Any:
    message.conversation_id = conversation_id
    return message


def _act(body: str, kind: Any, **fields: Any) -> list[Row]:
    def on(seq: str | int) -> Callable[[str], Build]:
        number = (lambda w: getattr(w, seq)) if isinstance(seq, str) else seq
        return _in(kind, client_id=World.new_id, seq=number, **fields)

    others = "accepted" if body == "react" else "forbidden"
    return [
        *_conversation(body, on("hers"), "accepted", "not_contacts"),
        Row(body, "another's message", on("his")("talk"), others),
        Row(body, "a line of the server", on("line")("talk"), "not_found"),
        Row(body, "a message that is not there yet", on(1_000)("talk"), "not_found"),
        Row(body, "a message that cannot be", on(2**64 - 1)("talk"), "not_found"),
        Row(body, "no message", on(0)("talk"), "not_found"),
    ]


def _is(**wanted: Any) -> Callable[[World, pb.Frame], bool]:
    return lambda world, answer: all(
        getattr(answer.contact_change.contact, name) == value for name, value in wanted.items()
    )


def _reply(seq: Callable[[World], int]) -> Build:
    def content(world: World) -> pb.Content:
        return pb.Content(text=pb.Text(text="so it is"), reply_to=seq(world))

    return _in(pb.SendMessage, client_id=World.new_id, content=content)("talk")


def _mention(name: str) -> Build:
    def content(world: World) -> pb.Content:
        return pb.Content(text=pb.Text(text="see"), mentions=[UNKNOWN if name == "unknown" else world.id(name)])

    return _in(pb.SendMessage, client_id=World.new_id, content=content)("talk")


_text = pb.Content(text=pb.Text(text="other words"))

ROWS: list[Row] = [
    Row("ping", "anybody", lambda w: pb.Ping(), "pong"),
    Row("hello", "whoever has a session already", lambda w: pb.Hello(protocol_version=1), "invalid_request"),
    *_conversation(
        "send_message", _in(pb.SendMessage, client_id=World.new_id, content=_text), "accepted", "not_contacts"
    ),
    Row(
        "send_message", "what the server alone says",
        _in(pb.SendMessage, client_id=World.new_id, content=pb.Content(system_line=pb.SystemLine(code="x")))("talk"),
        "invalid_request",
    ),
    Row("send_message", "a reply to itself", _reply(lambda w: w.his + 1), "not_found"),
    Row("send_message", "a reply to what comes", _reply(lambda w: w.his + 2), "not_found"),
    Row("send_message", "a reply to what cannot be", _reply(lambda w: 2**64 - 1), "not_found"),
    Row("send_message", "a reply to a line of the server", _reply(lambda w: w.line), "not_found"),
    Row("send_message", "that mentions whoever is no member", _mention("cat"), "not_found", like=_mention("unknown")),
    *_act("recall_message", pb.RecallMessage),
    *_act("edit_message", pb.EditMessage, content=_text),
    *_act("react", pb.React, emoji="👍"),
    Row("sync", "oneself", lambda w: pb.Sync(), "sync_result",
        shows=lambda w, a: w.foreign not in {state.stream_id for state in a.sync_result.streams}),
    Row("sync", "a foreign stream", lambda w: pb.Sync(positions=[pb.Position(stream_id=w.foreign)]), "sync_result",
        shows=lambda w, a: w.foreign not in {state.stream_id for state in a.sync_result.streams}),
    Row("history", "a member", lambda w: pb.History(stream_id=w.talk), "history_result"),
    Row("history", "a member who is blocked", lambda w: pb.History(stream_id=w.former), "history_result",
        shows=lambda w, a: w.hers in {event.seq for event in a.history_result.events}),
    Row("history", "one's own stream", lambda w: pb.History(stream_id=w.id("ann")), "history_result"),
    Row("history", "another's stream", lambda w: pb.History(stream_id=w.id("bob")), "not_found",
        like=lambda w: pb.History(stream_id=UNKNOWN)),
    Row("history", "a foreign conversation", lambda w: pb.History(stream_id=w.foreign), "not_found",
        like=lambda w: pb.History(stream_id=UNKNOWN)),
    Row("history", "a foreign one by date", lambda w: pb.History(stream_id=w.foreign, since_ms=1), "not_found",
        like=lambda w: pb.History(stream_id=UNKNOWN, since_ms=1)),
    Row("get_users", "anybody", lambda w: pb.GetUsers(ids=[w.id("cat"), UNKNOWN]), "users",
        shows=lambda w, a: [card.user_id for card in a.users.users] == [w.id("cat")]),
    Row("open_direct", "a contact", _to(pb.OpenDirect, "bob"), "direct_opened",
        shows=lambda w, a: a.direct_opened.conversation_id == w.talk),
    Row("open_direct", "a stranger", _to(pb.OpenDirect, "cat"), "not_contacts"),
    Row("open_direct", "who blocks one, to read what was said", _to(pb.OpenDirect, "fay"), "direct_opened",
        shows=lambda w, a: a.direct_opened.conversation_id == w.former),
    Row("open_direct", "nobody", _to(pb.OpenDirect, "unknown"), "not_found"),
    Row("open_direct", "oneself", _to(pb.OpenDirect, "ann"), "invalid_request"),
    Row("get_profile", "oneself", lambda w: pb.GetProfile(), "profile",
        shows=lambda w, a: (a.profile.card.user_id, a.profile.email) == (w.id("ann"), "ann@example.org")),
    Row("set_profile", "oneself", lambda w: pb.SetProfile(nickname="Annie"), "profile",
        shows=lambda w, a: a.profile.card.user_id == w.id("ann")),
    Row("search_people", "anybody", lambda w: pb.SearchPeople(query="cat"), "people",
        shows=lambda w, a: [card.user_id for card in a.people.users] == [w.id("cat")]),
    Row("search_people", "an address", lambda w: pb.SearchPeople(query="cat@example.org"), "invalid_request"),
    Row("request_contact", "a stranger", _to(pb.RequestContact, "cat"), "contact_change", shows=_is(is_contact=False)),
    Row("request_contact", "who blocks one, of which nothing tells", _to(pb.RequestContact, "fay"), "contact_change",
        shows=_is(is_contact=True, blocked=False)),
    Row("request_contact", "nobody", _to(pb.RequestContact, "unknown"), "not_found"),
    Row("request_contact", "oneself", _to(pb.RequestContact, "ann"), "invalid_request"),
    Row("answer_contact", "who was asked", _to(pb.AnswerContact, "eve", answer=pb.ACCEPT), "contact_change",
        shows=_is(is_contact=True)),
    Row("answer_contact", "who was not asked", _to(pb.AnswerContact, "cat", answer=pb.ACCEPT), "not_found",
        like=_to(pb.AnswerContact, "dan", answer=pb.ACCEPT)),
    Row("answer_contact", "nobody", _to(pb.AnswerContact, "unknown", answer=pb.ACCEPT), "not_found"),
    Row("answer_contact", "who asked", _to(pb.AnswerContact, "ann", answer=pb.ACCEPT), "not_found", by="eve"),
    Row("set_contact", "a contact", _to(pb.SetContact, "bob", starred=True), "contact_change", shows=_is(starred=True)),
    Row("set_contact", "a stranger", _to(pb.SetContact, "cat", starred=True), "not_found"),
    Row("set_contact", "nobody", _to(pb.SetContact, "unknown", starred=True), "not_found"),
    Row("remove_contact", "a contact", _to(pb.RemoveContact, "bob"), "contact_change", shows=_is(is_contact=False)),
    Row("remove_contact", "nobody", _to(pb.RemoveContact, "unknown"), "not_found"),
    Row("set_blocked", "anybody", _to(pb.SetBlocked, "cat", blocked=True), "contact_change", shows=_is(blocked=True)),
    Row("set_blocked", "nobody", _to(pb.SetBlocked, "unknown", blocked=True), "not_found"),
    Row("set_blocked", "oneself", _to(pb.SetBlocked, "ann", blocked=True), "invalid_request"),
    Row("list_contacts", "oneself", lambda w: pb.ListContacts(), "contacts",
        shows=lambda w, a: {one.user_id for one in a.contacts.contacts} == {w.id("bob"), w.id("fay")}),
    Row("list_contact_requests", "oneself", lambda w: pb.ListContactRequests(incoming=True), "contact_requests",
        shows=lambda w, a: [one.user_id for one in a.contact_requests.requests] == [w.id("eve")]),
    Row("watch_people", "contacts, and no others",
        lambda w: pb.WatchPeople(add=[w.id("bob"), w.id("cat"), UNKNOWN], remove=[w.id("bob")]), "watched_people",
        shows=lambda w, a: [one.user_id for one in a.watched_people.people] == [w.id("bob")]),
    Row("watch_people", "who blocks one", lambda w: pb.WatchPeople(add=[w.id("fay")]), "watched_people",
        shows=lambda w, a: not a.watched_people.people),
    Row("set_presence", "oneself", lambda w: pb.SetPresence(state=pb.AWAY), "done"),
    Row("set_presence", "who is here and is not", lambda w: pb.SetPresence(state=pb.OFFLINE), "invalid_request"),
    Row("list_sessions", "oneself", lambda w: pb.ListSessions(), "session_list",
        shows=lambda w, a: {one.device_id for one in a.session_list.sessions} == {"phone", "tablet"}),
    Row("end_sessions", "oneself", lambda w: pb.EndSessions(device_ids=["tablet"]), "done",
        shows=lambda w, a: w.tablet.lost and not w.clients["bob"].lost),
    Row("end_sessions", "a device of others", lambda w: pb.EndSessions(device_ids=["desk"]), "done",
        shows=lambda w, a: not any(client.lost for client in w.clients.values())),
    Row("list_conversations", "oneself", lambda w: pb.ListConversations(), "conversations",
        shows=lambda w, a: {one.conversation_id for one in a.conversations.conversations} == {w.talk, w.former}),
    Row("list_conversations", "a foreign one", lambda w: pb.ListConversations(conversation_ids=[w.foreign, UNKNOWN]),
        "conversations", shows=lambda w, a: not a.conversations.conversations),
    *_conversation("set_conversation", _in(pb.SetConversation, pinned=True), "done"),
    *_conversation("mark_read", _in(pb.MarkRead, seq=1), "done"),
    Row("mark_read", "the future", _in(pb.MarkRead, seq=1_000)("talk"), "invalid_request"),
    Row("mark_delivered", "a member",
        lambda w: pb.MarkDelivered(positions=[pb.Position(stream_id=w.talk, seq=1)]), "done"),
    Row("mark_delivered", "a foreign conversation",
        lambda w: pb.MarkDelivered(positions=[pb.Position(stream_id=w.foreign, seq=1)]), "not_found",
        like=lambda w: pb.MarkDelivered(positions=[pb.Position(stream_id=UNKNOWN, seq=1)])),
    *_conversation("get_receipts", _in(pb.GetReceipts), "receipts"),
    *_conversation("delete_messages", _in(pb.DeleteMessages, seqs=[1]), "done"),
    *_conversation("typing", _in(pb.Typing), "done", "not_contacts"),
]  # fmt: skip

UNANSWERED = frozenset({"pong"})
"""What anybody may say, and is told nothing."""
