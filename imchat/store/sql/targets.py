"""The messages that the drafts of one flush are about, as they stand while it goes on, under the locks of the heads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imchat.domain.acts import edited, may_edit, may_react, may_recall, may_reply, reacted, recalled
from imchat.domain.kinds import ContentKind
from imchat.domain.models import MAX_ID, Draft, Event
from imchat.store.sql.bulk import EVENT_COLUMNS, chunks, event_of
from imchat.store.sql.effects import Effects, Place, ReactionRow, TargetRow
from imchat.store.sql.transaction import Row, Transaction

PLACES_AT_ONCE = 64


def _rows(tx: Transaction, columns: str, places: Iterable[tuple[int, ...]], named: str, ends: str = "") -> list[Row]:
    """Rows by a few numbers each; their count is padded to a power of two, so that there are few texts.

    Args:
        columns: With the table.
        places: The numbers: stream_id, seq, and what more there is.
        named: The condition on one of them.
        ends: What follows the conditions.
    """
    found: list[Row] = []
    # A seq is as a client gave it.
    possible = {place for place in places if 0 < place[1] <= MAX_ID}
    for part in chunks(sorted(possible), PLACES_AT_ONCE):
        padded = [*part, *[part[-1]] * ((1 << (len(part) - 1).bit_length()) - len(part))]
        query = f"SELECT {columns} WHERE {' OR '.join([named] * len(padded))}{ends}"
        found += tx.query(query, [number for place in padded for number in place])
    return found


def read_events(tx: Transaction, places: Iterable[Place]) -> dict[Place, Event]:
    """Those events that exist, by their places."""
    rows = _rows(tx, f"{EVENT_COLUMNS} FROM event", places, "(stream_id = ? AND seq = ?)")
    return {(event.stream_id, event.seq): event for event in map(event_of, rows)}


class Targets:
    """Judges drafts that are about messages, and keeps what they change.

    Args:
        tx: A transaction that has the heads locked.
        drafts: Those that may be stored.
        others: Other places whose events are needed.
    """

    def __init__(self, tx: Transaction, drafts: Sequence[Draft], others: Iterable[Place]) -> None:
        self._events = read_events(tx, [*((draft.stream_id, draft.target) for draft in drafts), *others])
        self._kinds: dict[Place, dict[bytes, int]] = {}
        self._own: dict[tuple[int, int, int], set[bytes]] = {}
        self._rewritten: dict[Place, bool] = {}
        self._cleared: dict[Place, None] = {}
        self._before: dict[ReactionRow, bool] = {}
        reactions = [draft for draft in drafts if draft.kind == ContentKind.REACTED]
        if reactions:
            self._read_reactions(tx, reactions)

    def _read_reactions(self, tx: Transaction, drafts: Sequence[Draft]) -> None:
        places = {(draft.stream_id, draft.target) for draft in drafts}
        columns, ends = "stream_id, seq, emoji, COUNT(*) FROM reaction", " GROUP BY stream_id, seq, emoji"
        for stream_id, seq, emoji, count in _rows(tx, columns, places, "(stream_id = ? AND seq = ?)", ends):
            self._kinds.setdefault((stream_id, seq), {})[bytes(emoji)] = int(count)
        people = {(draft.stream_id, draft.target, draft.sender_id) for draft in drafts}
        columns, named = "stream_id, seq, user_id, emoji FROM reaction", "(stream_id = ? AND seq = ? AND user_id = ?)"
        for stream_id, seq, user_id, emoji in _rows(tx, columns, people, named):
            self._own.setdefault((stream_id, seq, user_id), set()).add(bytes(emoji))

    def get(self, place: Place) -> Event | None:
        """An event that drafts are about, as it stands now."""
        return self._events.get(place)

    def placed(self, event: Event) -> None:
        """An event got its place in this flush: what follows may be about it."""
        self._events[event.stream_id, event.seq] = event

    def refusal(self, draft: Draft, now_ms: int) -> str | None:
        """Why a draft must not be stored, as far as its target decides."""
        place, user_id = (draft.stream_id, draft.target), draft.sender_id
        target = self._events.get(place)
        match draft.kind:
            case ContentKind.RECALLED:
                return may_recall(user_id, target, now_ms)
            case ContentKind.EDITED:
                return may_edit(user_id, target, now_ms)
            case ContentKind.REACTED:
                own = self._own.get((*place, user_id), set())
                return may_react(target, draft.emoji, draft.removed, own, self._kinds.get(place, {}))
            case _:
                return may_reply(target)

    def apply(self, draft: Draft, seq: int) -> Event:
        """Do to its target what a draft says that was stored as ``seq``; return the target as it stands then."""
        place = (draft.stream_id, draft.target)
        target = self._events[place]
        match draft.kind:
            case ContentKind.RECALLED:
                target = recalled(target, seq)
                self._clear(place)
                self._rewritten[place] = True
            case ContentKind.EDITED:
                target = edited(target, seq, draft.replacement)
                self._rewritten[place] = True
            case ContentKind.REACTED:
                target = reacted(target, seq)
                self._react(place, draft)
                self._rewritten.setdefault(place, False)
        self._events[place] = target
        return target

    def _clear(self, place: Place) -> None:
        self._cleared[place] = None
        self._kinds.pop(place, None)
        self._own = {key: own for key, own in self._own.items() if key[:2] != place}

    def _react(self, place: Place, draft: Draft) -> None:
        emoji, user_id = draft.emoji, draft.sender_id
        own = self._own.setdefault((*place, user_id), set())
        kinds = self._kinds.setdefault(place, {})
        self._before.setdefault((*place, emoji, user_id), draft.removed)
        if draft.removed:
            own.discard(emoji)
            kinds[emoji] -= 1
            if not kinds[emoji]:
                del kinds[emoji]
        else:
            own.add(emoji)
            kinds[emoji] = kinds.get(emoji, 0) + 1

    def fill(self, effects: Effects) -> None:
        """Tell what is to be written."""
        for place, rewritten in sorted(self._rewritten.items()):
            event = self._events[place]
            content = event.content if rewritten else None
            effects.targets.append(TargetRow(place, content, event.state, event.changed_seq))
        effects.cleared = sorted(self._cleared)
        for row, was in sorted(self._before.items()):
            stream_id, seq, emoji, user_id = row
            if was != (emoji in self._own.get((stream_id, seq, user_id), ())):
                (effects.taken if was else effects.given).append(row)
