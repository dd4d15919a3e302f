"""Messages and acts on messages: what is answered with ``Accepted`` once it is durable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from imchat.domain.content import Content, Edited, Message, Reacted, Recalled
from imchat.domain.errors import InvalidRequest
from imchat.net.content import from_wire
from imchat.wire import imchat_pb2 as pb


class Sent(NamedTuple):
    """What :meth:`imchat.chat.logic.send.Sender.submit` is to be given."""

    conversation_id: int
    client_id: bytes
    content: Content
    replacement: Content | None = None


def send_message(message: pb.Frame) -> Sent:
    """Say something."""
    body = message.send_message
    content = from_wire(body.content)
    if not isinstance(content, Message):
        # Acts have requests of their own.
        raise InvalidRequest("this kind of content is no message")
    return Sent(body.conversation_id, body.client_id, content)


def recall_message(message: pb.Frame) -> Sent:
    """Take a message back."""
    body = message.recall_message
    return Sent(body.conversation_id, body.client_id, Recalled(body.seq))


def edit_message(message: pb.Frame) -> Sent:
    """Say it in other words. To what the message replies stays as it is."""
    body = message.edit_message
    content = pb.Content()
    content.CopyFrom(body.content)
    content.ClearField("reply_to")
    return Sent(body.conversation_id, body.client_id, Edited(body.seq), from_wire(content))


def react(message: pb.Frame) -> Sent:
    """Set a reaction, or take it away."""
    body = message.react
    return Sent(body.conversation_id, body.client_id, Reacted(body.seq, body.emoji, body.remove))


SENDS: Mapping[str, Callable[[pb.Frame], Sent]] = {
    "send_message": send_message,
    "recall_message": recall_message,
    "edit_message": edit_message,
    "react": react,
}
"""By the name of the body. They raise ``InvalidRequest`` where there is no content, or one that nobody sends so."""
