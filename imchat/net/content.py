"""Content on the wire and in the store: the encoded ``Content`` message of the schema."""

from __future__ import annotations

from imchat.domain.content import Content, ContentKind
from imchat.domain.errors import Unsupported
from imchat.domain.messages import (
    Act,
    Card,
    Custom,
    Edited,
    File,
    Location,
    Message,
    Picture,
    Reacted,
    Recalled,
    Sticker,
    Text,
)
from imchat.net import notes
from imchat.wire import imchat_pb2 as pb


def to_wire(content: Content) -> pb.Content:
    """Return the wire message of a content."""
    message = pb.Content()
    if isinstance(content, Message):
        message.reply_to = content.reply_to
        message.mentions.extend(content.mentions)
        message.forwarded = content.forwarded
    match content:
        case Text():
            message.text.text = content.text
        case Sticker():
            message.sticker.CopyFrom(pb.Sticker(emoji=content.emoji, reference=content.reference))
        case Picture():
            _picture(message.picture, content)
        case File():
            file = pb.File(
                reference=content.reference, media_type=content.media_type, size=content.size, name=content.name
            )
            message.file.CopyFrom(file)
        case Card():
            message.card.CopyFrom(pb.Card(user_id=content.user_id))
        case Location():
            _location(message.location, content)
        case Custom():
            message.custom.CopyFrom(pb.Custom(media_type=content.media_type, data=content.data))
        case Recalled() | Edited() | Reacted():
            _fill_act(message, content)
        case _:
            notes.fill(message, content)
    return message


def _fill_act(message: pb.Content, act: Act) -> None:
    match act:
        case Recalled():
            message.recalled.seq = act.seq
        case Edited():
            message.edited.seq = act.seq
        case Reacted():
            message.reacted.CopyFrom(pb.Reacted(seq=act.seq, emoji=act.emoji, removed=act.removed))


def _picture(message: pb.Picture, content: Picture) -> None:
    message.reference, message.media_type, message.name = content.reference, content.media_type, content.name
    message.size, message.width, message.height = content.size, content.width, content.height


def _location(message: pb.Location, content: Location) -> None:
    message.latitude, message.longitude = content.latitude, content.longitude
    message.name, message.address = content.name, content.address


def from_wire(message: pb.Content) -> Content:
    """Return the content of a wire message.

    Raises:
        Unsupported: empty, or of a kind that this program does not know.
    """
    body = message.WhichOneof("body")
    found = _message(body, message) or _act(body, message) or notes.read(body, message)
    if found is None:
        raise Unsupported("the content is empty or of a kind that this program does not know")
    return found


def _message(body: str | None, message: pb.Content) -> Content | None:
    reply_to, mentions, forwarded = message.reply_to, tuple(message.mentions), message.forwarded
    match body:
        case "text":
            return Text(message.text.text, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case "sticker":
            s = message.sticker
            return Sticker(s.emoji, s.reference, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case "picture":
            p = message.picture
            fields = (p.reference, p.media_type, p.size, p.width, p.height, p.name)
            return Picture(*fields, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case "file":
            f = message.file
            parts = (f.reference, f.media_type, f.size, f.name)
            return File(*parts, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case "card":
            return Card(message.card.user_id, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case "location":
            at = message.location
            place = (at.latitude, at.longitude, at.name, at.address)
            return Location(*place, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case "custom":
            c = message.custom
            return Custom(c.media_type, c.data, reply_to=reply_to, mentions=mentions, forwarded=forwarded)
        case _:
            return None


def _act(body: str | None, message: pb.Content) -> Content | None:
    match body:
        case "recalled":
            return Recalled(message.recalled.seq)
        case "edited":
            return Edited(message.edited.seq)
        case "reacted":
            return Reacted(message.reacted.seq, message.reacted.emoji, message.reacted.removed)
        case _:
            return None


class WireContentCodec:
    """The :class:`imchat.domain.content.ContentCodec` that stores content as it travels."""

    def encode(self, content: Content) -> bytes:
        """Return the stored form, the same bytes for the same content."""
        return to_wire(content).SerializeToString(deterministic=True)

    def decode(self, kind: int, data: bytes) -> Content | None:
        """Return the content, None where this program does not know its kind or it is gone."""
        if not data or kind not in ContentKind.__members__.values():
            return None
        return from_wire(pb.Content.FromString(data))
