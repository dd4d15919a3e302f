"""Whether devices show what is stored: pure, from rows and what mirrors show to lines that say the difference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imchat.client.mirror import MirrorState
from imchat.domain.messages import Message
from tests.simulation.social.rows import Rows
from tests.simulation.social.sight import Sight, due, shown

MOST = 12
"""Lines of one device: one fault often shows in many places."""


def differences(device: str, rows: Rows, user_id: int, state: MirrorState, whole: bool) -> list[str]:
    """How a device differs from what its user must see.

    Args:
        whole: It has read everything; else messages from before it came are not missed.
    """
    expected, found = due(rows, user_id), shown(state)
    if not whole:
        expected, found = (
            {path: value for path, value in sight.items() if not _before(path, state)} for sight in (expected, found)
        )
    lines = list(_compared(expected, found))
    more = [f"... and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return [f"disagrees: {device} (user {user_id}): {line}" for line in (*lines[:MOST], *more)]


def _before(path: str, state: MirrorState) -> bool:
    talk, _, rest = path.partition("/#")
    if not rest:
        return False
    known = state.talk(int(talk.removeprefix("talk ")))
    seq, _, name = rest.partition("/")
    line = known.lines.get(int(seq))
    if name == "quote" and line is not None and isinstance(line.content, Message):
        # A reply that was pushed quotes what this user may have deleted before the device was there.
        seq = str(line.content.reply_to or seq)
    return int(seq) < max(known.known_from, known.floor)


def _compared(expected: Mapping[str, object], found: Sight) -> Iterator[str]:
    for path in sorted(expected.keys() | found.keys(), key=_order):
        if path not in found:
            yield f"{path} is missing, should be {expected[path]!r}"
        elif path not in expected:
            # Cards of people who are no contacts (any more), and what such people are called, are as old as when they
            # were last looked at.
            if not path.startswith("card ") and not path.endswith("/title"):
                yield f"{path} is shown as {found[path]!r}, and should not be"
        elif found[path] != expected[path]:
            yield f"{path} is {found[path]!r}, should be {expected[path]!r}"


def _order(path: str) -> tuple[str, int, str]:
    talk, _, rest = path.partition("/#")
    seq, _, name = rest.partition("/")
    return talk, int(seq or 0), name
