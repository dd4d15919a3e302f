"""Somebody who looks at the database after every commit: how people stand with each other then, and who writes."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.simulation.database.faults import Injected, Plan
from tests.simulation.plain import PlainDatabase

if TYPE_CHECKING:
    from tests.simulation.world import World

Pair = tuple[int, int]

_CONTACTS = "SELECT user_id, peer_id, is_contact, blocked FROM contact"
_HIDDEN = "SELECT user_id, hidden_from_search FROM account"
_NEW = """
    SELECT e.stream_id, e.seq, e.sender_id, e.kind FROM event e JOIN conversation c ON c.conversation_id = e.stream_id
    WHERE e.stream_id = ? AND e.seq > ? AND e.sender_id <> 0 ORDER BY e.seq
"""
_HEADS = "SELECT h.stream_id, h.last_seq FROM head h JOIN conversation c ON c.conversation_id = h.stream_id"
_MEMBERS = "SELECT user_id FROM member WHERE conversation_id = ? ORDER BY user_id"


class Watch:
    """See the module.

    Args:
        world: Whose database.

    Attributes:
        violations: Events that were stored although the two might not talk.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._inner: Plan = world.database.plan
        world.database.plan = self._at_database
        self._last: dict[int, int] = defaultdict(int)
        self._may: dict[Pair, list[tuple[float, bool]]] = {}
        self._blocks: dict[Pair, list[tuple[float, bool]]] = {}
        self._hidden: dict[int, list[tuple[float, bool]]] = {}
        self.violations: list[str] = []

    def _at_database(self, point: str, process: str, kind: str) -> Injected | None:
        if point == "after_commit":
            self._look()
        return self._inner(point, process, kind)

    def _query(self, query: str, *values: int) -> list[tuple[int, ...]]:
        database = self._world.database
        if isinstance(database, PlainDatabase):
            return database._connection.execute(query, values).fetchall()
        database.storage.enter(None)
        return database.storage.connection.execute(query, values).fetchall()

    def _look(self) -> None:
        now = self._world.timeline.now
        rows = {(user, peer): (bool(one), bool(blocked)) for user, peer, one, blocked in self._query(_CONTACTS)}
        for (user, peer), (is_contact, blocked) in rows.items():
            theirs, blocks = rows.get((peer, user), (False, False))
            may = is_contact and theirs and not blocked and not blocks
            _note(self._may, (min(user, peer), max(user, peer)), now, may)
            _note(self._blocks, (user, peer), now, blocked)
        for user, hidden in self._query(_HIDDEN):
            _note(self._hidden, user, now, bool(hidden))
        for stream_id, last_seq in self._query(_HEADS):
            if last_seq > self._last[stream_id]:
                self._check(stream_id, self._last[stream_id])
                self._last[stream_id] = last_seq

    def _check(self, stream_id: int, after: int) -> None:
        members = tuple(row[0] for row in self._query(_MEMBERS, stream_id))
        for _, seq, sender_id, kind in self._query(_NEW, stream_id, after):
            known = self._may.get((min(members), max(members)))
            if sender_id not in members or known is None or not known[-1][1]:
                line = f"{stream_id}/{seq} (kind {kind}) of {sender_id} was stored while {members} may not talk"
                self.violations.append(f"not_permitted: {line}")

    # --- whether a refusal was right

    def forbade(self, one: int, other: int, since: float) -> bool:
        """Whether there was a moment since then in which two might not talk to each other."""
        return _any(self._may.get((min(one, other), max(one, other))), since, False, False)

    def blocked(self, user_id: int, peer_id: int, since: float) -> bool:
        """Whether there was a moment since then in which a user blocked another."""
        return _any(self._blocks.get((user_id, peer_id)), since, True, False)

    def hid(self, user_id: int, since: float, hidden: bool) -> bool:
        """Whether there was a moment since then in which somebody hid from search, or did not."""
        return _any(self._hidden.get(user_id), since, hidden, False)


def _note(journal: dict, key: object, now: float, value: bool) -> None:
    entries = journal.setdefault(key, [(0.0, False)])
    if entries[-1][1] != value:
        entries.append((now, value))


def _any(entries: list[tuple[float, bool]] | None, since: float, wanted: bool, at_first: bool) -> bool:
    """Whether a value was the wanted one at some moment since."""
    entries = entries or [(0.0, at_first)]
    begun = [place for place, (when, _) in enumerate(entries) if when <= since]
    return any(value == wanted for _, value in entries[begun[-1] if begun else 0 :])
