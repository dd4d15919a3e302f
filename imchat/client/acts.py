"""Acts on messages: recall, edit, react. Each has one client id, however often it has to be sent.

They go through the outbox, among the messages: so they are saved before they are sent, also over an end of the
program, and those in one conversation keep their order: the last edit of two is the one that was made last.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from imchat.client.outbox import Accepted
from imchat.domain.content import Text, check_sendable
from imchat.net.content import to_wire
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

Perform = Callable[[int, bytes, Frame], Deferred[Accepted]]
"""Saves an act in a conversation and sends it until it is accepted or refused."""


class Acts:
    """What people do to messages.

    Args:
        perform: Where acts go.
        client_id: Makes the 16 bytes of an act.
    """

    def __init__(self, perform: Perform, client_id: Callable[[], bytes]) -> None:
        self._perform = perform
        self._client_id = client_id

    async def recall(self, conversation_id: int, seq: int) -> Accepted:
        """Take one's own message back.

        Raises:
            TooLate: the time for that is over.
            NotFound: there is no such message of one's own.
        """
        act = pb.RecallMessage(conversation_id=conversation_id, client_id=self._client_id(), seq=seq)
        return await self._perform(conversation_id, act.client_id, Frame(recall_message=act))

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
        return await self._perform(conversation_id, act.client_id, Frame(edit_message=act))

    async def react(self, conversation_id: int, seq: int, emoji: str, remove: bool = False) -> Accepted:
        """Set one's reaction on a message, or take it away."""
        act = pb.React(
            conversation_id=conversation_id, client_id=self._client_id(), seq=seq, emoji=emoji, remove=remove
        )
        return await self._perform(conversation_id, act.client_id, Frame(react=act))
