"""How far the events of each stream were pushed here."""

from __future__ import annotations

CAPACITY = 200_000


class Marks:
    """The seq up to which, without a gap, events of a stream were pushed on this node.

    A gap keeps the mark where it is until the missing event comes: what is behind the head is what a push was lost of.

    Args:
        capacity: Streams to remember; those not pushed to for longest are forgotten.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._marks: dict[int, int] = {}

    def get(self, stream_id: int) -> int:
        """The mark of a stream, 0 where nothing is known."""
        return self._marks.get(stream_id, 0)

    def note(self, stream_id: int, seq: int) -> None:
        """An event was pushed."""
        known = self._marks.pop(stream_id, None)
        # What came before the first one seen is none of this node's business: clients fetched it when they came.
        self._marks[stream_id] = seq if known is None or seq == known + 1 else known
        if len(self._marks) > self._capacity:
            del self._marks[next(iter(self._marks))]
