"""What must hold of every history, whatever failed in it. Pure functions, linear in the number of events.

======================  ==============================================================================================
code                    what was broken
======================  ==============================================================================================
lost                    an acknowledged message is not in the database at the place that was told
answered_unalike        two acknowledgements of one message differ, or a stored one was refused for good
dropped                 a message that a device had saved to be sent was neither stored nor refused
hole                    the sequence numbers of a stream are not dense, or its head does not stand at the last of them
doubled                 one message is stored at two places
forged                  a stored message that its sender never attempted, or never so, or must not write there
reordered               what one device said in one conversation is stored in another order
miscounted              ordinals, the head's counts (unread counts rest on them) or times are wrong
shown_differently       a device showed at some place something else than is stored there
shown_twice             a device showed an event again, or after a later one
skipped                 a device showed an event before an earlier one that its user may see
not_shown               a device that had time to catch up does not show an event that its user may see
intruded                a device showed an event that its user must not see
ghost                   a node counts a connection that is none or was replaced, or has forgotten one that is
revoked                 a node serves a session that was ended
unsettled               something did not come to rest in time
======================  ==============================================================================================
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.simulation.history import Acknowledgement, Attempt, Failure, HeadRow, History, Period, Row
from tests.simulation.truth import Truth

AT_MOST = 10
"""So many violations of one code are told; of the rest only how many there are."""

MAY_BE_STORED = ("conflict", "internal", "unavailable")
"""With these a message may be given up that is stored: the id is another message's, or the outcome is unknown."""


class Violation(NamedTuple):
    """One thing that is wrong."""

    code: str
    line: str

    def __str__(self) -> str:
        return f"{self.code}: {self.line}"


def _told(violations: Iterator[Violation]) -> list[Violation]:
    counts: Counter[str] = Counter()
    told = []
    for violation in violations:
        counts[violation.code] += 1
        if counts[violation.code] <= AT_MOST:
            told.append(violation)
    told.extend(
        Violation(code, f"and {count - AT_MOST} more of these") for code, count in counts.items() if count > AT_MOST
    )
    return told


def check(history: History) -> list[Violation]:
    """Look at a history.

    Returns:
        What is wrong with it, nothing if all is right.
    """
    truth = Truth(history)

    def all_of_them() -> Iterator[Violation]:
        for rule in RULES:
            yield from rule(history, truth)

    return _told(all_of_them())


def lost(history: History, truth: Truth) -> Iterator[Violation]:
    """Every acknowledged message is stored, once, exactly where the acknowledgement says."""
    first: dict[tuple[int, int, bytes], tuple[int, int]] = {}
    for ack in history.acknowledgements:
        key = (ack.conversation_id, ack.user_id, ack.client_id)
        answer = (ack.seq, ack.created_ms)
        if first.setdefault(key, answer) != answer:
            line = f"{_message(ack)} of {ack.device}: told {first[key]}, later {answer} at {ack.at:.3f}"
            yield Violation("answered_unalike", line)
        row = truth.streams.get(ack.conversation_id, {}).get(ack.seq)
        if row is None or (row.sender_id, row.client_id) != (ack.user_id, ack.client_id):
            place = "nothing" if row is None else f"{row.client_id.hex()[:8]} of {row.sender_id}"
            line = f"{_message(ack)} of {ack.device}, acknowledged at {ack.at:.3f} as {ack.seq}: there is {place}"
            yield Violation("lost", line)
        elif row.created_ms != ack.created_ms:
            line = f"{_message(ack)} of {ack.device}: told time {ack.created_ms}, stored {row.created_ms}"
            yield Violation("answered_unalike", line)


def refused(history: History, truth: Truth) -> Iterator[Violation]:
    """What is stored is answered as a resend, whatever else speaks against it."""
    for failure in history.failures:
        seq = truth.places.get((failure.conversation_id, failure.user_id, failure.client_id))
        if seq is not None and failure.code not in MAY_BE_STORED:
            line = f"{_message(failure)} of {failure.device}: {failure.code} at {failure.at:.3f}, stored as {seq}"
            yield Violation("answered_unalike", line)


def dropped(history: History, truth: Truth) -> Iterator[Violation]:
    """What a device has saved is sent until it is answered."""
    over = {(failure.device, failure.client_id) for failure in history.failures}
    for attempt in history.attempts:
        if attempt.client_id not in history.saved.get(attempt.device, ()) or attempt.device not in history.settled:
            continue
        stored = (attempt.conversation_id, attempt.user_id, attempt.client_id) in truth.places
        if not stored and (attempt.device, attempt.client_id) not in over:
            line = f"{_message(attempt)}, said at {attempt.at:.3f} and saved by {attempt.device}, is stored nowhere"
            yield Violation("dropped", line)


def dense(history: History, truth: Truth) -> Iterator[Violation]:
    """Streams are dense from 1, heads stand at their end, counts and times are right."""
    heads = {head.stream_id: head for head in history.heads}
    for stream_id, rows in truth.streams.items():
        head = heads.get(stream_id)
        if sorted(rows) != list(range(1, len(rows) + 1)):
            missing = sorted(set(range(1, max(rows) + 1)) - set(rows))
            yield Violation("hole", f"stream {stream_id}: {missing[:5]} are missing below {max(rows)}")
        elif head is None or head.last_seq != len(rows):
            at = "no head" if head is None else f"a head at {head.last_seq}"
            yield Violation("hole", f"stream {stream_id} has {len(rows)} events and {at}")
        else:
            yield from _counts(head, [rows[seq] for seq in range(1, len(rows) + 1)])
    for stream_id, head in heads.items():
        if head.last_seq and stream_id not in truth.streams:
            yield Violation("hole", f"stream {stream_id} has no event and a head at {head.last_seq}")


def _counts(head: HeadRow, rows: Sequence[Row]) -> Iterator[Violation]:
    counted, newest, last_ms = 0, 0, 0
    for row in rows:
        if row.text is not None:
            counted, newest = counted + 1, row.seq
        if row.ordinal != counted or row.created_ms < last_ms:
            line = f"{row.stream_id}/{row.seq}: ordinal {row.ordinal}, should be {counted}; time {row.created_ms}"
            yield Violation("miscounted", f"{line} after {last_ms}")
        last_ms = row.created_ms
    if (head.counted, head.last_message_seq) != (counted, newest) or head.last_ms < last_ms:
        yield Violation("miscounted", f"{head} with {counted} messages, the last at {newest}, time {last_ms}")


def genuine(history: History, truth: Truth) -> Iterator[Violation]:
    """What is stored is what somebody said, once, and under their own name."""
    said = {(a.conversation_id, a.user_id, a.client_id): a.text for a in reversed(history.attempts)}
    for row in truth.twice:
        yield Violation("doubled", f"{row.client_id.hex()[:8]} of {row.sender_id} stands twice in {row.stream_id}")
    for rows in truth.streams.values():
        for row in rows.values():
            what = f"{row.stream_id}/{row.seq}: {row.client_id.hex()[:8]} {(row.text or '')[:40]!r} of {row.sender_id}"
            if row.text is None:
                if row.sender_id:
                    yield Violation("forged", f"{what}, which only the server can have made")
            elif said.get((row.stream_id, row.sender_id, row.client_id)) != row.text:
                yield Violation("forged", f"{what}, who did not say so there")
            elif not any(_within(row.seq, period) for period in truth.periods(row.stream_id, row.sender_id)):
                yield Violation("forged", f"{what}, who was no member")


def _within(seq: int, period: Period) -> bool:
    return period.from_seq <= seq and (period.to_seq is None or seq <= period.to_seq)


def ordered(history: History, truth: Truth) -> Iterator[Violation]:
    """What one device said in one conversation is stored in the order in which it said it."""
    owner: dict[tuple[int, bytes], str] = {}
    shared: set[tuple[int, bytes]] = {(f.user_id, f.client_id) for f in history.failures}
    said: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
    for attempt in history.attempts:
        key = (attempt.user_id, attempt.client_id)
        if key not in owner:
            owner[key] = attempt.device
            said[attempt.device, attempt.conversation_id].append(attempt)
        elif owner[key] != attempt.device:
            # Two devices have it, as one message: its place is where either was first.
            shared.add(key)
    for (device, conversation_id), attempts in said.items():
        last = 0
        for attempt in attempts:
            if (attempt.user_id, attempt.client_id) in shared:
                continue
            seq = truth.places.get((conversation_id, attempt.user_id, attempt.client_id))
            if seq is not None and seq < last:
                line = f"{_message(attempt)} of {device}, said at {attempt.at:.3f}, is {seq}: what it said before"
                yield Violation("reordered", f"{line}, {last}")
            last = max(last, seq or 0)


def shown(history: History, truth: Truth) -> Iterator[Violation]:
    """Every device shows what is stored, each event once, in order, without a gap, and nothing else."""
    views: dict[tuple[str, int], list[int]] = defaultdict(list)
    allowed: dict[tuple[int, int], tuple[dict[int, int], list[int]]] = {}
    for event in history.shown:
        stream_id, seq = event.stream_id, event.seq
        row = truth.streams.get(stream_id, {}).get(seq)
        where = f"{event.device} at {event.at:.3f}: {stream_id}/{seq}"
        if row is None or (row.sender_id, row.client_id, row.text) != (event.sender_id, event.client_id, event.text):
            stored = "nothing" if row is None else f"{row.client_id.hex()[:8]} of {row.sender_id}"
            line = f"{where} is {event.client_id.hex()[:8]} of {event.sender_id}, stored is {stored}"
            yield Violation("shown_differently", line)
        seen = views[event.device, stream_id]
        if (stream_id, event.user_id) not in allowed:
            visible = truth.visible(stream_id, event.user_id)
            allowed[stream_id, event.user_id] = {one: place for place, one in enumerate(visible)}, visible
        places, visible = allowed[stream_id, event.user_id]
        if seq not in places:
            if row is not None:
                yield Violation("intruded", f"{where} must not be seen by {event.user_id}")
            continue
        if seen and seq <= seen[-1]:
            yield Violation("shown_twice", f"{where} after {seen[-1]}")
            continue
        expected = visible[places[seen[-1]] + 1] if seen else visible[0]
        if seq != expected:
            yield Violation("skipped", f"{where}, while {expected} was due")
        seen.append(seq)
    yield from _caught_up(history, truth, views)


def _caught_up(history: History, truth: Truth, views: Mapping[tuple[str, int], Sequence[int]]) -> Iterator[Violation]:
    for device, user_id in history.settled.items():
        for stream_id in truth.streams_of(user_id):
            visible = truth.visible(stream_id, user_id)
            seen = views.get((device, stream_id), ())
            if visible and (not seen or seen[-1] < visible[-1]):
                last = seen[-1] if seen else "nothing"
                line = f"{device} has shown {last} of {stream_id}, which {user_id} may see up to {visible[-1]}"
                yield Violation("not_shown", line)


def connections(history: History, truth: Truth) -> Iterator[Violation]:
    """The nodes know who is there, each connection once."""
    if history.claimed is None:
        return
    claimed, connected = Counter(history.claimed), Counter(history.connected)
    for connection, count in sorted(claimed.items()):
        if count > 1 and connected[connection] == count:
            yield Violation("ghost", f"{connection}: {count} connections of one session stay beside each other")
    for connection, count in sorted((claimed - connected).items()):
        yield Violation("ghost", f"{connection} is claimed {count} times too often")
    for connection in sorted(connected - claimed):
        yield Violation("ghost", f"{connection} is connected and no node knows it")


def valid(history: History, truth: Truth) -> Iterator[Violation]:
    """No session is served that was ended."""
    if history.claimed is None or history.sessions is None:
        return
    for connection in sorted(set(history.claimed) - set(history.sessions)):
        yield Violation("revoked", f"{connection} is served, and has no session any more")


def at_rest(history: History, truth: Truth) -> Iterator[Violation]:
    """Everything came to rest in time."""
    for line in history.unsettled:
        yield Violation("unsettled", line)


def _message(one: Attempt | Acknowledgement | Failure) -> str:
    return f"{one.client_id.hex()[:8]} in {one.conversation_id}"


RULES: tuple[Callable[[History, Truth], Iterator[Violation]], ...] = (
    lost,
    refused,
    dropped,
    dense,
    genuine,
    ordered,
    shown,
    connections,
    valid,
    at_rest,
)
