"""One stream as it comes in: events in order, each once. Pure: no connection, no clock.

Three marks move upwards: what was handed on (``ready`` is emptied by the receiver), the ``frontier`` (everything up
to it is known: handed on, ready, or not visible to this user), and the ``head`` (so far the stream is known to go).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from imchat.domain.content import Content
from imchat.domain.models import EventState, Reaction

MAX_READY = 1_000
"""Events of one stream that may wait for the application, or ahead of a hole; beyond it they are fetched later."""


@dataclass(frozen=True, slots=True)
class Received:
    """An event as an application gets it.

    Attributes:
        content: None where its kind is unknown to this program, or the content gone (see ``state``).
        created_ms: Milliseconds UTC.
        ordinal: How many events of the stream up to and with this one count as unread for others; 0: not told.
        changed_seq: The newest event that changed this one as it is told here; 0: none did.
        state: What became of it.
        reactions: As of ``changed_seq``.
        quote: With a reply: the message to which it replies, where one may see it. One's own come without.
        target: With an edit or recall: the message as it stands now.
    """

    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    content: Content | None
    created_ms: int
    ordinal: int = 0
    changed_seq: int = 0
    state: EventState = EventState.NORMAL
    reactions: tuple[Reaction, ...] = ()
    quote: Received | None = None
    target: Received | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The next thing to handle in a stream: an event, or (None) nothing visible up to ``seq``.

    Attributes:
        back: The position goes back to ``seq``: the server was set back to an older state.
    """

    seq: int
    event: Received | None
    back: bool = False


class InStream:
    """The receiving side of one stream.

    Args:
        position: Everything up to this seq was handled before.
    """

    def __init__(self, stream_id: int, position: int) -> None:
        self.stream_id = stream_id
        self.frontier = position
        self.head = position
        self.ready: deque[Step] = deque()
        self._ahead: dict[int, Received] = {}

    @property
    def behind(self) -> bool:
        """Whether something is known to exist that has not come."""
        return self.frontier < self.head

    @property
    def full(self) -> bool:
        """Whether the application is so far behind that nothing more should be fetched."""
        return len(self.ready) >= MAX_READY

    def offer(self, event: Received) -> None:
        """An event was pushed, or acknowledged as one's own."""
        self.head = max(self.head, event.seq)
        if event.seq <= self.frontier or self.full:
            return
        if event.seq == self.frontier + 1:
            self._append(event)
            self._take_ahead()
        elif len(self._ahead) < MAX_READY:
            self._ahead[event.seq] = event

    def announce(self, last_seq: int) -> None:
        """The stream is known to go up to ``last_seq``."""
        self.head = max(self.head, last_seq)

    def cover(self, from_seq: int, to_seq: int, events: Iterable[Received]) -> None:
        """A stretch of the stream was read, both ends included; what is absent in it is not visible to this user."""
        inside = sorted((e for e in events if from_seq <= e.seq <= to_seq), key=lambda e: e.seq)
        self.head = max(self.head, to_seq)
        if from_seq > self.frontier + 1:
            for event in inside:
                self.offer(event)
            return
        for event in inside:
            if event.seq > self.frontier:
                self._append(event)
        if to_seq > self.frontier:
            self.frontier = to_seq
            self.ready.append(Step(to_seq, None))
        self._take_ahead()

    def set_back(self, last_seq: int) -> None:
        """The server has lost what came after ``last_seq``: go on from there."""
        self._ahead.clear()
        self.ready.clear()
        self.frontier = self.head = last_seq
        self.ready.append(Step(last_seq, None, back=True))

    def missing(self) -> tuple[int, int]:
        """Where to read on: after which seq, and below which (0: no end)."""
        return self.frontier, min(self._ahead, default=0)

    def abandon(self) -> None:
        """What is missing cannot be had (now): forget that it exists until something new tells so."""
        self._ahead.clear()
        self.head = self.frontier

    def _append(self, event: Received) -> None:
        self.ready.append(Step(event.seq, event))
        self.frontier = event.seq

    def _take_ahead(self) -> None:
        while (event := self._ahead.pop(self.frontier + 1, None)) is not None:
            self._append(event)
        if self._ahead and min(self._ahead) <= self.frontier:
            self._ahead = {seq: event for seq, event in self._ahead.items() if seq > self.frontier}
