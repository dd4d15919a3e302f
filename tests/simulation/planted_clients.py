"""Faults planted in the client library: each breaks one part of a client that is built and wired as always."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from twisted.python.failure import Failure

from imchat.client.engine import Engine
from imchat.client.errors import Disconnected
from imchat.client.inbox import InStream, Received, Step
from imchat.client.outbox import Outbox
from imchat.client.receiver import Receiver
from imchat.client.state import Change
from tests.simulation.planted_nodes import turned_into
from tests.simulation.world import World


class BrokenClient(World):
    """A world with broken clients."""

    def build_client(self, device, outside, handler, options):
        client = super().build_client(device, outside, handler, options)
        self.plant(client._engine)
        return client

    def plant(self, engine: Engine) -> None:
        """Break a client."""
        raise NotImplementedError


class _Hasty(InStream):
    def offer(self, event: Received) -> None:
        self.head = max(self.head, event.seq)
        if event.seq > self.frontier and not self.full:
            self._append(event)


class _HastyReceiver(Receiver):
    def load(self, positions: Mapping[int, int], private_id: int = 0) -> None:
        super().load(positions, private_id)
        for stream in self._streams.values():
            turned_into(stream, _Hasty)

    def _stream(self, stream_id: int, last_seq: int) -> InStream:
        return turned_into(super()._stream(stream_id, last_seq), _Hasty)


class ShowsWhatComes(BrokenClient):
    """A client shows each event as it comes, in whatever order."""

    def plant(self, engine):
        turned_into(engine._receiver, _HastyReceiver)


class _Reversing(Outbox):
    def _pump(self, lane: Any) -> None:
        connection = self._connection
        if connection is None or lane.failed is not None:
            return
        for entry in reversed(list(islice(lane.entries.values(), int(lane.window)))):
            if entry.order not in lane.flying:
                lane.flying.add(entry.order)
                self._fly(connection, lane, entry)


class SendsTheNewestFirst(BrokenClient):
    """A client that sends again begins with what was said last."""

    def plant(self, engine):
        turned_into(engine.outbox, _Reversing)


class _Renaming(Outbox):
    def _fly(self, connection: Any, lane: Any, entry: Any) -> None:
        flown, ids = self.flown
        if entry.order in flown:
            entry = replace(entry, client_id=ids.client_id())
        flown.add(entry.order)
        super()._fly(connection, lane, entry)


class SendsAgainUnderAnotherId(BrokenClient):
    """A client that sends a message again chooses another id for it."""

    def plant(self, engine):
        turned_into(engine.outbox, _Renaming).flown = set(), engine.ids


class _Trusting(Outbox):
    def _refused(self, lane: Any, entry: Any, failure: Failure) -> None:
        if failure.check(Disconnected):
            self._finish(lane, entry)
        else:
            super()._refused(lane, entry, failure)


class TakesWhatWasSentForStored(BrokenClient):
    """A client that loses its connection forgets what was under way."""

    def plant(self, engine):
        turned_into(engine.outbox, _Trusting)


class _Careless(Engine):
    async def _handle(self, stream_id: int, step: Step) -> None:
        if not step.back:
            await self._store.commit(Change(positions={stream_id: step.seq}))
        await super()._handle(stream_id, step)


class SavesThePositionFirst(BrokenClient):
    """A client saves that an event was handled, and has it handled then."""

    def plant(self, engine):
        engine._receiver._handle = turned_into(engine, _Careless)._handle
