"""Simulated time: what is due happens in the order of time, and of asking where the time is the same."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

Entry = tuple[float, int, "Due"]

AT_ONCE = 100_000
"""More than so much in one moment, some hundred in a busy one, is a loop that no time passes in: it would never end."""


class BusyLoop(Exception):
    """Something happens again and again at the same moment."""


class Due:
    """Something that is to happen; ``function`` is None once it has happened or was called off."""

    __slots__ = ("args", "function")

    def __init__(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        self.function: Callable[..., object] | None = function
        self.args = args

    def cancel(self) -> None:
        """Let it not happen."""
        self.function = None
        self.args = ()


class Timeline:
    """The world's time, in seconds, and all that is to happen.

    Attributes:
        now: The time.
        steps: How many things have happened.
    """

    def __init__(self, start: float) -> None:
        self.now = start
        self.steps = 0
        self._order = 0
        self._due: list[Entry] = []
        self._tidy_at = 20_000

    def at(self, when: float, function: Callable[..., object], *args: Any) -> Due:
        """Let something happen; what should have happened already happens next."""
        due = Due(function, args)
        self._order += 1
        heappush(self._due, (max(when, self.now), self._order, due))
        if len(self._due) > self._tidy_at:
            self._tidy()
        return due

    def after(self, seconds: float, function: Callable[..., object], *args: Any) -> Due:
        """As :meth:`at`, after so many seconds."""
        return self.at(self.now + seconds, function, *args)

    def _tidy(self) -> None:
        """Drop what was called off: most time-outs are."""
        self._due = [entry for entry in self._due if entry[2].function is not None]
        heapify(self._due)
        self._tidy_at = max(20_000, 2 * len(self._due))

    def run(self, until: float) -> None:
        """Let all happen that is due up to a time.

        Raises:
            BusyLoop: it would never come to that.
        """
        last = self.steps + AT_ONCE
        while self._due and self._due[0][0] <= until:
            when, _, due = heappop(self._due)
            function = due.function
            if function is None:
                continue
            due.function = None
            if when > self.now:
                self.now, last = when, self.steps + AT_ONCE
            self.steps += 1
            if self.steps > last:
                raise BusyLoop(f"at {when:.3f}: {function} again and again")
            function(*due.args)
        self.now = max(self.now, until)
