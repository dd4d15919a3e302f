"""The client: one user's device on one server, from login to a clean end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twisted.internet.defer import Deferred, fail

from imchat.client.directory import Directory
from imchat.client.engine import Engine, Handler
from imchat.client.errors import NotLoggedIn
from imchat.client.inbox import Received
from imchat.client.login import Credentials
from imchat.client.options import Options, Outside
from imchat.client.outbox import Accepted
from imchat.client.receiver import received
from imchat.client.state import SavedSession
from imchat.domain.content import Content, Text, check_sendable
from imchat.domain.errors import IMError
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

FROM_THE_NEWEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a conversation, both ends included; events oldest first. Empty: ``to_seq == from_seq - 1``."""

    from_seq: int
    to_seq: int
    last_seq: int
    events: tuple[Received, ...]


class Client:
    """Logs in, stays connected, receives each event once and in order, sends each message once and in order.

    Args:
        outside: Servers, clock, randomness and state store.
        handler: Gets every event; without one nothing is received at all. A handler runs again with the same event
            if the process ended before it had returned and its position was saved.
        options: How to behave.

    Attributes:
        directory: Users by id and name.
    """

    def __init__(self, outside: Outside, handler: Handler | None = None, options: Options | None = None) -> None:
        self._engine = Engine(outside, handler, options or Options())
        self._directs: dict[int, int] = {}
        self.directory = Directory(self._engine.call)

    @property
    def session(self) -> SavedSession:
        """The session; there is one once :meth:`start` has fired.

        Raises:
            NotLoggedIn: there is none yet.
        """
        session = self._engine.keeper.session
        if session is None:
            raise NotLoggedIn("the client is not logged in")
        return session

    def start(self, credentials: Credentials | None = None, session: SavedSession | None = None) -> Deferred[None]:
        """Load the state, log in where there is no session, and begin to connect.

        Args:
            credentials: For a new session, where none of theirs is saved or the saved one is over.
            session: Take this session instead of the saved one.

        Returns:
            A Deferred that fires when there is a session; while the server is away it waits. It fails with
            :class:`IMError` where the server refuses, with :class:`NotLoggedIn`, :class:`StateError` or
            :class:`Stopped`.
        """
        return self._engine.start(credentials, session)

    def stop(self) -> Deferred[None]:
        """End: wait for handlers that run (a few seconds at most), close the connection, save the state.

        What is not acknowledged stays in the outbox for the next start; its senders get :class:`Stopped`.
        """
        return self._engine.stop()

    def when_closed(self) -> Deferred[None]:
        """A Deferred that fires when the client has ended: with None after :meth:`stop`, else with the reason.

        Reasons are an :class:`IMError` (``replaced``, ``session_ended``, ``unauthenticated``, ``upgrade_required``)
        or a :class:`StateError`.
        """
        return self._engine.when_closed()

    def send(self, conversation_id: int, content: str | Content) -> Deferred[Accepted]:
        """Send a message; it is saved first, and sent again until the server has accepted or refused it.

        Returns:
            A Deferred that fires when the message is durable at the server. It fails with the server's refusal, or
            with :class:`Stopped` (the message is kept). Cancelling it does not take the message back.
        """
        content = Text(content) if isinstance(content, str) else content
        try:
            check_sendable(content)
        except IMError as error:
            return fail(error)
        return self._engine.outbox.send(conversation_id, self._engine.ids.client_id(), content)

    def when_sent(self) -> Deferred[None]:
        """A Deferred that fires when the outbox is empty: all is accepted or refused."""
        return self._engine.outbox.when_empty()

    async def open_direct(self, user_id: int) -> int:
        """The id of the direct conversation with a user; it is made where there is none."""
        if user_id not in self._directs:
            answer = await self._engine.call(Frame(open_direct=pb.OpenDirect(user_id=user_id)))
            self._directs[user_id] = answer.direct_opened.conversation_id
        return self._directs[user_id]

    async def history(self, stream_id: int, before: int = FROM_THE_NEWEST, limit: int = 0) -> Page:
        """One page of a conversation, downwards.

        Args:
            before: Only events below this seq.
            limit: At most so many; 0 leaves it to the server.
        """
        query = pb.History(stream_id=stream_id, before=before, limit=limit)
        result = (await self._engine.call(Frame(history=query))).history_result
        return Page(result.from_seq, result.to_seq, result.last_seq, _in_order(result.events))


def _in_order(events: Iterable[pb.Event]) -> tuple[Received, ...]:
    return tuple(sorted(map(received, events), key=lambda event: event.seq))
