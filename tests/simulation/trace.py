"""What happened, line by line: the same lines whenever a seed runs again."""

from __future__ import annotations

from collections import Counter

from tests.simulation.timeline import Timeline


class Trace:
    """Collects lines; they are put together only when somebody wants to read them.

    Args:
        timeline: The world's time.
        start: When it began.

    Attributes:
        hits: How often what was to happen did happen, by its name.
    """

    def __init__(self, timeline: Timeline, start: float) -> None:
        self._timeline = timeline
        self._start = start
        self._lines: list[tuple[float, str, str, tuple[object, ...]]] = []
        self.hits: Counter[str] = Counter()

    @property
    def time(self) -> float:
        """Seconds since the beginning."""
        return self._timeline.now - self._start

    def note(self, who: str, text: str, *values: object) -> None:
        """Something happened to somebody; ``values`` fill the ``%`` of the text."""
        self._lines.append((self._timeline.now, who, text, values))

    def hit(self, name: str) -> None:
        """Something of which every run wants to see some did happen."""
        self.hits[name] += 1

    def lines(self) -> list[str]:
        """All lines."""
        return [
            f"{when - self._start:9.4f}  {who:<10} {text % values if values else text}"
            for when, who, text, values in self._lines
        ]
