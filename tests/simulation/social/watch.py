"""Somebody who looks at the database after every commit: how people stand with each other then, and who writes."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING

from imchat.domain.acts import EDIT_MS, RECALL_MS
from imchat.domain.contacts import AskedState
from imchat.domain.kinds import ContentKind
from tests.simulation.database.faults import Injected, Plan
from tests.simulation.plain import PlainDatabase

if TYPE_CHECKING:
    from tests.simulation.world import World

Journal = dict[object, list[tuple[float, bool]]]
"""For each thing that is so or not: since when."""

_CONTACTS = "SELECT user_id, peer_id, is_contact, blocked FROM contact"
_REQUESTS = "SELECT from_id, to_id, state FROM contact_request"
_HIDDEN = "SELECT user_id, hidden_from_search FROM account"
_REACTIONS = "SELECT stream_id, seq, emoji, user_id FROM reaction"
_NEW = """
    SELECT e.stream_id, e.seq, e.sender_id, e.kind, e.target_seq FROM event e
    JOIN conversation c ON c.conversation_id = e.stream_id
    WHERE e.stream_id = ? AND e.seq > ? AND e.sender_id <> 0 ORDER BY e.seq
"""
_HEADS = "SELECT h.stream_id, h.last_seq FROM head h JOIN conversation c ON c.conversation_id = h.stream_id"
_MEMBERS = "SELECT user_id FROM member WHERE conversation_id = ? ORDER BY user_id"
_MESSAGE = "SELECT sender_id, created_ms, state FROM event WHERE stream_id = ? AND seq = ?"

LIMITS_MS = {ContentKind.RECALLED: RECALL_MS, ContentKind.EDITED: EDIT_MS}

SLACK_MS = 60_000
"""So long after it was judged, at most, an act is committed: locks are waited for."""


class Watch:
    """See the module.

    Args:
        world: Whose database.

    Attributes:
        violations: Events that were stored although they might not be.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._inner: Plan = world.database.plan
        world.database.plan = self._at_database
        self._last: dict[int, int] = defaultdict(int)
        self._journals: dict[str, Journal] = defaultdict(dict)
        self.violations: list[str] = []

    def _at_database(self, point: str, process: str, kind: str) -> Injected | None:
        if point == "after_commit":
            self._look()
        return self._inner(point, process, kind)

    def _query(self, query: str, *values: int) -> list[tuple]:
        database = self._world.database
        if isinstance(database, PlainDatabase):
            return database._connection.execute(query, values).fetchall()
        database.storage.enter(None)
        return database.storage.connection.execute(query, values).fetchall()

    def _look(self) -> None:
        rows = {(user, peer): (bool(one), bool(blocked)) for user, peer, one, blocked in self._query(_CONTACTS)}
        for (user, peer), (is_contact, blocked) in rows.items():
            theirs, blocks = rows.get((peer, user), (False, False))
            may = is_contact and theirs and not blocked and not blocks
            self._note("may", (min(user, peer), max(user, peer)), may)
            self._note("blocks", (user, peer), blocked)
            self._note("contact", (user, peer), is_contact)
        for asks, asked, state in self._query(_REQUESTS):
            self._note("answerable", (asks, asked), state in (AskedState.PENDING, AskedState.IGNORED))
            self._note("declined", (asks, asked), state == AskedState.DECLINED)
        for user, hidden in self._query(_HIDDEN):
            self._note("hidden", user, bool(hidden))
        given = {(stream, seq, bytes(emoji).decode(), user) for stream, seq, emoji, user in self._query(_REACTIONS)}
        for reaction in given.symmetric_difference(k for k, v in self._journals["reacted"].items() if v[-1][1]):
            self._note("reacted", reaction, reaction in given)
        for stream_id, last_seq in self._query(_HEADS):
            if last_seq > self._last[stream_id]:
                self._check(stream_id, self._last[stream_id])
                self._last[stream_id] = last_seq

    def _note(self, name: str, key: object, value: bool) -> None:
        entries = self._journals[name].setdefault(key, [(0.0, False)])
        if entries[-1][1] != value:
            entries.append((self._world.timeline.now, value))

    def _check(self, stream_id: int, after: int) -> None:
        members = tuple(row[0] for row in self._query(_MEMBERS, stream_id))
        known = self._journals["may"].get((min(members), max(members)), [(0.0, False)])
        for _, seq, sender_id, kind, target_seq in self._query(_NEW, stream_id, after):
            where = f"{stream_id}/{seq} (kind {kind}) of {sender_id} was stored"
            if sender_id not in members or not known[-1][1]:
                self.violations.append(f"not_permitted: {where} while {members} may not talk")
            age_ms = self.database_ms() - self.message(stream_id, target_seq)[1] if kind in LIMITS_MS else 0
            if kind in LIMITS_MS and age_ms > LIMITS_MS[kind] + SLACK_MS:
                self.violations.append(f"not_permitted: {where} {age_ms} ms after what it is about")

    # --- what is asked of it

    def message(self, stream_id: int, seq: int) -> tuple[int, int, int]:
        """Who said something, when, and what became of it."""
        return self._query(_MESSAGE, stream_id, seq)[0]

    def database_ms(self) -> int:
        """The time of the database."""
        return int(self._world.clock.seconds() * 1000)

    def was(self, name: str, key: object, wanted: bool, since: float, until: float = inf) -> bool:
        """Whether there was a moment since then, up to another, in which something was so (or not)."""
        entries = self._journals[name].get(key, [(0.0, False)])
        begun = [place for place, (when, _) in enumerate(entries) if when <= since]
        lasting = entries[begun[-1] if begun else 0 :]
        return any(value == wanted for when, value in lasting if when <= until)

    def forbade(self, one: int, other: int, since: float) -> bool:
        """Whether there was a moment since then in which two might not talk to each other."""
        return self.was("may", (min(one, other), max(one, other)), False, since)

    def allowed(self, one: int, other: int, since: float) -> bool:
        """Whether there was one in which they might."""
        return self.was("may", (min(one, other), max(one, other)), True, since)
