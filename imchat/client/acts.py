"""Acts on messages: recall, edit, react. Each has one client id, however often it has to be sent.

One can act on accepted messages only, so an act cannot overtake the message that it is about. Acts in one
conversation go one after another: the last edit of two is the one that was made last.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import DeferredLock

from imchat.client.outbox import Accepted
from imchat.client.requests import Call
from imchat.domain.content import Text, check_sendable
from imchat.net.content import to_wire
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame


class Acts:
    """What people do to messages.

    Args:
        call: Makes a request to the chat node until it is accepted or refused.
        client_id: Makes the 16 bytes of an act.
        happened: Told that a conversation has an event of this seq now: the sending connection gets no push of it.
    """

    def __init__(self, call: Call, client_id: Callable[[], bytes], happened: Callable[[int, int], None]) -> None:
        self._call = call
        self._client_id = client_id
        self._happened = happened
        self._locks: dict[int, DeferredLock] = {}

    async def recall(self, conversation_id: int, seq: int) -> Accepted:
        """Take one's own message back.

        Raises:
            TooLate: the time for that is over.
            NotFound: there is no such message of one's own.
        """
        act = pb.RecallMessage(conversation_id=conversation_id, client_id=self._client_id(), seq=seq)
        return await self._act(conversation_id, act.client_id, Frame(recall_message=act))

    async def edit(self, conversation_id: int, seq: int, content: str | Text) -> Accepted:
        """Change the text of one's own message.

        Raises:
            InvalidRequest: the text cannot be sent.
            TooLate: the time for that is over.
            NotFound: there is no such message of one's own.
        """
        content = Text(content) if isinstance(content, str) else content
        check_sendable(content)
        act = pb.EditMessage(
            conversation_id=conversation_id, client_id=self._client_id(), seq=seq, content=to_wire(content)
        )
        return await self._act(conversation_id, act.client_id, Frame(edit_message=act))

    async def react(self, conversation_id: int, seq: int, emoji: str, remove: bool = False) -> Accepted:
        """Set one's reaction on a message, or take it away."""
        act = pb.React(
            conversation_id=conversation_id, client_id=self._client_id(), seq=seq, emoji=emoji, remove=remove
        )
        return await self._act(conversation_id, act.client_id, Frame(react=act))

    async def _act(self, conversation_id: int, client_id: bytes, frame: Frame) -> Accepted:
        async with self._locks.setdefault(conversation_id, DeferredLock()):
            said = (await self._call(frame)).accepted
        self._happened(conversation_id, said.seq)
        return Accepted(conversation_id, client_id, said.seq, said.created_ms, said.ordinal)
