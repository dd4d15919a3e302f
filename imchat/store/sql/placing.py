"""Giving places to the drafts of a flush, under the locks of the heads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from imchat.domain.acts import with_target
from imchat.domain.content import ContentKind, is_message
from imchat.domain.errors import Conflict
from imchat.domain.models import SYSTEM_SENDER, Draft, Event, Head, Refused, Stored
from imchat.store.sql.bulk import EventRow
from imchat.store.sql.effects import Effects, ReadingRow
from imchat.store.sql.targets import Targets
from imchat.store.sql.transaction import Transaction

Key: TypeAlias = tuple[int, int, bytes]
"""stream_id, sender_id, client_id: an event is stored once under it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An event in its place with the digest of its request."""

    event: Event
    digest: bytes

    def answer(self, draft: Draft) -> Stored | Refused:
        """The outcome of a draft that has the same key."""
        return Stored(self.event, resent=True) if self.digest == draft.digest else Refused(Conflict.code)


def key(draft: Draft) -> Key:
    """Under which a draft is stored once."""
    return draft.stream_id, draft.sender_id, draft.client_id


class Batch:
    """Gives places to drafts, one after another.

    Args:
        heads: The locked heads.
        found: Events that are stored already.
        now_ms: The database's time.
        targets: What drafts are about; None where none is about anything.
    """

    def __init__(self, heads: dict[int, Head], found: dict[Key, Found], now_ms: int, targets: Targets | None) -> None:
        self.heads = heads
        self.rows: list[EventRow] = []
        self.changed: dict[int, Head] = {}
        self._found = found
        self._now_ms = now_ms
        self._targets = targets
        self._readers: dict[tuple[int, int], tuple[int, int]] = {}
        self._mentioned: dict[tuple[int, int], int] = {}

    def outcome(self, draft: Draft, refusal: str | None) -> Stored | Refused:
        """Answer a draft; unless it is stored already or refused, it gets the next place of its stream."""
        if (found := self._found.get(key(draft))) is not None:
            return found.answer(draft)
        if refusal is not None:
            return Refused(refusal)
        head = self.heads[draft.stream_id]
        targets, created_ms = self._targets, max(self._now_ms, head.last_ms)
        if draft.target and targets is not None and (code := targets.refusal(draft, created_ms)) is not None:
            return Refused(code)
        event = self._place(draft, head, created_ms)
        if targets is not None:
            targets.placed(event)
            if draft.target:
                event = with_target(event, targets.apply(draft, event.seq))
        if draft.mentions:
            self._mention(draft, event)
        self._found[key(draft)] = Found(event, draft.digest)
        return Stored(event)

    def _place(self, draft: Draft, head: Head, created_ms: int) -> Event:
        seq, counts, target = head.last_seq + 1, is_message(draft.kind), draft.target
        ordinal = head.counted + counts
        # Written out: dataclasses.replace costs more than all else that is done here for a message.
        stream_id, sender_id, client_id, kind = draft.stream_id, draft.sender_id, draft.client_id, draft.kind
        last_message_seq = head.last_message_seq
        if counts:
            last_message_seq = seq
            if sender_id != SYSTEM_SENDER:
                self._readers[stream_id, sender_id] = (seq, ordinal)
        self.heads[stream_id] = self.changed[stream_id] = Head(
            stream_id, seq, last_message_seq, ordinal, head.member_version, created_ms
        )
        row = (stream_id, seq, sender_id, client_id, kind, draft.content, draft.digest, ordinal, created_ms, target)
        self.rows.append(row)
        if target:
            content = draft.content
            return Event(stream_id, seq, sender_id, client_id, kind, content, ordinal, created_ms, target_seq=target)
        return Event(stream_id, seq, sender_id, client_id, kind, draft.content, ordinal, created_ms)

    def _mention(self, draft: Draft, event: Event) -> None:
        """An edit mentions where the message stands that it changes."""
        seq = draft.target if draft.kind == ContentKind.EDITED else event.seq
        for user_id in draft.mentions:
            known = self._mentioned.get((draft.stream_id, user_id), 0)
            self._mentioned[draft.stream_id, user_id] = max(seq, known)

    def _readings(self) -> list[ReadingRow]:
        """In the order of their keys, in which everybody locks them."""
        readers, mentioned = self._readers, self._mentioned
        if not mentioned:
            return [(*place, *numbers, 0) for place, numbers in sorted(readers.items())]
        places = sorted(readers.keys() | mentioned.keys())
        return [(*place, *readers.get(place, (0, 0)), mentioned.get(place, 0)) for place in places]

    def write(self, tx: Transaction, last: bool) -> None:
        """Store what got a place; with ``last`` the transaction may be committed thereby."""
        if self.rows:
            heads = sorted(self.changed.values(), key=lambda head: head.stream_id)
            effects = Effects(readings=self._readings())
            if self._targets is not None:
                self._targets.fill(effects)
            tx.dialect.store(tx, heads, self.rows, effects, last)
