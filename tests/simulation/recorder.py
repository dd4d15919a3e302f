"""Writes down for the checker what devices try, are told and show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imchat.client import Accepted, Received
from imchat.client.state import OutboxEntry
from imchat.wire import imchat_pb2 as pb
from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from tests.simulation.clients import Device


@dataclass(frozen=True, slots=True)
class Told:
    """A device was told that its message is stored."""

    device: Device
    conversation_id: int
    client_id: bytes
    text: str
    seq: int


class Recorder:
    """Collects the history."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self.attempts: list[Any] = []
        self.acknowledgements: list[Told] = []
        self.failed_: list[Any] = []
        self.shown_: list[Any] = []

    def attempted(self, device: Device, entry: OutboxEntry, text: str) -> None:
        """An application handed a message to its client."""
        self.attempts.append((device.name, entry.conversation_id, entry.client_id, text))

    def acknowledged(self, device: Device, entry: OutboxEntry, accepted: Accepted) -> None:
        """A client was told that a message is stored."""
        text = pb.Content.FromString(entry.content).text.text
        self.acknowledgements.append(Told(device, entry.conversation_id, entry.client_id, text, accepted.seq))

    def failed(self, device: Device, entry: OutboxEntry, code: str) -> None:
        """A message was refused for good."""
        self.failed_.append((device.name, entry.client_id, code))

    def shown(self, device: Device, event: Received, at: float) -> None:
        """An application has shown an event."""
        self.shown_.append((device.name, event.stream_id, event.seq))
