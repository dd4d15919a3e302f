"""Conversations: the list of them, the user's own states of them, receipts, typing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from imchat.client.marks import ReadMarks
from imchat.client.requests import Call, paged
from imchat.client.translate import conversation_of, receipt_of
from imchat.client.values import Conversation, Receipt
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

MAX_NAMED = 100
"""Conversations or messages that one request may name."""


class Conversations:
    """The user's conversations.

    Args:
        call: Makes a request to the chat node.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._read = ReadMarks(call)

    def all(self, *, pinned: bool = False, hidden: bool = False, limit: int = 0) -> AsyncIterator[Conversation]:
        """The list, newest first.

        Args:
            pinned: Only those that are pinned.
            hidden: Also those that are hidden until the next message.
            limit: Conversations per page; 0 leaves it to the server.
        """

        def ask(cursor: bytes) -> Frame:
            query = pb.ListConversations(pinned=pinned, hidden=hidden, cursor=cursor, limit=limit)
            return Frame(list_conversations=query)

        def read(answer: Frame) -> tuple[Iterable[Conversation], bytes]:
            found = answer.conversations
            return map(conversation_of, found.conversations), found.next_cursor

        return paged(self._call, ask, read)

    async def some(self, conversation_ids: Iterable[int]) -> dict[int, Conversation]:
        """Those of these that the user is in, by id; hidden ones too."""
        wanted, found = list(dict.fromkeys(conversation_ids)), dict[int, Conversation]()
        for start in range(0, len(wanted), MAX_NAMED):
            query = pb.ListConversations(conversation_ids=wanted[start : start + MAX_NAMED], hidden=True)
            answer = await self._call(Frame(list_conversations=query))
            found.update((c.conversation_id, conversation_of(c)) for c in answer.conversations.conversations)
        return found

    async def set(
        self,
        conversation_id: int,
        *,
        pinned: bool | None = None,
        muted: bool | None = None,
        hidden: bool | None = None,
    ) -> None:
        """Pin, mute, or hide until the next message; what is None stays as it is."""
        request = pb.SetConversation(conversation_id=conversation_id, pinned=pinned, muted=muted, hidden=hidden)
        await self._call(Frame(set_conversation=request))

    async def mark_read(self, conversation_id: int, seq: int) -> None:
        """The user has read everything up to ``seq``."""
        await self._read.mark(conversation_id, seq)

    async def receipts(self, conversation_id: int) -> tuple[Receipt, ...]:
        """How far the other members have received and read."""
        answer = await self._call(Frame(get_receipts=pb.GetReceipts(conversation_id=conversation_id)))
        return tuple(map(receipt_of, answer.receipts.receipts))

    async def delete_messages(self, conversation_id: int, seqs: Iterable[int]) -> None:
        """Delete messages for oneself."""
        wanted = sorted(set(seqs))
        for start in range(0, len(wanted), MAX_NAMED):
            some = wanted[start : start + MAX_NAMED]
            await self._call(Frame(delete_messages=pb.DeleteMessages(conversation_id=conversation_id, seqs=some)))

    async def clear(self, conversation_id: int, through_seq: int) -> None:
        """Delete everything up to ``through_seq`` for oneself."""
        request = pb.DeleteMessages(conversation_id=conversation_id, through_seq=through_seq)
        await self._call(Frame(delete_messages=request))

    async def typing(self, conversation_id: int) -> None:
        """Tell the others that one is typing; say it again every few seconds while it is so."""
        await self._call(Frame(typing=pb.Typing(conversation_id=conversation_id)))
