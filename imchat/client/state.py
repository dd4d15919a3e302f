"""What a client must not forget when its process ends: session, positions, outbox. The protocol, and memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from imchat.domain.models import NodeAddress


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A session as a client keeps it. The token is a secret.

    Attributes:
        server: URL of the gate.
        login: What the user logged in with, name or e-mail.
        nodes: Chat nodes as last told by the gate: to be tried when the gate does not answer.
    """

    server: str
    user_id: int
    name: str
    token: str
    device_id: str
    login: str = ""
    nodes: tuple[NodeAddress, ...] = ()

    def same_account(self, other: SavedSession | None) -> bool:
        """Whether both are of one account on one server."""
        return other is not None and (self.server, self.user_id) == (other.server, other.user_id)


def dump_session(session: SavedSession) -> str:
    """The session as JSON."""
    return json.dumps(asdict(session))


def load_session(data: str) -> SavedSession:
    """The session that :func:`dump_session` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(data)
        nodes = tuple(NodeAddress(**node) for node in value.pop("nodes"))
        return SavedSession(**value, nodes=nodes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError("holds a session that cannot be read") from error


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A message, or an act on one, that is not known to be stored by the server.

    Attributes:
        order: Place in the outbox; entries are sent in this order.
        client_id: 16 bytes, the same at each resend.
        content: The encoded ``Content`` of a message; of an act the encoded ``Frame``.
        is_act: Which of the two it is.
    """

    order: int
    client_id: bytes
    conversation_id: int
    content: bytes
    is_act: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be saved together: all of it or, if the process ends before, nothing.

    Attributes:
        positions: Streams with the seq up to which they are handled; an older seq than the saved one changes nothing.
        set_back: Streams whose position takes this seq even if it is older.
        added: New entries of the outbox.
        removed: Orders of entries that are done with.
        session: Takes the place of the saved one.
        forget: First drop positions and outbox: they are another account's.
    """

    positions: Mapping[int, int] = field(default_factory=dict)
    added: tuple[OutboxEntry, ...] = ()
    removed: tuple[int, ...] = ()
    session: SavedSession | None = None
    forget: bool = False
    set_back: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Snapshot:
    """All that is saved; the outbox in order."""

    session: SavedSession | None = None
    positions: dict[int, int] = field(default_factory=dict)
    outbox: list[OutboxEntry] = field(default_factory=list)


class StateStore(Protocol):
    """Where a client saves its state. One client at a time uses it."""

    async def load(self) -> Snapshot:
        """Open the store and read it.

        Raises:
            StateBusy: another program uses it.
            StateError: it cannot be read.
        """

    async def commit(self, change: Change) -> None:
        """Save a change durably. Changes are saved in the order of the calls.

        Raises:
            StateError: it was not saved.
        """

    async def close(self) -> None:
        """Return when all changes are saved and the store is closed; closing twice is no error."""


def apply(snapshot: Snapshot, change: Change) -> None:
    """Carry a change out on a snapshot."""
    if change.forget:
        snapshot.positions.clear()
        snapshot.outbox.clear()
    for stream_id, seq in change.positions.items():
        snapshot.positions[stream_id] = max(seq, snapshot.positions.get(stream_id, 0))
    snapshot.positions.update(change.set_back)
    if change.removed:
        gone = frozenset(change.removed)
        snapshot.outbox[:] = [entry for entry in snapshot.outbox if entry.order not in gone]
    snapshot.outbox.extend(change.added)
    snapshot.session = change.session or snapshot.session


class MemoryState:
    """State that lives as long as this object: a client that is made anew with it goes on where the last one was."""

    def __init__(self) -> None:
        self.saved = Snapshot()

    async def load(self) -> Snapshot:
        """A copy of what was saved."""
        return Snapshot(self.saved.session, dict(self.saved.positions), list(self.saved.outbox))

    async def commit(self, change: Change) -> None:
        """Save a change."""
        apply(self.saved, change)

    async def close(self) -> None:
        """Nothing is open."""
