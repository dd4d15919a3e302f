"""That somebody is typing: told to those who are there, limited, stored nowhere."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.asides import Asides
from imchat.chat.logic.connection import Live
from imchat.chat.logic.members import Memberships
from imchat.domain.conversations import RECEIPTS_UP_TO
from imchat.domain.errors import IMError, NotFound, by_code
from imchat.domain.models import MAX_ID
from imchat.domain.permissions import ContactsPolicy, may_send
from imchat.ports import TypingSeen

INTERVAL_MS = 2_000
"""One notice in such a time, for each connection and conversation; what is more is left out."""

_ERRORS = by_code()


class TypingNotices:
    """Takes notices of those who may write.

    Args:
        memberships: Who may.
        asides: Tells the others.
        clock: The time.
        policy: Who may talk to whom directly.
    """

    def __init__(self, memberships: Memberships, asides: Asides, clock: IReactorTime, policy: ContactsPolicy) -> None:
        self._policy = policy
        self._memberships = memberships
        self._asides = asides
        self._clock = clock

    async def typing(self, live: Live, conversation_id: int) -> None:
        """A user is typing in a conversation.

        Raises:
            NotFound: there is no such conversation of the user's.
            IMError: the user may not write there, with the code of that.
        """
        if not 0 < conversation_id <= MAX_ID:
            raise NotFound("there is no such conversation")
        known = self._memberships.get(conversation_id)
        membership = known or await self._memberships.load(conversation_id)
        code = may_send(membership, live.user_id, self._policy)
        if code is not None and known is not None:
            # What is remembered here may be out of date: nobody is refused by it alone.
            membership = await self._memberships.load(conversation_id)
            code = may_send(membership, live.user_id, self._policy)
        if code is not None or membership is None:
            raise _ERRORS.get(code or NotFound.code, IMError)()
        if not self._due(live, conversation_id) or len(membership.members) > RECEIPTS_UP_TO:
            return
        for_ids = tuple(sorted(user_id for user_id in membership.members if user_id != live.user_id))
        self._asides.tell([TypingSeen(conversation_id, live.user_id, for_ids)])

    def _due(self, live: Live, conversation_id: int) -> bool:
        now_ms = int(self._clock.seconds() * 1000)
        for old_id in [an_id for an_id, told_ms in live.typed.items() if told_ms <= now_ms - INTERVAL_MS]:
            del live.typed[old_id]
        if conversation_id in live.typed:
            return False
        live.typed[conversation_id] = now_ms
        return True
