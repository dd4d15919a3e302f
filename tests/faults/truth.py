"""What was recorded and what the database holds at the end, in the form that the checker of the simulation knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from imchat.domain.content import Text
from imchat.net.content import WireContentCodec
from tests.faults.recording import Answered, GivenUp, Line, Seen, Sent, Visited
from tests.simulation.checker import check
from tests.simulation.history import (
    Acknowledgement,
    Attempt,
    Failure,
    HeadRow,
    History,
    Period,
    Row,
    Shown,
)

Query = Callable[[str], Sequence[tuple[Any, ...]]]
"""Asks the database."""

_EVENTS = "SELECT stream_id, seq, sender_id, client_id, kind, content, ordinal, created_ms FROM event"
_HEADS = "SELECT stream_id, last_seq, last_message_seq, counted, last_ms FROM head"
_PERIODS = "SELECT conversation_id, user_id, from_seq, to_seq FROM period ORDER BY from_seq"


def recorded(lines: Iterator[Line]) -> History:
    """The history as the devices recorded it."""
    history = History()
    for line in lines:
        match line:
            case Sent(at, user, device, conversation, client_id, text):
                attempt = Attempt(at, device, user, conversation, bytes.fromhex(client_id), text)
                history.attempts.append(attempt)
            case Answered(at, user, device, conversation, client_id, seq, created_ms, _):
                word = Acknowledgement(at, device, user, conversation, bytes.fromhex(client_id), seq, created_ms)
                history.acknowledgements.append(word)
            case GivenUp(at, user, device, conversation, client_id, code):
                failure = Failure(at, device, user, conversation, bytes.fromhex(client_id), code)
                history.failures.append(failure)
            case Seen(at, user, device, conversation, seq, sender, client_id, text):
                event = Shown(at, device, user, conversation, seq, sender, bytes.fromhex(client_id), text)
                history.shown.append(event)
    return history


def stored(query: Query, history: History) -> None:
    """Add what the database holds to a history."""
    codec = WireContentCodec()
    rows = []
    for stream_id, seq, sender_id, client_id, kind, content, ordinal, created_ms in query(_EVENTS):
        decoded = codec.decode(kind, bytes(content))
        text = decoded.text if isinstance(decoded, Text) else None
        rows.append(Row(stream_id, seq, sender_id, bytes(client_id), text, ordinal, created_ms))
    members: dict[int, dict[int, list[Period]]] = defaultdict(lambda: defaultdict(list))
    for conversation_id, user_id, from_seq, to_seq in query(_PERIODS):
        members[conversation_id][user_id].append(Period(from_seq, to_seq))
    history.rows, history.members = rows, members
    history.heads = [HeadRow(*row) for row in query(_HEADS)]


def violations(query: Query, lines: Sequence[Line], devices: Mapping[str, int]) -> list[str]:
    """What is wrong.

    Args:
        query: Asks the database.
        lines: What was recorded.
        devices: Those that were connected at the end, and whose each is.
    """
    history = recorded(iter(lines))
    history.settled = devices
    stored(query, history)
    found = [str(violation) for violation in check(history)]
    # Nobody in this crowd says anything for which a server could refuse them for good.
    found += [f"refused: {f.client_id.hex()[:8]} of {f.device} was given up: {f.code}" for f in history.failures]
    last = {line.what: line.code for line in lines if isinstance(line, Visited) and line.what.startswith("last")}
    return found + [f"unsettled: the gate: {what}: {code}" for what, code in last.items() if code]
