"""The rules of contacts, requests and blocks: pure functions from how two people stand to how they stand after an act.

A request is expired by the time at which it is looked at; nothing has to run for it. Who is ignored, and who asks
somebody that blocks them, goes on to see a pending request: nothing tells them, and nothing tells a contact who is
blocked from one who was removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from imchat.domain.errors import NotFound, RateLimited, TooLate, ValueRefused
from imchat.domain.people import Contact, ContactRequest, RequestState

DAY_MS = 24 * 3_600_000
REPEAT_MS = DAY_MS
"""A declined request can be repeated after so long."""
EXPIRY_MS = 30 * DAY_MS
"""A request that is not answered expires after so long."""


class Answer(IntEnum):
    """What the one who was asked says; the numbers are those of the protocol."""

    ACCEPT = 1
    DECLINE = 2
    IGNORE = 3


class AskedState(IntEnum):
    """The stored number of each state of a request.

    WITHHELD: the one who was asked blocked the other at that time; they never hear of it.
    """

    PENDING = 1
    ACCEPTED = 2
    DECLINED = 3
    IGNORED = 4
    WITHHELD = 6


UNANSWERED = (AskedState.PENDING, AskedState.IGNORED, AskedState.WITHHELD)
"""What the one who asked sees as pending."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it is stored. While it is unanswered, ``changed_ms`` is when it was made."""

    greeting: str
    remark: str
    state: AskedState
    created_ms: int
    changed_ms: int

    def is_open(self, now_ms: int) -> bool:
        """Whether it can be answered still."""
        return self.state in UNANSWERED and now_ms - self.changed_ms < EXPIRY_MS


@dataclass(frozen=True, slots=True)
class Pair:
    """How a user stands with another.

    Attributes:
        own: What the user has noted about the other.
        theirs: What the other has noted about the user.
        sent: The user's request to the other.
        received: The other's request to the user.
        peer_gone: The other's account was deleted.
    """

    own: Contact
    theirs: Contact
    sent: Asked | None = None
    received: Asked | None = None
    peer_gone: bool = False

    @property
    def contacts(self) -> bool:
        """Whether both have each other in their lists."""
        return self.own.is_contact and self.theirs.is_contact

    @property
    def bearing(self) -> tuple[bool, ...]:
        """All that bears on who may write to whom."""
        return self.own.is_contact, self.own.blocked, self.theirs.is_contact, self.theirs.blocked

    def turned(self) -> Pair:
        """The same, from the other's side."""
        return Pair(self.theirs, self.own, self.received, self.sent)

    def requests(self, now_ms: int) -> tuple[ContactRequest, ...]:
        """The requests of both directions as the user sees them."""
        peer_id = self.own.user_id
        sent = None if self.sent is None else seen_by_sender(peer_id, self.sent, now_ms)
        received = None if self.received is None else seen_by_receiver(peer_id, self.received, now_ms)
        return tuple(view for view in (sent, received) if view is not None)


Rule = Callable[[Pair], Pair]
"""An act: how two stand after it. Where it raises an :class:`imchat.domain.errors.IMError`, nothing is changed."""


@dataclass(frozen=True, slots=True)
class ContactEdit:
    """What is to be noted about a contact; None leaves it."""

    remark: str | None = None
    labels: tuple[str, ...] | None = None
    starred: bool | None = None


def seen_by_sender(receiver_id: int, asked: Asked, now_ms: int) -> ContactRequest:
    """A request as the one who asked sees it."""
    state, changed_ms = RequestState.PENDING, asked.changed_ms
    if asked.state not in UNANSWERED:
        state = RequestState(asked.state)
    elif not asked.is_open(now_ms):
        state, changed_ms = RequestState.EXPIRED, asked.changed_ms + EXPIRY_MS
    return ContactRequest(receiver_id, False, asked.greeting, asked.remark, state, asked.created_ms, changed_ms)


def seen_by_receiver(sender_id: int, asked: Asked, now_ms: int) -> ContactRequest | None:
    """A request as the one who was asked sees it; None where they must not hear of it."""
    if asked.state is AskedState.WITHHELD:
        return None
    state, changed_ms = RequestState(asked.state), asked.changed_ms
    if state is RequestState.PENDING and not asked.is_open(now_ms):
        state, changed_ms = RequestState.EXPIRED, asked.changed_ms + EXPIRY_MS
    return ContactRequest(sender_id, True, asked.greeting, "", state, asked.created_ms, changed_ms)


def request(pair: Pair, greeting: str, remark: str, now_ms: int) -> Pair:
    """Ask somebody to become contacts; whom one was asked by, and who has one in their list, becomes one at once.

    Raises:
        NotFound: the other's account is gone.
        ValueRefused: the user blocks the other.
        RateLimited: the other declined less than a day ago.
    """
    if pair.peer_gone:
        raise NotFound("there is no such user")
    blocked = pair.theirs.blocked
    if pair.contacts and not blocked:
        return pair
    if pair.own.blocked:
        raise ValueRefused("you block this user: unblock them first", field="user_id")
    if not blocked and (pair.theirs.is_contact or (pair.received is not None and pair.received.is_open(now_ms))):
        return _become_contacts(pair, remark, now_ms)
    return replace(pair, own=_called(pair.own, remark), sent=_asked(pair.sent, greeting, remark, blocked, now_ms))


def _asked(known: Asked | None, greeting: str, remark: str, blocked: bool, now_ms: int) -> Asked:
    if known is not None and known.is_open(now_ms):
        # Where it was withheld, and the other blocks no more, they hear of it now.
        heard = known.state is AskedState.WITHHELD and not blocked
        return replace(known, state=AskedState.PENDING) if heard else known
    if known is not None and known.state is AskedState.DECLINED and now_ms - known.changed_ms < REPEAT_MS:
        wait_ms = REPEAT_MS - max(0, now_ms - known.changed_ms)
        raise RateLimited("a declined request can be repeated after a day", wait_ms)
    state = AskedState.WITHHELD if blocked else AskedState.PENDING
    return Asked(greeting, remark, state, now_ms, now_ms)


def answer(pair: Pair, given: Answer, remark: str, now_ms: int) -> Pair:
    """Answer the other's request. An ignored one can still be accepted or declined.

    Raises:
        NotFound: the other did not ask, or the request has got another answer.
        TooLate: the request is expired.
        ValueRefused: the user blocks the other and wants to accept.
    """
    received = pair.received
    if received is None or received.state is AskedState.WITHHELD or pair.peer_gone:
        raise NotFound("there is no such request")
    if _is_so(pair, received, given):
        return pair
    if received.state not in UNANSWERED:
        raise NotFound("the request is answered already")
    if not received.is_open(now_ms):
        raise TooLate("the request is expired")
    if given is Answer.IGNORE:
        return replace(pair, received=replace(received, state=AskedState.IGNORED))
    if given is Answer.DECLINE:
        return replace(pair, received=replace(received, state=AskedState.DECLINED, changed_ms=now_ms))
    if pair.own.blocked:
        raise ValueRefused("you block this user: unblock them first", field="user_id")
    return _become_contacts(pair, remark, now_ms)


def _is_so(pair: Pair, received: Asked, given: Answer) -> bool:
    if given is Answer.ACCEPT:
        return received.state is AskedState.ACCEPTED and pair.contacts
    return received.state is (AskedState.DECLINED if given is Answer.DECLINE else AskedState.IGNORED)


def _become_contacts(pair: Pair, remark: str, now_ms: int) -> Pair:
    def settled(asked: Asked | None) -> Asked | None:
        if asked is None or not asked.is_open(now_ms):
            return asked
        return replace(asked, state=AskedState.ACCEPTED, changed_ms=now_ms)

    asked_remark = pair.received.remark if pair.received is not None and pair.received.is_open(now_ms) else ""
    return replace(
        pair,
        own=_called(_added(pair.own, remark, now_ms), remark),
        theirs=_added(pair.theirs, asked_remark, now_ms),
        sent=settled(pair.sent),
        received=settled(pair.received),
    )


def _added(contact: Contact, remark: str, now_ms: int) -> Contact:
    if contact.is_contact:
        # They noted what they wanted when they got this contact, or asked.
        return contact
    return replace(contact, is_contact=True, remark=remark, since_ms=now_ms)


def _called(contact: Contact, remark: str) -> Contact:
    """Of whom one has in the list still: what one calls them now, if one says so."""
    return replace(contact, remark=remark) if contact.is_contact and remark else contact


def edit(pair: Pair, change: ContactEdit) -> Pair:
    """Note something about a contact.

    Raises:
        NotFound: the other is not in the user's list.
    """
    own = pair.own
    if not own.is_contact:
        raise NotFound("there is no such contact")
    return replace(
        pair,
        own=replace(
            own,
            remark=own.remark if change.remark is None else change.remark,
            labels=own.labels if change.labels is None else change.labels,
            starred=own.starred if change.starred is None else change.starred,
        ),
    )


def remove(pair: Pair) -> Pair:
    """Take the other out of the user's list, with all that was noted; a block stays, and so does the other's list."""
    return replace(pair, own=Contact(pair.own.user_id, blocked=pair.own.blocked))


def block(pair: Pair, blocked: bool, now_ms: int) -> Pair:
    """Block the other, or no more. A request of theirs that waits is ignored; what a contact asked who did not know of
    the block is answered by its end."""
    received = pair.received
    if received is not None and received.is_open(now_ms):
        if blocked and received.state is AskedState.PENDING:
            received = replace(received, state=AskedState.IGNORED)
        elif not blocked and received.state is AskedState.WITHHELD and pair.contacts:
            received = replace(received, state=AskedState.ACCEPTED, changed_ms=now_ms)
    return replace(pair, own=replace(pair.own, blocked=blocked), received=received)
