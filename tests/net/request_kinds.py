"""Which bodies of a frame are requests: all but those that only a server sends."""

from __future__ import annotations

from imchat.wire import imchat_pb2 as pb

ANSWERS = frozenset({
    "welcome", "error", "direct_opened", "accepted", "sync_result", "history_result", "users", "profile", "people",
    "contact_change", "contact_requests", "contacts", "watched_people", "session_list", "conversations", "receipts",
    "done",
})  # fmt: skip
PUSHES = frozenset({"event", "stream_at", "goodbye", "move", "person_changed", "receipt", "typing_notice"})


def request_bodies() -> set[str]:
    """The names of all bodies that a client may send, a new one among them until it is listed here."""
    return {field.name for field in pb.Frame.DESCRIPTOR.oneofs_by_name["body"].fields} - ANSWERS - PUSHES
