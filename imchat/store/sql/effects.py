"""What a flush changes besides heads and new events: messages that were acted on, reactions, positions of reading.

As in :mod:`imchat.store.sql.bulk` the texts are made of integers and ``x'..'`` literals alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Place: TypeAlias = tuple[int, int]
"""stream_id, seq."""

ReactionRow: TypeAlias = tuple[int, int, bytes, int]
"""stream_id, seq, emoji, user_id."""

ReadingRow: TypeAlias = tuple[int, int, int, int, int]
"""conversation_id, user_id, read_seq, read_ordinal, mention_seq."""

INSERT_READING = "INSERT INTO reading (conversation_id, user_id, read_seq, read_ordinal, mention_seq) VALUES "
RAISED = ("read_seq", "read_ordinal", "mention_seq")
INSERT_REACTION = "INSERT INTO reaction (stream_id, seq, emoji, user_id) VALUES "


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A message as it stands after acts on it. ``content`` is None where it is as it was."""

    place: Place
    content: bytes | None
    state: int
    changed_seq: int


@dataclass(slots=True)
class Effects:
    """What is to be written with new events.

    Attributes:
        targets: Messages that were acted on.
        cleared: Messages whose reactions all go.
        taken: Single reactions that go.
        given: Reactions that are new.
        readings: Numbers below which those of ``reading`` must not be; a row for each (conversation, user).
    """

    targets: list[TargetRow] = field(default_factory=list)
    cleared: list[Place] = field(default_factory=list)
    taken: list[ReactionRow] = field(default_factory=list)
    given: list[ReactionRow] = field(default_factory=list)
    readings: list[ReadingRow] = field(default_factory=list)

    def statements(self, on_reading: str, max_statement: int) -> Iterator[str]:
        """The statements that write it.

        Args:
            on_reading: What the dialect says behind rows for ``reading`` of which some may be there.
            max_statement: Longest statement, in characters.
        """
        yield from map(_update, self.targets)
        for stream_id, seq in self.cleared:
            yield f"DELETE FROM reaction WHERE stream_id = {stream_id:d} AND seq = {seq:d}"  # noqa: S608
        for stream_id, seq, emoji, user_id in self.taken:
            place = f"stream_id = {stream_id:d} AND seq = {seq:d}"
            yield f"DELETE FROM reaction WHERE {place} AND emoji = x'{emoji.hex()}' AND user_id = {user_id:d}"  # noqa: S608
        given = [f"({one:d},{seq:d},x'{emoji.hex()}',{user_id:d})" for one, seq, emoji, user_id in self.given]
        yield from _insert(INSERT_REACTION, given, "", max_statement)
        readings = [f"({','.join(map(str, map(int, row)))})" for row in self.readings]
        yield from _insert(INSERT_READING, readings, on_reading, max_statement)


def _update(row: TargetRow) -> str:
    content = "" if row.content is None else f"content = x'{row.content.hex()}', "
    numbers = f"state = {row.state:d}, changed_seq = {row.changed_seq:d}"
    stream_id, seq = row.place
    return f"UPDATE event SET {content}{numbers} WHERE stream_id = {stream_id:d} AND seq = {seq:d}"  # noqa: S608


def _insert(before: str, literals: Sequence[str], behind: str, max_statement: int) -> Iterator[str]:
    room = max_statement - len(before) - len(behind)
    taken: list[str] = []
    length = 0
    for literal in literals:
        if taken and length + len(literal) > room:
            yield before + ",".join(taken) + behind
            taken, length = [], 0
        taken.append(literal)
        length += len(literal) + 1
    if taken:
        yield before + ",".join(taken) + behind
