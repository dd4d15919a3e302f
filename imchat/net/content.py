"""Content on the wire and in the store: the encoded ``Content`` message of the schema."""

from __future__ import annotations

from imchat.domain.content import Content, ContentKind, ConversationAdded, SessionsEnded, Text
from imchat.domain.errors import Unsupported
from imchat.wire import imchat_pb2 as pb


def to_wire(content: Content) -> pb.Content:
    """Return the wire message of a content."""
    match content:
        case Text():
            return pb.Content(text=pb.Text(text=content.text))
        case ConversationAdded():
            added = pb.ConversationAdded(
                conversation_id=content.conversation_id,
                kind=pb.ConversationKind.Name(content.conversation_kind),
                member_ids=content.member_ids,
            )
            return pb.Content(conversation_added=added)
        case SessionsEnded():
            return pb.Content(sessions_ended=pb.SessionsEnded(device_ids=content.device_ids, reason=content.reason))


def from_wire(message: pb.Content) -> Content:
    """Return the content of a wire message.

    Raises:
        Unsupported: empty, or of a kind that this program does not know.
    """
    match message.WhichOneof("body"):
        case "text":
            return Text(message.text.text)
        case "conversation_added":
            added = message.conversation_added
            return ConversationAdded(added.conversation_id, int(added.kind), tuple(added.member_ids))
        case "sessions_ended":
            ended = message.sessions_ended
            return SessionsEnded(tuple(ended.device_ids), ended.reason)
        case _:
            raise Unsupported("the content is empty or of a kind that this program does not know")


class WireContentCodec:
    """The :class:`imchat.domain.content.ContentCodec` that stores content as it travels."""

    def encode(self, content: Content) -> bytes:
        """Return the stored form, the same bytes for the same content."""
        return to_wire(content).SerializeToString(deterministic=True)

    def decode(self, kind: int, data: bytes) -> Content | None:
        """Return the content, None where this program does not know its kind."""
        if kind not in ContentKind.__members__.values():
            return None
        return from_wire(pb.Content.FromString(data))
