"""The list of a user's conversations, and what they decide about each."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.cursors import pack, unpack
from imchat.chat.logic.delivery import Delivery
from imchat.domain.announcing import Announcer
from imchat.domain.conversations import Conversation, Selection, StateChange, check_deletion
from imchat.domain.errors import InvalidRequest, NotFound, TooLarge
from imchat.domain.models import Event
from imchat.ports import OwnStateStore

PER_PAGE = 50
MAX_PER_PAGE = 100


class Conversations:
    """Answers and changes, for one user at a time.

    Args:
        store: The states.
        announcer: Makes the events of private streams.
        delivery: Delivers them.
        clock: The time.
    """

    def __init__(self, store: OwnStateStore, announcer: Announcer, delivery: Delivery, clock: IReactorTime) -> None:
        self._store = store
        self._announcer = announcer
        self._delivery = delivery
        self._clock = clock

    async def page(
        self, live: Live, selection: Selection, cursor: bytes, limit: int
    ) -> tuple[list[Conversation], bytes]:
        """One page of the user's conversations, newest first, and the cursor of the next; empty at the end.

        Args:
            cursor: From the page before, empty for the first.
            limit: Conversations on the page; 0 for the default.

        Raises:
            InvalidRequest: a cursor that is not from here, or one together with ids.
            TooLarge: too many ids.
        """
        if len(selection.ids) > MAX_PER_PAGE:
            raise TooLarge(f"at most {MAX_PER_PAGE} conversations at once")
        if selection.ids and cursor:
            raise InvalidRequest("a cursor does not go with ids")
        count = min(limit, MAX_PER_PAGE) if limit else PER_PAGE
        if selection.ids:
            count = MAX_PER_PAGE
        found, following = await self._store.conversations(live.user_id, selection, unpack(cursor), count)
        return found, pack(following)

    async def change(self, live: Live, conversation_id: int, change: StateChange) -> None:
        """Change the user's own state of a conversation.

        Raises:
            NotFound: there is no such conversation of the user's.
        """
        announce, now_ms = self._announcer.begin(), int(self._clock.seconds() * 1000)
        self._changed(await self._store.set_state(live.user_id, conversation_id, change, announce, now_ms))

    async def delete(self, live: Live, conversation_id: int, seqs: Sequence[int], through_seq: int) -> None:
        """Delete messages for the user alone.

        Raises:
            NotFound: there is no such conversation of the user's.
            InvalidRequest: there are no such messages.
            TooLarge: too many at once.
        """
        check_deletion(seqs, through_seq)
        announce = self._announcer.begin()
        self._changed(await self._store.delete(live.user_id, conversation_id, seqs, through_seq, announce))

    def _changed(self, events: Sequence[Event] | None) -> None:
        if events is None:
            raise NotFound("there is no such conversation")
        self._delivery.private(events)
