"""The list of conversations, own states, positions, deletion for oneself, and typing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imchat.chat.logic.connection import Live
from imchat.chat.requests.request import Request
from imchat.chat.translate import fill_event
from imchat.domain.conversations import Conversation, Receipt, Selection, StateChange
from imchat.domain.models import ConversationKind
from imchat.wire import imchat_pb2 as pb

if TYPE_CHECKING:
    from imchat.chat.services import Services

_KINDS = {ConversationKind.DIRECT: pb.ConversationKind.DIRECT, ConversationKind.GROUP: pb.ConversationKind.GROUP}


def _done() -> pb.Frame:
    return pb.Frame(done=pb.Done())


def _conversation_message(conversation: Conversation) -> pb.Conversation:
    head, state = conversation.head, conversation.state
    message = pb.Conversation(
        conversation_id=head.stream_id,
        kind=_KINDS[conversation.kind],
        member_ids=conversation.member_ids,
        title=conversation.title,
        avatar=conversation.avatar,
        last_seq=head.last_seq,
        last_message_seq=head.last_message_seq,
        last_ms=head.last_ms,
        unread=conversation.unread,
        mentioned=conversation.mentioned,
        counted=head.counted,
        mention_seq=conversation.mention_seq,
        state=pb.ConversationState(
            conversation_id=head.stream_id,
            pinned_ms=state.pinned_ms,
            muted=state.muted,
            hidden_seq=state.hidden_seq,
            cleared_seq=state.cleared_seq,
            read_seq=conversation.read_seq,
        ),
    )
    if conversation.newest is not None:
        fill_event(message.newest, conversation.newest)
    return message


def _receipt_message(receipt: Receipt) -> pb.Receipt:
    return pb.Receipt(
        conversation_id=receipt.conversation_id,
        user_id=receipt.user_id,
        delivered_seq=receipt.delivered_seq,
        read_seq=receipt.read_seq,
    )


async def list_conversations(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Which conversations are there?"""
    body = message.list_conversations
    selection = Selection(tuple(body.conversation_ids), body.pinned, body.hidden)
    found, cursor = await services.conversations.page(live, selection, body.cursor, body.limit)
    return pb.Frame(conversations=pb.Conversations(conversations=map(_conversation_message, found), next_cursor=cursor))


async def set_conversation(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Pin, mute or hide one."""
    body = message.set_conversation

    def given(field: str) -> bool | None:
        return bool(getattr(body, field)) if body.HasField(field) else None

    change = StateChange(given("pinned"), given("muted"), given("hidden"))
    await services.conversations.change(live, body.conversation_id, change)
    return _done()


async def delete_messages(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Delete for oneself."""
    body = message.delete_messages
    await services.conversations.delete(live, body.conversation_id, tuple(body.seqs), body.through_seq)
    return _done()


async def mark_read(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """One has read up to here."""
    body = message.mark_read
    await services.positions.read(live, body.conversation_id, body.seq)
    return _done()


async def mark_delivered(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """This device has received up to here."""
    positions = [(position.stream_id, position.seq) for position in message.mark_delivered.positions]
    await services.positions.delivered(live, positions)
    return _done()


async def get_receipts(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """How far have the others read?"""
    found = await services.positions.receipts(live, message.get_receipts.conversation_id)
    return pb.Frame(receipts=pb.Receipts(receipts=map(_receipt_message, found)))


async def typing(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """One is typing."""
    await services.typing_notices.typing(live, message.typing.conversation_id)
    return _done()


REQUESTS: Mapping[str, Request] = {
    "list_conversations": list_conversations,
    "set_conversation": set_conversation,
    "delete_messages": delete_messages,
    "mark_read": mark_read,
    "mark_delivered": mark_delivered,
    "get_receipts": get_receipts,
    "typing": typing,
}

LIGHT = frozenset({"mark_read", "mark_delivered", "typing"})
"""Requests whose answer is small and may take a second: they must not keep a client from being read from."""
