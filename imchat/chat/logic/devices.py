"""A user's own sessions: which there are, and the end of some."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Delivery, user_channel
from imchat.chat.logic.sessions import Sessions
from imchat.domain.announcing import Announcer
from imchat.domain.errors import InvalidRequest, SessionEnded, TooLarge
from imchat.domain.models import Ended
from imchat.domain.notes import SessionsEnded
from imchat.domain.people import SessionInfo
from imchat.domain.sessions import ENDED
from imchat.ports import SessionsClosed, SessionStore

MAX_LISTED = 1_000
"""Sessions of one list: with texts of the greatest length an answer stays below the largest frame."""

MAX_DEVICES = 100
"""Devices named in one request."""


class Devices:
    """Lists a user's sessions, and ends them on every node.

    Args:
        store: Where sessions are.
        sessions: Those that are here.
        delivery: To the user's other devices and to the other nodes.
        announcer: Writes it down for the user's devices.
        clock: The time.
    """

    def __init__(
        self,
        store: SessionStore,
        sessions: Sessions,
        delivery: Delivery,
        announcer: Announcer,
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._delivery = delivery
        self._announcer = announcer
        self._clock = clock

    async def list(self, live: Live) -> Sequence[SessionInfo]:
        """The user's sessions, the last used first; of too many those that were used last."""
        return (await self._all(live.user_id))[:MAX_LISTED]

    async def _all(self, user_id: int) -> Sequence[SessionInfo]:
        return await self._store.of_user(user_id, int(self._clock.seconds() * 1000))

    async def end(self, live: Live, device_ids: Sequence[str], all_others: bool) -> None:
        """End sessions of the user. What is no device of theirs is no error: it has no session.

        Args:
            live: Who asks.
            device_ids: Of which devices; their own too, whose connection ends after the answer.
            all_others: Of all devices but their own; there are no ``device_ids`` then.

        Raises:
            InvalidRequest: neither or both of them.
            TooLarge: too many devices.
        """
        if all_others == bool(device_ids):
            raise InvalidRequest("either device_ids, or all_others")
        if len(device_ids) > MAX_DEVICES:
            raise TooLarge(f"at most {MAX_DEVICES} devices at once")
        known = {info.device.device_id for info in await self._all(live.user_id)}
        chosen = known - {live.device_id} if all_others else known.intersection(device_ids)
        if chosen:
            await self._end(live.user_id, tuple(sorted(chosen)))

    async def _end(self, user_id: int, device_ids: tuple[str, ...]) -> None:
        (farewell,) = self._announcer.begin()([(user_id, SessionsEnded(device_ids, ENDED))])
        ended = await self._store.end(user_id, device_ids, farewell)
        if ended is not None:
            self._tell(user_id, device_ids, ended)

    def _tell(self, user_id: int, device_ids: tuple[str, ...], ended: Ended) -> None:
        self._delivery.private([ended.event])
        notice = SessionsClosed(user_id, device_ids, SessionEnded.code, ended.below_generation)
        self._delivery.publish([(user_channel(user_id), notice)])
        # In the next turn: who ends the session over which they ask gets the answer first.
        self._clock.callLater(0, self._sessions.closed, notice)
