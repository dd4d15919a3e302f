"""The streams of which somebody on this node hears, and how far each was pushed here."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from imchat.chat.logic.connection import Live
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.domain.models import ConversationKind, Event, Membership
from imchat.ports import StreamStore


def conversation_channel(conversation_id: int) -> str:
    """The channel of a group."""
    return f"conversation:{conversation_id}"


class Hosted:
    """A stream of which somebody here hears.

    Args:
        seq: The mark: all up to it was pushed here, or is fetched by its clients when they come.
        private: It is a user's private stream.

    Attributes:
        known: The highest seq that is known to exist.
        users: How many users here hear of it.
        waiting: Events that are ahead of the mark, by seq, with the connections that know of them already.
    """

    __slots__ = ("known", "private", "seq", "users", "waiting")

    def __init__(self, seq: int, private: bool) -> None:
        self.seq = self.known = seq
        self.private = private
        self.users = 0
        self.waiting: dict[int, tuple[Event, Membership | None, tuple[Live, ...]]] = {}


class _User:
    """A user who is here: how many of their sessions, what they hear of, and who waits for that to be known."""

    __slots__ = ("groups", "loaded", "sessions", "streams", "waiting")

    def __init__(self) -> None:
        self.sessions = 0
        self.streams: set[int] = set()
        self.groups: set[int] = set()
        self.loaded = False
        self.waiting: list[Deferred[None]] | None = None


class Hosting:
    """Knows what this node hosts.

    Args:
        store: Tells of which streams a user hears.
        subscriptions: The channels of groups.
    """

    def __init__(self, store: StreamStore, subscriptions: Subscriptions) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._streams: dict[int, Hosted] = {}
        self._users: dict[int, _User] = {}
        self._missing: Callable[[int, int], None] = lambda stream_id, seq: None
        self._unheard: Callable[[int], None] = lambda stream_id: None

    def report(self, missing: Callable[[int, int], None], unheard: Callable[[int], None]) -> None:
        """Set who is told.

        Args:
            missing: A stream has events up to a seq that were not pushed.
            unheard: Nobody here hears of a stream any more, so that nothing is told of its members either.
        """
        self._missing, self._unheard = missing, unheard

    def get(self, stream_id: int) -> Hosted | None:
        """A stream, None if nobody here hears of it."""
        return self._streams.get(stream_id)

    def stream_ids(self) -> list[int]:
        """All streams."""
        return list(self._streams)

    def loaded(self, user_id: int) -> bool:
        """Whether a user is here, and all that they hear of is known."""
        user = self._users.get(user_id)
        return user is not None and user.loaded

    def hears(self, user_id: int, stream_id: int) -> bool:
        """Whether a user who is here is known to hear of a stream."""
        user = self._users.get(user_id)
        return user is not None and stream_id in user.streams

    def hold(self, user_id: int) -> None:
        """A session of a user is here."""
        self._users.setdefault(user_id, _User()).sessions += 1

    def release(self, user_id: int) -> None:
        """A session of a user has gone; with the last one, what only they heard of is forgotten."""
        user = self._users[user_id]
        user.sessions -= 1
        if user.sessions:
            return
        del self._users[user_id]
        for stream_id in user.streams:
            stream = self._streams[stream_id]
            stream.users -= 1
            if not stream.users:
                del self._streams[stream_id]
                self._unheard(stream_id)
        for group_id in user.groups:
            self._subscriptions.release(conversation_channel(group_id))

    async def load(self, user_id: int) -> None:
        """Learn what a user who is here hears of; their channel must be heard already.

        Raises:
            Unavailable: it cannot be read now.
        """
        user = self._users.get(user_id)
        while user is not None and user.waiting is not None:
            other: Deferred[None] = Deferred()
            user.waiting.append(other)
            await other
            user = self._users.get(user_id)
        if user is None or user.loaded:
            return
        user.waiting = []
        try:
            await self._read(user_id, user)
        finally:
            waiting, user.waiting = user.waiting, None
            for other in waiting:
                other.callback(None)

    async def _read(self, user_id: int, user: _User) -> None:
        found = await self._store.hosted(user_id)
        if self._users.get(user_id) is not user:
            return
        confirmed = [self._add(user, one.stream_id, one.last_seq, one.conversation_kind) for one in found]
        user.loaded = True
        for one in confirmed:
            if one is not None:
                await one

    def add(self, user_id: int, conversation_id: int, seq: int, kind: ConversationKind) -> Deferred[None] | None:
        """A user hears of one more conversation, if they are here.

        Args:
            seq: Whence on, unless the stream is hosted already.
            kind: A group has a channel of its own.

        Returns:
            For a group that the user did not hear of: fires when its channel is heard.
        """
        user = self._users.get(user_id)
        if user is None or not user.loaded:
            return None
        return self._add(user, conversation_id, seq, kind)

    def _add(self, user: _User, stream_id: int, seq: int, kind: ConversationKind | None) -> Deferred[None] | None:
        if stream_id in user.streams:
            return None
        user.streams.add(stream_id)
        stream = self._streams.get(stream_id)
        if stream is None:
            stream = self._streams[stream_id] = Hosted(seq, kind is None)
        elif seq > stream.seq:
            self._missing(stream_id, seq)
        stream.users += 1
        if kind is not ConversationKind.GROUP:
            return None
        user.groups.add(stream_id)
        return self._subscriptions.need(conversation_channel(stream_id))
