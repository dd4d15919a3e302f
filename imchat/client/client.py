"""The client: one user's device on one server, from login to a clean end."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from imchat.client.acts import Acts
from imchat.client.contacts import Contacts
from imchat.client.conversations import Conversations
from imchat.client.devices import Devices
from imchat.client.directory import Directory
from imchat.client.engine import Engine, Handler
from imchat.client.errors import NotLoggedIn
from imchat.client.inbox import Received
from imchat.client.login import Credentials
from imchat.client.options import Options, Outside
from imchat.client.outbox import Accepted
from imchat.client.people import People
from imchat.client.pushes import Listeners
from imchat.client.state import SavedSession
from imchat.client.translate import received
from imchat.client.values import PersonChange, Receipt, TypingSeen
from imchat.domain.content import Content, Text, check_sendable
from imchat.domain.errors import IMError
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

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
        people: Profile, search, presence.
        contacts: Contacts and contact requests.
        conversations: The list of conversations and the user's own states of them.
        acts: Recall, edit, react.
        devices: The user's own sessions.
    """

    def __init__(self, outside: Outside, handler: Handler | None = None, options: Options | None = None) -> None:
        self._engine = Engine(outside, handler, options or Options())
        self._directs: dict[int, int] = {}
        self._listeners = Listeners()
        call = self._engine.call
        self.directory = Directory(call)
        self.people = People(call, self._listeners.tell_person)
        self.contacts = Contacts(call)
        self.conversations = Conversations(call)
        self.acts = Acts(self._engine.outbox.act, self._engine.ids.client_id)
        self.devices = Devices(call)
        self._engine.on_push = self._listeners.pushed
        self.on_synced(self._say_again)

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

    # --- being told

    def on_person(self, listener: Callable[[PersonChange], object]) -> None:
        """Call this function with what is new of people who are watched (:meth:`People.watch`)."""
        self._listeners.person.append(listener)

    def on_receipt(self, listener: Callable[[Receipt], object]) -> None:
        """Call this function when another member has received or read more."""
        self._listeners.receipt.append(listener)

    def on_typing(self, listener: Callable[[TypingSeen], object]) -> None:
        """Call this function while somebody types."""
        self._listeners.typing.append(listener)

    def on_synced(self, listener: Callable[[], None]) -> None:
        """Call this function after each login, when it is known what there is in which stream."""
        self._engine.on_synced.append(listener)

    def on_skipped(self, listener: Callable[[], None]) -> None:
        """Call this function when events of the private stream were skipped (``Options.private_lag``)."""
        self._engine.on_skipped.append(listener)

    def in_background(self, name: str, work: Coroutine[Deferred[Any], Any, None]) -> None:
        """Run a coroutine until it or the client ends; a refusal of the server is logged under this name."""
        self._engine.background.start(_logged(name, work))

    def _say_again(self) -> None:
        self.in_background("being away, and watching people", self.people.say_again())

    # --- requests

    async def open_direct(self, user_id: int) -> int:
        """The id of the direct conversation with a user; it is made where there is none."""
        if user_id not in self._directs:
            answer = await self._engine.call(Frame(open_direct=pb.OpenDirect(user_id=user_id)))
            self._directs[user_id] = answer.direct_opened.conversation_id
        return self._directs[user_id]

    async def history(
        self,
        stream_id: int,
        before: int = FROM_THE_NEWEST,
        limit: int = 0,
        *,
        after: int | None = None,
        since_ms: int = 0,
        before_ms: int = 0,
    ) -> Page:
        """One page of a conversation: downwards, or upwards with ``after`` or ``since_ms``.

        Args:
            before: Only events below this seq.
            limit: At most so many; 0 leaves it to the server.
            after: Only events above this seq, upwards.
            since_ms: Instead of a seq: the first events at or after this time, upwards.
            before_ms: Instead of a seq: the last events before this time, downwards.
        """
        query = pb.History(stream_id=stream_id, limit=limit, since_ms=since_ms, before_ms=before_ms)
        if after is not None:
            query.after = after
        elif not since_ms and not before_ms:
            query.before = before
        result = (await self._engine.call(Frame(history=query))).history_result
        return Page(result.from_seq, result.to_seq, result.last_seq, _in_order(result.events))


async def _logged(name: str, work: Coroutine[Deferred[Any], Any, None]) -> None:
    try:
        await work
    except IMError as error:
        _log.warn("{name}: the server refuses: {code}", name=name, code=error.code)


def _in_order(events: Iterable[pb.Event]) -> tuple[Received, ...]:
    return tuple(sorted(map(received, events), key=lambda event: event.seq))
