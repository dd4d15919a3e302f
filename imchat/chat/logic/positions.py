"""How far people have received and read: what they say of themselves, and what the others are told."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from imchat.chat.logic.asides import Asides
from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Delivery
from imchat.chat.logic.gathering import Gathering
from imchat.chat.logic.members import Memberships
from imchat.domain.announcing import Announcer
from imchat.domain.conversations import Mark, Receipt, told_of_receipts
from imchat.domain.errors import InvalidRequest, NotFound, TooLarge, Unavailable
from imchat.domain.models import MAX_ID
from imchat.domain.permissions import may_be_told
from imchat.ports import Marked, PositionStore, ReceiptMoved, Spawn

MAX_POSITIONS = 100
"""Of one request."""


class Positions:
    """Takes positions, and tells receipts.

    Args:
        store: The positions.
        announcer: Makes the events of private streams.
        delivery: Delivers them.
        asides: Tells receipts.
        memberships: Who talks with whom.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self,
        store: PositionStore,
        announcer: Announcer,
        delivery: Delivery,
        asides: Asides,
        memberships: Memberships,
        clock: IReactorTime,
        spawn: Spawn,
    ) -> None:
        self._store = store
        self._announcer = announcer
        self._delivery = delivery
        self._asides = asides
        self._memberships = memberships
        self._spawn = spawn
        self._read = Gathering("marking as read", self._write_read, clock, spawn)
        self._delivered = Gathering("marking as delivered", self._write_delivered, clock, spawn)

    async def read(self, live: Live, conversation_id: int, seq: int) -> None:
        """A user has read a conversation up to a seq; returns when that is durable.

        Raises:
            NotFound: there is no such conversation of the user's.
            InvalidRequest: there is no such event.
        """
        await self._read.add(_mark(live, conversation_id, seq))

    async def delivered(self, live: Live, positions: Sequence[tuple[int, int]]) -> None:
        """A device has received conversations up to these (conversation, seq); returns when that is durable.

        Where one of them is refused, the others are written all the same.

        Raises:
            NotFound: as in :meth:`read`.
            InvalidRequest: as in :meth:`read`.
            TooLarge: too many at once.
        """
        if len(positions) > MAX_POSITIONS:
            raise TooLarge(f"at most {MAX_POSITIONS} positions")
        # All are looked at before any is taken.
        marks = [_mark(live, conversation_id, seq) for conversation_id, seq in positions]
        results = await DeferredList([self._delivered.add(mark) for mark in marks], consumeErrors=True)
        for _, failure in results:
            if isinstance(failure, Failure):
                failure.raiseException()

    async def receipts(self, live: Live, conversation_id: int) -> list[Receipt]:
        """Where the other members of a conversation are, but for those who block or are blocked.

        None where the user sends no receipts.

        Raises:
            NotFound: there is no such conversation of the user's.
        """
        found = await self._store.receipts(live.user_id, conversation_id)
        if found is None:
            raise NotFound("there is no such conversation")
        membership = await self._memberships.load(conversation_id) if found else None
        return [one for one in found if may_be_told(membership, one.user_id, live.user_id)]

    async def _write_read(self, marks: Sequence[Mark]) -> Sequence[str | None]:
        marked = await self._store.mark_read(marks, self._announcer.begin())
        self._delivery.private(marked.events)
        self._tell(marked)
        return marked.refusals

    async def _write_delivered(self, marks: Sequence[Mark]) -> Sequence[str | None]:
        marked = await self._store.mark_delivered(marks)
        self._tell(marked)
        return marked.refusals

    def _tell(self, marked: Marked) -> None:
        if marked.moved:
            # Nobody waits for it: the positions are durable.
            self._spawn("telling receipts", self._tell_receipts(marked.moved))

    async def _tell_receipts(self, moved: Sequence[Receipt]) -> None:
        try:
            takers = await self._store.takers(sorted({one.conversation_id for one in moved}))
            notices = []
            for one in moved:
                told = told_of_receipts(one.user_id, takers.get(one.conversation_id, frozenset()))
                if told and (for_ids := await self._permitted(one, told)):
                    place = (one.conversation_id, one.user_id)
                    notices.append(ReceiptMoved(*place, one.delivered_seq, one.read_seq, for_ids))
        except Unavailable:
            # Who asks for receipts gets these too.
            return
        self._asides.tell(notices)

    async def _permitted(self, moved: Receipt, told: Sequence[int]) -> tuple[int, ...]:
        known = self._memberships.get(moved.conversation_id)
        membership = known or await self._memberships.load(moved.conversation_id)
        return tuple(user_id for user_id in told if may_be_told(membership, moved.user_id, user_id))


def _mark(live: Live, conversation_id: int, seq: int) -> Mark:
    if not 0 < conversation_id <= MAX_ID:
        raise NotFound("there is no such conversation")
    if not 0 < seq <= MAX_ID:
        raise InvalidRequest("there is no event of such a number")
    return Mark(live.user_id, conversation_id, seq)
