"""What is written down while a system under test runs, for the checker: plain values, from whatever harness.

A *device* here is one installation of a client: one disk. An installation that lost its disk begins anew under a new
name, as one that was never there. Times (``at``) are seconds on the harness's clock and only told to readers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Attempt(NamedTuple):
    """An application handed a message to its client."""

    at: float
    device: str
    user_id: int
    conversation_id: int
    client_id: bytes
    text: str


class Acknowledgement(NamedTuple):
    """A client was told that a message is stored; each time that it was."""

    at: float
    device: str
    user_id: int
    conversation_id: int
    client_id: bytes
    seq: int
    created_ms: int


class Failure(NamedTuple):
    """A client gave a message up for good and told its application so."""

    at: float
    device: str
    user_id: int
    conversation_id: int
    client_id: bytes
    code: str


class Shown(NamedTuple):
    """An application has shown an event; ``text`` is None for what is no message. In the order of showing."""

    at: float
    device: str
    user_id: int
    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    text: str | None


class Row(NamedTuple):
    """An event in the database at the end; ``text`` is None for what is no message."""

    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    text: str | None
    ordinal: int
    created_ms: int


class HeadRow(NamedTuple):
    """The head of a stream in the database at the end."""

    stream_id: int
    last_seq: int
    last_message_seq: int
    counted: int
    last_ms: int


class Period(NamedTuple):
    """What a member may see of a conversation; ``to_seq`` is None while they are in."""

    from_seq: int
    to_seq: int | None


class Connection(NamedTuple):
    """A device that is connected: as a node claims, or as the devices themselves know."""

    user_id: int
    device_id: str


@dataclass
class History:
    """One run, from its begin to its end.

    Attributes:
        attempts: In the order in which each device made them.
        acknowledgements: All answers.
        failures: Messages given up.
        saved: For each device the client ids of all messages that were ever on its disk to be sent, as far as known.
        shown: In the order in which each device showed them.
        rows: All events of all streams.
        heads: All heads.
        members: For each conversation its members' periods; a stream that is no conversation is its user's own.
        settled: Devices that were connected at the end and had time to catch up, and whose each is.
        sessions: The sessions in the database at the end; None where nobody looked.
        claimed: Connections that the living nodes count as theirs at the end; None where nobody asked.
        connected: Connections that there are at the end, as the devices know.
        unsettled: What did not come to rest within the time for it, as lines.
    """

    attempts: list[Attempt] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    saved: Mapping[str, Collection[bytes]] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    rows: Iterable[Row] = ()
    heads: Sequence[HeadRow] = ()
    members: Mapping[int, Mapping[int, Sequence[Period]]] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    sessions: Collection[Connection] | None = None
    claimed: Sequence[Connection] | None = None
    connected: Sequence[Connection] = ()
    unsettled: Sequence[str] = ()
