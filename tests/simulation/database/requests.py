"""What goes to and fro between a connection and its session."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.simulation.database.statements import Step
from tests.simulation.database.storage import Row


class Result(NamedTuple):
    """What a statement answers."""

    rows: list[Row]
    count: int


class Request(NamedTuple):
    """What arrives at the server at once.

    Attributes:
        steps: What is to be done, one after another.
        kind: What the transaction does, as the runner calls it.
    """

    steps: Sequence[Step]
    kind: str


Reply = Callable[[object], None]
"""Takes the :class:`Result` of the last statement, or the error of the one that failed."""
