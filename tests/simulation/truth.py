"""The database at the end of a history, arranged for looking things up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tests.simulation.history import History, Period, Row


class Truth:
    """What is stored, and who may see it.

    Attributes:
        streams: The rows of each stream by seq.
        places: Where each (stream, sender, client id) is stored.
        members: As in the history.
    """

    def __init__(self, history: History) -> None:
        self.streams: dict[int, dict[int, Row]] = defaultdict(dict)
        self.places: dict[tuple[int, int, bytes], int] = {}
        self.members = history.members
        self.twice: list[Row] = []
        for row in history.rows:
            key = (row.stream_id, row.sender_id, row.client_id)
            if key in self.places:
                self.twice.append(row)
            self.places[key] = row.seq
            self.streams[row.stream_id][row.seq] = row
        self._visible: dict[int, list[int]] = defaultdict(list)
        for conversation_id, members in self.members.items():
            for user_id in members:
                self._visible[user_id].append(conversation_id)

    def periods(self, stream_id: int, user_id: int) -> Sequence[Period]:
        """What a user may see of a stream."""
        if stream_id in self.members:
            return self.members[stream_id].get(user_id, ())
        return (Period(1, None),) if stream_id == user_id else ()

    def visible(self, stream_id: int, user_id: int) -> list[int]:
        """The seqs of a stream that a user may see, ascending."""
        last = max(self.streams.get(stream_id, {0: None}))
        seqs: list[int] = []
        for period in self.periods(stream_id, user_id):
            seqs.extend(range(period.from_seq, (last if period.to_seq is None else min(last, period.to_seq)) + 1))
        return seqs

    def streams_of(self, user_id: int) -> list[int]:
        """The streams of which a user may see something."""
        return [user_id, *self._visible.get(user_id, ())]
