"""Contacts, requests and blocks of live sessions: rules, limits, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import Struct
from typing import TypeAlias

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Commit, Delivery, user_channel
from imchat.chat.logic.members import Memberships
from imchat.domain import contacts as rules
from imchat.domain.announcing import Announcer
from imchat.domain.contact_limits import check_greeting, check_labels, check_remark
from imchat.domain.contacts import Answer, ContactEdit, Rule
from imchat.domain.errors import InvalidRequest, NotFound, RateLimited
from imchat.domain.models import MAX_ID, UserCard
from imchat.domain.people import Contact, ContactRequest
from imchat.ports import ContactStore, Ids, Limit, RateLimiter, Related, RelationsChanged

PER_PAGE = 100
MAX_PER_PAGE = 200
"""With cards and labels of the greatest length an answer stays below the largest frame."""

_AFTER = Struct("!Q")
_CURSOR = Struct("!QQ")

ContactPage: TypeAlias = tuple[list[tuple[Contact, UserCard]], bytes]
"""Contacts, and the cursor of the next page, empty at the end."""

RequestPage: TypeAlias = tuple[list[tuple[ContactRequest, UserCard]], bytes]
"""The same of requests."""


class Contacts:
    """Who knows whom.

    Args:
        store: Where it stands.
        delivery: Tells both.
        memberships: What this node remembers of conversations.
        announcer: Makes drafts of notes.
        ids: For new ids.
        limiter: Counts requests for each account.
        requests: How many contact requests an account may make.
        clock: The time.
    """

    def __init__(
        self,
        store: ContactStore,
        delivery: Delivery,
        memberships: Memberships,
        announcer: Announcer,
        ids: Ids,
        limiter: RateLimiter,
        requests: Limit,
        clock: IReactorTime,
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._memberships = memberships
        self._announcer = announcer
        self._ids = ids
        self._limiter = limiter
        self._limit = requests
        self._clock = clock
        self._relations_changed: Callable[[int], None] = lambda user_id: None

    def report(self, relations_changed: Callable[[int], None]) -> None:
        """Set who is told that whom a user may watch is to be looked at anew; other nodes are told by a notice."""
        self._relations_changed = relations_changed

    async def request(self, live: Live, peer_id: int, greeting: str, remark: str) -> Related:
        """Ask somebody to become contacts. What changes nothing does not count.

        Raises:
            InvalidRequest: greeting or remark break the rules, or the peer is the user.
            NotFound: there is no such user.
            RateLimited: too many requests, or the peer declined a short time ago.
            TooMany: a list is full.
            ValueRefused: the user blocks the peer.
        """
        greeting, remark = check_greeting(greeting), check_remark(remark)
        key = f"contact-request:{live.user_id}"
        if wait_ms := await self._limiter.take(key, self._limit):
            raise RateLimited("too many contact requests", wait_ms)
        rule = partial(rules.request, greeting=greeting, remark=remark, now_ms=self._now_ms())
        counts = False
        try:
            related = await self._change(live, peer_id, rule)
            counts = bool(related.events)
        finally:
            if not counts:
                await self._limiter.give_back(key, self._limit)
        return related

    async def answer(self, live: Live, peer_id: int, given: int, remark: str) -> Related:
        """Answer somebody's request.

        Raises:
            InvalidRequest: no such answer, or the remark breaks the rules.
            NotFound: there is no request that waits for this answer.
            TooLate: it is expired.
            TooMany: a list is full.
            ValueRefused: the user blocks the peer.
        """
        remark = check_remark(remark)
        if given not in Answer.__members__.values():
            raise InvalidRequest("an answer is ACCEPT, DECLINE or IGNORE")
        rule = partial(rules.answer, given=Answer(given), remark=remark, now_ms=self._now_ms())
        return await self._change(live, peer_id, rule)

    async def edit(self, live: Live, peer_id: int, change: ContactEdit) -> Related:
        """Note something about a contact.

        Raises:
            InvalidRequest: remark or labels break the rules.
            NotFound: there is no such contact.
        """
        remark = None if change.remark is None else check_remark(change.remark)
        labels = None if change.labels is None else check_labels(change.labels)
        checked = ContactEdit(remark, labels, change.starred)
        return await self._change(live, peer_id, partial(rules.edit, change=checked))

    async def remove(self, live: Live, peer_id: int) -> Related:
        """Take somebody out of one's own list.

        Raises:
            NotFound: there is no such user.
        """
        return await self._change(live, peer_id, rules.remove)

    async def block(self, live: Live, peer_id: int, blocked: bool) -> Related:
        """Block somebody, or no more.

        Raises:
            NotFound: there is no such user.
            TooMany: too many are blocked.
        """
        return await self._change(live, peer_id, partial(rules.block, blocked=blocked, now_ms=self._now_ms()))

    async def contacts(self, live: Live, blocked: bool, cursor: bytes, limit: int) -> ContactPage:
        """A page of one's contacts, or of those whom one blocks.

        Raises:
            InvalidRequest: the cursor is not from here.
        """
        (after_id,) = _unpack(_AFTER, cursor) or (0,)
        page, after = await self._store.contacts(live.user_id, blocked, after_id, _count(limit))
        return page, b"" if after is None else _AFTER.pack(after)

    async def requests(self, live: Live, incoming: bool, every: bool, cursor: bytes, limit: int) -> RequestPage:
        """A page of requests, newest first.

        Raises:
            InvalidRequest: the cursor is not from here.
        """
        where = _unpack(_CURSOR, cursor)
        place = None if where is None else (where[0], where[1])
        found = await self._store.requests(live.user_id, incoming, every, place, _count(limit), self._now_ms())
        page, following = found
        return page, b"" if following is None else _CURSOR.pack(*following)

    async def _change(self, live: Live, peer_id: int, rule: Rule) -> Related:
        if peer_id == live.user_id:
            raise InvalidRequest("that is yourself")
        if not 0 < peer_id <= MAX_ID:
            raise NotFound("there is no such user")
        announce, new_id = self._announcer.begin(), self._ids.new_id()
        related = await self._store.change(live.user_id, peer_id, rule, new_id, announce, self._now_ms())
        self._deliver(live.user_id, peer_id, related)
        return related

    def _deliver(self, user_id: int, peer_id: int, related: Related) -> None:
        direct_id = related.conversation_id
        if related.moved and direct_id is not None:
            self._memberships.drop(direct_id)
        self._delivery.private(event for event in related.events if event.stream_id != direct_id)
        self._delivery.committed(Commit(event) for event in related.events if event.stream_id == direct_id)
        if related.moved:
            both = (user_id, peer_id)
            told = [(user_channel(one), RelationsChanged(one, direct_id or 0)) for one in both]
            self._delivery.publish(told)
            for one in both:
                self._relations_changed(one)

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)


def _count(limit: int) -> int:
    return min(limit, MAX_PER_PAGE) if limit else PER_PAGE


def _unpack(form: Struct, cursor: bytes) -> tuple[int, ...] | None:
    if not cursor:
        return None
    if len(cursor) != form.size:
        raise InvalidRequest("the cursor is not from here")
    numbers: tuple[int, ...] = form.unpack(cursor)
    if max(numbers) > MAX_ID:
        raise InvalidRequest("the cursor is not from here")
    return numbers
