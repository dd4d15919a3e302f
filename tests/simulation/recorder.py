"""Writes down for the checker what devices try, are told and show, and how the world is at its end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imchat.client import Accepted, Received
from imchat.client.state import OutboxEntry
from imchat.domain.content import ContentKind, Text
from imchat.net.content import WireContentCodec
from imchat.wire import imchat_pb2 as pb
from tests.simulation.history import (
    Acknowledgement,
    Attempt,
    Connection,
    Failure,
    HeadRow,
    History,
    Period,
    Row,
    Shown,
)
from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from tests.simulation.clients import Device
    from tests.simulation.servers import ChatServer

Tables = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Told:
    """A device was told that its message is stored."""

    device: Device
    conversation_id: int
    client_id: bytes
    text: str
    seq: int


class Recorder:
    """Collects the history.

    Args:
        trace: Knows the time.

    Attributes:
        history: What was collected.
        acknowledgements: Every acknowledgement with its device, for those who send again.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.history = History()
        self.acknowledgements: list[Told] = []

    def attempted(self, device: Device, entry: OutboxEntry, text: str) -> None:
        """An application handed a message to its client."""
        person, at = device.person, self._trace.time
        attempt = Attempt(at, device.name, person.user_id, entry.conversation_id, entry.client_id, text)
        self.history.attempts.append(attempt)

    def acknowledged(self, device: Device, entry: OutboxEntry, accepted: Accepted) -> None:
        """A client was told that a message is stored."""
        text = pb.Content.FromString(entry.content).text.text
        conversation_id, client_id, seq = entry.conversation_id, entry.client_id, accepted.seq
        self.acknowledgements.append(Told(device, conversation_id, client_id, text, seq))
        user_id, at = device.person.user_id, self._trace.time
        answer = Acknowledgement(at, device.name, user_id, conversation_id, client_id, seq, accepted.created_ms)
        self.history.acknowledgements.append(answer)

    def failed(self, device: Device, entry: OutboxEntry, code: str) -> None:
        """A message was refused for good."""
        user_id, at = device.person.user_id, self._trace.time
        self.history.failures.append(Failure(at, device.name, user_id, entry.conversation_id, entry.client_id, code))

    def shown(self, device: Device, event: Received, at: float) -> None:
        """An application has shown an event."""
        text = event.content.text if isinstance(event.content, Text) else None
        user_id = device.person.user_id
        self.history.shown.append(
            Shown(at, device.name, user_id, event.stream_id, event.seq, event.sender_id, event.client_id, text)
        )

    # --- the end

    def tables(self, tables: Tables) -> None:
        """The database at the end."""
        history, codec = self.history, WireContentCodec()
        history.heads = [HeadRow(*_pick(row, HeadRow._fields)) for row in tables["head"]]
        history.rows = [_row(row, codec) for row in tables["event"]]
        members: dict[int, dict[int, list[Period]]] = defaultdict(dict)
        for row in tables["period"]:
            periods = members[row["conversation_id"]].setdefault(row["user_id"], [])
            periods.append(Period(row["from_seq"], row["to_seq"]))
        history.members = members
        history.sessions = [Connection(row["user_id"], bytes(row["device_id"]).decode()) for row in tables["session"]]

    def people(self, devices: list[Device], nodes: list[ChatServer], unsettled: list[str]) -> None:
        """The devices and the nodes at the end."""
        history = self.history
        history.unsettled = unsettled
        history.settled = {device.name: device.person.user_id for device in devices if device.live}
        history.saved = {device.name: device.disk.outgoing for device in devices}
        history.claimed = claimed(nodes)
        history.connected = connected(devices)


def _pick(row: dict[str, Any], names: tuple[str, ...]) -> list[Any]:
    return [row[name] for name in names]


def _row(row: dict[str, Any], codec: WireContentCodec) -> Row:
    content = codec.decode(row["kind"], row["content"]) if row["kind"] == ContentKind.TEXT else None
    text = content.text if isinstance(content, Text) else None
    client_id = bytes(row["client_id"])
    return Row(row["stream_id"], row["seq"], row["sender_id"], client_id, text, row["ordinal"], row["created_ms"])


def claimed(nodes: list[ChatServer]) -> list[Connection]:
    """The connections that the nodes count as theirs."""
    return sorted(Connection(live.user_id, live.device_id) for node in nodes for live in node.sessions())


def connected(devices: list[Device]) -> list[Connection]:
    """The connections that there are, as the devices know."""
    return sorted(
        Connection(device.person.user_id, device.session.device_id)
        for device in devices
        if device.live and device.session is not None
    )
