"""Contacts, requests and blocks in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from imchat.domain.contacts import EXPIRY_MS, UNANSWERED, AskedState, Pair, Rule, seen_by_receiver, seen_by_sender
from imchat.domain.content import Note
from imchat.domain.errors import NotFound
from imchat.domain.models import MAX_ID, ConversationKind, Draft, Event, UserCard
from imchat.domain.notes import ConversationAdded, SystemLine
from imchat.domain.people import Contact, ContactRequest
from imchat.ports import Announce, Related
from imchat.store.sql.append import append, find, key, lock_heads
from imchat.store.sql.bulk import chunks, in_list, possible
from imchat.store.sql.cards import CARD_COLUMNS, CARD_WIDTH, card_of
from imchat.store.sql.conversations import direct_of, insert_direct
from imchat.store.sql.relations import (
    ASKED_COLUMNS,
    CONTACT_COLUMNS,
    CONTACT_WIDTH,
    asked_of,
    contact_of,
    read_pair,
    write_pair,
)
from imchat.store.sql.runner import Runner
from imchat.store.sql.transaction import Transaction

CONTACTS_MADE = "contacts_made"

_AT_ONCE = 200
_TRIES = 3

_RAISE = "UPDATE head SET member_version = member_version + 1 WHERE stream_id = ?"

_LIST = """
    SELECT {contact}, {card} FROM contact k JOIN account a ON a.user_id = k.peer_id
    WHERE k.user_id = ? AND k.peer_id > ? AND k.{column} = 1 ORDER BY k.peer_id LIMIT ?
"""

_REQUESTS = """
    SELECT r.{other}, {asked}, {card} FROM contact_request r JOIN account a ON a.user_id = r.{other}
    WHERE r.{own} = ? AND r.state IN ({states}) AND r.changed_ms > ?
        AND (r.changed_ms < ? OR (r.changed_ms = ? AND r.{other} < ?))
    ORDER BY r.changed_ms DESC, r.{other} DESC LIMIT ?
"""

_VISIBLE = """
    SELECT k.peer_id FROM contact k JOIN contact o ON o.user_id = k.peer_id AND o.peer_id = k.user_id
    WHERE k.user_id = ? AND k.is_contact = 1 AND o.is_contact = 1 AND o.blocked = 0 AND k.peer_id IN ({marks})
"""


class _Moved(Exception):
    """The two got a direct conversation before their heads were locked: it has to be locked too, in its turn."""


class _Change:
    """One call of :meth:`imchat.ports.ContactStore.change`, through all its tries.

    Args:
        user_id: Who acts.
        peer_id: On whom.
        rule: How they stand after it.
        conversation_id: Of the direct conversation, if they have none and get one.
        announce: Makes drafts of notes.
        now_ms: The time of the act.
    """

    def __init__(
        self, user_id: int, peer_id: int, rule: Rule, conversation_id: int, announce: Announce, now_ms: int
    ) -> None:
        self._user_id = user_id
        self._peer_id = peer_id
        self._pair = (min(user_id, peer_id), max(user_id, peer_id))
        self._rule = rule
        self._new_id = conversation_id
        self._announce = announce
        self._now_ms = now_ms
        # What an earlier try wanted to append: where it is stored, that try was committed.
        self._drafts: list[Draft] = []
        self._moved = False

    def run(self, tx: Transaction) -> Related:
        direct_id = direct_of(tx, *self._pair)
        lock_heads(tx, [*self._pair, *([] if direct_id is None else [direct_id])])
        if direct_of(tx, *self._pair) != direct_id:
            raise _Moved
        before = read_pair(tx, self._user_id, self._peer_id)
        if self._drafts and (stored := find(tx, map(key, self._drafts))):
            events = [stored[key(draft)].event for draft in self._drafts]
            return self._related(before, direct_id, events)
        self._moved = False
        after = self._rule(before)
        if after == before:
            return self._related(after, direct_id, ())
        return self._write(tx, before, after, direct_id)

    def _write(self, tx: Transaction, before: Pair, after: Pair, direct_id: int | None) -> Related:
        write_pair(tx, before, after)
        notes: list[tuple[int, Note]] = []
        made = after.contacts and not before.contacts
        if made and direct_id is None:
            direct_id = self._new_id
            insert_direct(tx, direct_id, self._pair, self._now_ms)
            notes = _added(direct_id, self._user_id, self._peer_id)
        notes += _told(self._user_id, before, after, self._now_ms)
        notes += _told(self._peer_id, before.turned(), after.turned(), self._now_ms)
        if made and direct_id is not None:
            notes.append((direct_id, SystemLine(CONTACTS_MADE, (self._user_id, self._peer_id))))
        self._moved = before.bearing != after.bearing
        if self._moved and direct_id is not None:
            tx.execute(_RAISE, (direct_id,))
        self._drafts = self._announce(notes)
        return self._related(after, direct_id, append(tx, self._drafts))

    def _related(self, pair: Pair, direct_id: int | None, events: Sequence[Event]) -> Related:
        return Related(pair.own, pair.requests(self._now_ms), tuple(events), direct_id, self._moved)


def _added(conversation_id: int, one_id: int, other_id: int) -> list[tuple[int, Note]]:
    kind = ConversationKind.DIRECT
    return [
        (one_id, ConversationAdded(conversation_id, kind, (other_id,))),
        (other_id, ConversationAdded(conversation_id, kind, (one_id,))),
    ]


def _told(user_id: int, before: Pair, after: Pair, now_ms: int) -> list[tuple[int, Note]]:
    """What a user is told of a change: all that they now see in another way than before."""
    known = before.requests(now_ms)
    notes: list[tuple[int, Note]] = [(user_id, request) for request in after.requests(now_ms) if request not in known]
    if after.own != before.own:
        notes.append((user_id, after.own))
    return notes


class SqlContacts:
    """The :class:`imchat.ports.ContactStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def change(
        self, user_id: int, peer_id: int, rule: Rule, conversation_id: int, announce: Announce, now_ms: int
    ) -> Related:
        """Bring two different users to where ``rule`` says, and append what both have to know of it."""
        if len(possible([user_id, peer_id])) != 2:
            raise NotFound("there is no such user")
        change = _Change(user_id, peer_id, rule, conversation_id, announce, now_ms)
        for _ in range(_TRIES - 1):
            try:
                return await self._writer.run("change contacts", change.run)
            except _Moved:
                # A conversation, once there, stays: at the next try it is seen in time.
                continue
        return await self._writer.run("change contacts", change.run)

    async def contacts(
        self, user_id: int, blocked: bool, after_id: int, limit: int
    ) -> tuple[list[tuple[Contact, UserCard]], int | None]:
        """The contacts of a user, or those whom they block, ascending by id and above ``after_id``."""
        column = "blocked" if blocked else "is_contact"
        query = _LIST.format(contact=CONTACT_COLUMNS, card=CARD_COLUMNS, column=column)
        rows = await self._reader.run("contacts", lambda tx: tx.query(query, (user_id, after_id, limit + 1)))
        page = [(contact_of(row[:CONTACT_WIDTH]), card_of(row[CONTACT_WIDTH:])) for row in rows[:limit]]
        return page, page[-1][0].user_id if len(rows) > limit else None

    async def requests(
        self, user_id: int, incoming: bool, every: bool, cursor: tuple[int, int] | None, limit: int, now_ms: int
    ) -> tuple[list[tuple[ContactRequest, UserCard]], tuple[int, int] | None]:
        """Requests to or from a user as they see them, newest change first."""
        other, own = ("from_id", "to_id") if incoming else ("to_id", "from_id")
        wanted = ", ".join(f"{state:d}" for state in _states(incoming, every))
        query = _REQUESTS.format(other=other, own=own, asked=ASKED_COLUMNS, card=CARD_COLUMNS, states=wanted)
        changed_ms, other_id = cursor or (MAX_ID, MAX_ID)
        bounds = (-1 if every else now_ms - EXPIRY_MS, changed_ms, changed_ms, other_id)
        rows = await self._reader.run("contact requests", lambda tx: tx.query(query, (user_id, *bounds, limit + 1)))
        page = []
        for row in rows[:limit]:
            asked, card = asked_of(row[1:-CARD_WIDTH]), card_of(row[-CARD_WIDTH:])
            seen = (seen_by_receiver if incoming else seen_by_sender)(row[0], asked, now_ms)
            if seen is not None:
                page.append((seen, card))
        return page, (rows[limit - 1][5], rows[limit - 1][0]) if len(rows) > limit else None

    async def visible_to(self, viewer_id: int, peer_ids: Sequence[int]) -> set[int]:
        """Those of the peers who have the viewer as a contact, and the viewer them, and who do not block the viewer."""

        def run(tx: Transaction) -> set[int]:
            found: set[int] = set()
            for part in chunks(possible(peer_ids), _AT_ONCE):
                marks, ids = in_list(part)
                found.update(row[0] for row in tx.query(_VISIBLE.format(marks=marks), (viewer_id, *ids)))
            return found

        return await self._reader.run("visible people", run) if peer_ids else set()


def _states(incoming: bool, every: bool) -> Sequence[AskedState]:
    if every:
        return [state for state in AskedState if not incoming or state is not AskedState.WITHHELD]
    return (AskedState.PENDING,) if incoming else UNANSWERED
