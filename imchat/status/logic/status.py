"""Sessions: whose token is good, and with which chat node it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.logger import Logger

from imchat.domain.content import ContentCodec, SessionsEnded, digest
from imchat.domain.errors import IMError, SessionEnded, SessionReplaced, Unauthenticated
from imchat.domain.models import SYSTEM_SENDER, Device, Draft, Ended, Login, NodeReport, Route, Session
from imchat.domain.sessions import ACCOUNT_DELETED, expires_ms, hash_of_text, token_hash, token_text
from imchat.ports import EventsAppended, Ids, Notice, PersonChanged, Publisher, SessionsClosed, SessionStore
from imchat.status.logic.nodes import Nodes
from imchat.status.settings import StatusSettings

LOGOUT = "logout"
"""The reason that a log-out leaves in the private stream."""

_log = Logger()


class StatusLogic:
    """The :class:`imchat.ports.StatusPort` of a status server.

    Args:
        ids: Where tokens come from.
        sessions: Keeps them.
        codec: Writes the event of an ended session.
        publisher: Tells the chat nodes. Its failure fails no request: the nodes' sweep finds what they were not told.
        nodes: Knows which nodes live.
        now_ms: The clock, in ms UTC.
        settings: The rules.
    """

    def __init__(
        self,
        ids: Ids,
        sessions: SessionStore,
        codec: ContentCodec,
        publisher: Publisher,
        nodes: Nodes,
        now_ms: Callable[[], int],
        settings: StatusSettings,
    ) -> None:
        self._ids = ids
        self._sessions = sessions
        self._codec = codec
        self._publisher = publisher
        self._nodes = nodes
        self._now_ms = now_ms
        self._settings = settings

    # --- chat nodes

    async def report(self, report: NodeReport) -> None:
        """Take a chat node's report of itself."""
        self._nodes.report(report)

    # --- sessions

    async def open_session(self, user_id: int, name: str, device: Device, token: bytes) -> Login:
        """Open a session for a new token and pick a node; an older session of the device is replaced.

        Raises:
            Unavailable: no chat node is up; no session was opened. Or the store is away.
        """
        route = self._nodes.route(user_id)
        now_ms = self._now_ms()
        generation = await self._sessions.open(user_id, device, token_hash(token), now_ms)
        if generation is not None:
            # Whoever is connected with the older token, wherever, holds nothing any more.
            notice = SessionsClosed(user_id, (device.device_id,), SessionReplaced.code, generation)
            await self._publish([(f"user:{user_id}", notice)])
        ends_ms = expires_ms(now_ms, self._settings.session_lifetime_ms)
        return Login(user_id, name, token_text(token), ends_ms, route)

    async def authenticate(self, token: str) -> Session:
        """Return the session of a token, which counts as use.

        Raises:
            Unauthenticated: it is wrong, expired or ended.
        """
        session = await self._sessions.by_token(hash_of_text(token), self._now_ms())
        if session is None:
            raise Unauthenticated("the token is not valid")
        return session

    async def route(self, token: str) -> tuple[Session, Route, int]:
        """Return session, chat nodes and expiry (ms UTC) of a token.

        Raises:
            Unauthenticated: as in :meth:`authenticate`.
            Unavailable: no chat node is up.
        """
        session = await self.authenticate(token)
        ends_ms = expires_ms(self._now_ms(), self._settings.session_lifetime_ms)
        return session, self._nodes.route(session.user_id), ends_ms

    async def end_session(self, token: str) -> None:
        """Log out: end the session of a token; one that is not valid (any more) is no error."""
        try:
            session = await self.authenticate(token)
        except Unauthenticated:
            return
        device_ids = (session.device.device_id,)
        farewell = self._farewell(session.user_id, device_ids, LOGOUT)
        # By the token, for the device may have logged in again since: its new session is not the one to end.
        ended = await self._sessions.end(session.user_id, device_ids, farewell, hash_of_text(token))
        if ended is not None:
            await self._tell(session.user_id, ended, device_ids)

    async def end_all_sessions(self, user_id: int, reason: str) -> None:
        """End every session of a user, on all nodes.

        Args:
            user_id: Whose.
            reason: What the user's devices are told: ``password_reset`` or ``operator``; with ``account_deleted`` also
                those who watch this person are told.
        """
        ended = await self._sessions.end(user_id, None, self._farewell(user_id, (), reason))
        # Told also where there was no session left: an earlier call may have ended them and died before it told.
        await self._tell(user_id, ended, None)
        if reason == ACCOUNT_DELETED:
            await self._publish([(f"person:{user_id}", PersonChanged(user_id, profile=True, presence=True))])

    async def end_other_sessions(self, user_id: int, device_id: str, reason: str) -> None:
        """End every session of a user but that of one device, on all nodes.

        Args:
            user_id: Whose.
            device_id: Which device keeps its session.
            reason: What the user's devices are told: ``password_change``.
        """
        sessions = await self._sessions.of_user(user_id, self._now_ms())
        others = tuple(one.device.device_id for one in sessions if one.device.device_id != device_id)
        ended = await self._sessions.end(user_id, others, self._farewell(user_id, others, reason))
        if ended is not None:
            await self._tell(user_id, ended, others)

    def _farewell(self, user_id: int, device_ids: tuple[str, ...], reason: str) -> Draft:
        content = SessionsEnded(device_ids, reason)
        data = self._codec.encode(content)
        kind = int(content.kind)
        return Draft(user_id, SYSTEM_SENDER, self._ids.client_id(), kind, data, digest(kind, data))

    async def _tell(self, user_id: int, ended: Ended | None, device_ids: tuple[str, ...] | None) -> None:
        channel = f"user:{user_id}"
        notices: list[tuple[str, Notice]] = []
        if ended is not None:
            # A private stream has no members but its owner, so no version of them.
            notices.append((channel, EventsAppended(user_id, 0, (ended.event,))))
        # Who has logged in again when the notice arrives is not meant by it.
        below = None if ended is None else ended.below_generation
        notices.append((channel, SessionsClosed(user_id, device_ids, SessionEnded.code, below)))
        await self._publish(notices)

    async def _publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Publish; what is ended is ended, so a failure fails nothing."""
        try:
            await self._publisher.publish(notices)
        except IMError:
            # The bus has told of its outage; chat nodes find ended sessions by their sweep.
            pass
        except Exception:
            _log.failure("publishing the end of sessions failed")
