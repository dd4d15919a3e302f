"""One event in the hands of the application, and what it wants to send because of it."""

from __future__ import annotations

import hashlib
from struct import Struct

from imchat.client.inbox import Received
from imchat.domain.content import Content, check_sendable
from imchat.domain.models import CLIENT_ID_LENGTH

_REPLY = Struct("!QQQI")


def reply_id(user_id: int, stream_id: int, seq: int, index: int) -> bytes:
    """The client id of a reply: the same for the same reply to the same event, however often its handler runs."""
    packed = _REPLY.pack(user_id, stream_id, seq, index)
    return hashlib.sha256(b"imchat reply" + packed).digest()[:CLIENT_ID_LENGTH]


class Turn:
    """The handling of one event.

    What is sent by :meth:`reply` is saved together with the fact that the event was handled, when the handler has
    returned, and sent then. A handler that was interrupted before that runs again with the same event.

    Attributes:
        event: The event.
        user_id: This client's own user.
    """

    def __init__(self, event: Received, user_id: int) -> None:
        self.event = event
        self.user_id = user_id
        self._replies: list[tuple[int, bytes, Content]] = []
        self._ended = False

    @property
    def own(self) -> bool:
        """Whether this user sent the event, from whatever device."""
        return self.event.sender_id == self.user_id

    def reply(self, conversation_id: int, content: Content) -> None:
        """Send a message because of this event.

        Raises:
            InvalidRequest: the content cannot be sent.
            RuntimeError: the handler has returned already.
        """
        if self._ended:
            raise RuntimeError("the handler of this event has returned: use send() for what comes later")
        check_sendable(content)
        client_id = reply_id(self.user_id, self.event.stream_id, self.event.seq, len(self._replies))
        self._replies.append((conversation_id, client_id, content))

    def end(self) -> list[tuple[int, bytes, Content]]:
        """Take no more replies; return those that were made."""
        self._ended = True
        return self._replies
