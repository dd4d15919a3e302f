"""What a node has done since it started: plain numbers, for whoever watches it."""

from __future__ import annotations

from collections.abc import Iterable

from imchat.chat.logic.submission import Outcome
from imchat.domain.histogram import Histogram
from imchat.domain.models import Stored

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Figures:
    """Counts flushes and their messages.

    Attributes:
        stored: Messages that were stored.
        resent: Messages that were stored before, and were answered again.
        failed: Messages that were refused or failed.
        flush_seconds: From the beginning of a flush until something was known of each of its messages.
        flush_messages: Messages of one flush.
    """

    def __init__(self) -> None:
        self.stored = self.resent = self.failed = 0
        self.flush_seconds = Histogram(SECONDS)
        self.flush_messages = Histogram(SIZES)

    def flushed(self, seconds: float, messages: int, outcomes: Iterable[Outcome]) -> None:
        """Count a flush.

        Args:
            seconds: How long it took.
            messages: How many it was begun with.
            outcomes: What became of them, and of those that failed with them.
        """
        self.flush_seconds.observe(max(0.0, seconds))
        self.flush_messages.observe(messages)
        for outcome in outcomes:
            if not isinstance(outcome, Stored):
                self.failed += 1
            elif outcome.resent:
                self.resent += 1
            else:
                self.stored += 1
