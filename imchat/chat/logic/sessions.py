"""Live sessions: Hello, one connection for each device, and the end of what is over."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Connection, Live
from imchat.chat.logic.delivery import Delivery, user_channel
from imchat.chat.logic.hosting import Hosting
from imchat.chat.logic.quota import Quota
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.domain.errors import IMError, SessionEnded, SessionReplaced, Unauthenticated, by_code
from imchat.domain.models import Session
from imchat.domain.sessions import hash_of_text
from imchat.ports import SessionsClosed, SessionStore

_ERRORS = by_code()


class Sessions:
    """Lets connections in, and shows them out.

    Args:
        store: Where sessions are.
        registry: Who is here.
        subscriptions: To hear of events for those who are here.
        hosting: What those who are here hear of.
        delivery: To tell other nodes.
        quota: Limits of what is live.
        clock: The time.
    """

    def __init__(
        self,
        store: SessionStore,
        registry: Registry,
        subscriptions: Subscriptions,
        hosting: Hosting,
        delivery: Delivery,
        quota: Quota,
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._registry = registry
        self._subscriptions = subscriptions
        self._hosting = hosting
        self._delivery = delivery
        self._quota = quota
        self._clock = clock
        self._greeting: dict[Connection, None] = {}
        self._began: Callable[[Live], None] = lambda live: None
        self._ended: tuple[Callable[[Live], None], ...] = ()

    def report(self, began: Callable[[Live], None], *ended: Callable[[Live], None]) -> None:
        """Set who is told of sessions that begin here, and who of those that end, whether they were told before or not.

        A session begins when its Hello is answered.
        """
        self._began, self._ended = began, ended

    async def hello(self, connection: Connection, token: str, device_id: str, address: str = "") -> Live | None:
        """Find the session of a connection and register it.

        Of two connections of one session the one that said Hello later stays, on whichever node.

        Args:
            token: The text that the client holds.
            device_id: The device for which it was issued.
            address: Where the client is, for the user's list of sessions.

        Returns:
            The live session; None if the connection ended meanwhile, or was told why it must.

        Raises:
            Unauthenticated: the token is wrong, expired, ended, or of another device.
            Unavailable: it cannot be checked now.
        """
        token_hash = hash_of_text(token)
        self._greeting[connection] = None
        try:
            session = await self._store.hello(token_hash, device_id, self._now_ms(), address)
        finally:
            here = self._greeting.pop(connection, False) is None
        if session is None:
            raise Unauthenticated("the session is over, or is that of another device")
        if not here:
            return None
        # Needed before a connection that this one replaces lets go of it.
        confirmed = self._need(session.user_id)
        live = self._register(connection, session)
        if live is None:
            self._release(session.user_id)
            return None
        await confirmed
        # The marks are taken when nothing can be missed any more and before the client asks for what is new.
        await self._hosting.load(session.user_id)
        await self._check_again(live)
        if self._registry.of_connection(connection) is not live:
            return None
        self._began(live)
        return live

    def _register(self, connection: Connection, session: Session) -> Live | None:
        other = self._registry.of_device(session.user_id, session.device.device_id)
        if other is not None and other.generation > session.generation:
            connection.goodbye(_replaced())
            return None
        live = self._quota.join(connection, session)
        if other is not None:
            self.end(other, _replaced())
        self._registry.add(live)
        notice = SessionsClosed(live.user_id, (live.device_id,), SessionReplaced.code, live.generation)
        self._delivery.publish([(user_channel(live.user_id), notice)])
        return live

    async def _check_again(self, live: Live) -> None:
        """What ended between the look-up and the subscription was not heard of: it is in the store by now."""
        key = (live.user_id, live.device_id)
        self.compare(live, (await self._store.generations([key])).get(key))

    def compare(self, live: Live, generation: int | None) -> None:
        """End a live session if the store no longer has it as it is here.

        Args:
            generation: As the store has it, read after the session was registered; None if the session is gone.
        """
        if generation is None:
            self.end(live, SessionEnded("the session was ended"))
        elif generation != live.generation:
            self.end(live, _replaced())

    def closed(self, notice: SessionsClosed) -> None:
        """Sessions were ended or replaced elsewhere."""
        for live in self._registry.of_user(notice.user_id):
            if notice.device_ids is not None and live.device_id not in notice.device_ids:
                continue
            if notice.below_generation is None or live.generation < notice.below_generation:
                self.end(live, _closing_error(notice.code))

    def end(self, live: Live, error: IMError) -> None:
        """End a live session: tell its connection why, and close it. What it has sent goes on."""
        if self._forget(live):
            live.connection.goodbye(error)

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self._greeting.pop(connection, None)
        live = self._registry.of_connection(connection)
        if live is not None:
            self._forget(live)

    def _forget(self, live: Live) -> bool:
        known = self._registry.remove(live)
        if known:
            self._quota.leave(live)
            self._release(live.user_id)
            for ended in self._ended:
                ended(live)
        return known

    def _need(self, user_id: int) -> Deferred[None]:
        self._hosting.hold(user_id)
        return self._subscriptions.need(user_channel(user_id))

    def _release(self, user_id: int) -> None:
        self._hosting.release(user_id)
        self._subscriptions.release(user_channel(user_id))

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)


def _replaced() -> SessionReplaced:
    return SessionReplaced("this device has connected again")


def _closing_error(code: str) -> IMError:
    if code == SessionReplaced.code:
        return _replaced()
    return _ERRORS.get(code, SessionEnded)("the session was ended")
