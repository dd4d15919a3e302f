"""Rate limits by the generic cell rate algorithm: one number per key, and no list of past events.

The number is the time at which the key will be as good as new, in microseconds (so that limits of many events per
second stay exact, and the number still fits a double in other languages). Every event moves it on by the share of
the window that one event costs; it may never be more than a whole window ahead of now.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``count`` at once, and in the long run ``count`` per ``window_ms``.

    Whoever used up all of them gets the next one after ``window_ms / count``, not only when the window has passed.
    """

    count: int
    window_ms: int
    window_us: int = field(init=False, repr=False, compare=False)
    """The window in microseconds."""
    cost_us: int = field(init=False, repr=False, compare=False)
    """What one event costs, in microseconds of the window; rounded down, at least 1."""

    def __post_init__(self) -> None:
        # Once here: they are asked for twice for each message.
        window_us = self.window_ms * 1000
        object.__setattr__(self, "window_us", window_us)
        object.__setattr__(self, "cost_us", max(1, window_us // self.count))


FRESH = 0
"""The state of a key of which nothing is known."""


def take(state: int, limit: Limit, now_ms: int) -> tuple[int, int]:
    """Count one event if the limit allows it.

    Args:
        state: The key's number, :data:`FRESH` where there is none.
        now_ms: Milliseconds by the caller's clock.

    Returns:
        The new state, and 0 if the event is allowed; else the state as it stands and how long to wait, in ms.
    """
    now_us = now_ms * 1000
    end_us = now_us + limit.window_us
    if state < now_us:
        state = now_us
    elif state > end_us:
        # A clock that was set back must not lock a key for longer than a window.
        state = end_us
    after = state + limit.cost_us
    if after > end_us:
        return state, -((end_us - after) // 1000)
    return after, 0


def give_back(state: int, limit: Limit) -> int:
    """Uncount one event and return the new state; :func:`take` sees to it that nothing is saved up."""
    return state - limit.cost_us


def is_fresh(state: int, now_ms: int) -> bool:
    """Whether the state says no more than :data:`FRESH`, so that it need not be kept."""
    return state <= now_ms * 1000
