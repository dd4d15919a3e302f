"""Faults planted where messages are stored: each breaks the flush at one place, and leaves all else to imchat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imchat.chat.logic.delivery import Commit
from imchat.domain.errors import Contended, Unavailable
from imchat.domain.models import Draft, Event, Head, Stored
from imchat.ports import FlushResult, Permit
from imchat.store.sql import bulk
from imchat.store.sql.append import flush
from imchat.store.sql.bulk import EventRow
from imchat.store.sql.dialect import Fault
from imchat.store.sql.effects import Effects
from imchat.store.sql.streams import SqlStreams
from imchat.store.sql.transaction import Transaction
from tests.simulation.world import World

Store = Callable[[Transaction, Sequence[Head], Sequence[EventRow]], None]
"""Writes heads and events, in a transaction."""


class _Instead:
    """Stands before something and does some of it otherwise."""

    def __init__(self, real: Any, **otherwise: Any) -> None:
        self._real = real
        vars(self).update(otherwise)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _storing(tx: Transaction, store: Store) -> Any:
    """A transaction in which heads and events are written in another way."""

    def instead(_: Transaction, heads: Sequence[Head], rows: Sequence[EventRow], effects: Effects, last: bool) -> None:
        store(tx, heads, rows)
        for statement in effects.statements(tx.dialect.on_reading, tx.max_statement):
            tx.run(statement)

    return _Instead(tx, dialect=_Instead(tx.dialect, store=instead))


def _write(tx: Transaction, heads: Sequence[Head], rows: Sequence[EventRow]) -> None:
    tx.dialect.store(tx, heads, rows, Effects(), False)


def _write_heads(tx: Transaction, heads: Sequence[Head]) -> None:
    for statement in bulk.update_heads(heads):
        tx.run(statement)


def _new_events(result: FlushResult) -> list[Event]:
    return [outcome.event for outcome in result.outcomes if isinstance(outcome, Stored) and not outcome.resent]


class BrokenStreams(SqlStreams):
    """The streams of a process, to be broken.

    Args:
        base: What the parts of the process need.
        streams: As they should be.
    """

    def __init__(self, base: Any, streams: Any) -> None:
        super().__init__(streams._writer, streams._reader)
        self.reactor = base.reactor
        self.ids = base.ids

    async def _flush(self, permit: Permit, drafts: Sequence[Draft], store: Store = _write, **more: Any) -> FlushResult:
        """A flush with the look-up of resends, in which rows are written in another way."""

        def run(tx: Transaction) -> FlushResult:
            return flush(_storing(tx, store), drafts, permit, more.get("look_up_all", True))

        return await self._writer.run("flush", run)


class _EarlyStreams(BrokenStreams):
    """Answers when all is written, and commits then."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        answer: Deferred[FlushResult] = Deferred()

        def run(tx: Transaction) -> None:
            result = flush(tx, drafts, permit, True)
            self.reactor.callFromThread(tell, answer.callback, result)

        def tell(how: Callable[[Any], None], result: FlushResult | Failure) -> None:
            if not answer.called:
                how(result)

        stored = Deferred.fromCoroutine(self._writer.run("flush", run))
        stored.addErrback(lambda failure: tell(answer.errback, failure))
        return await answer


class AcknowledgesBeforeCommit(World):
    """A message is acknowledged when it is written, not when it is committed."""

    def build_streams(self, base, streams):
        return _EarlyStreams(base, streams)


class _HastyStreams(BrokenStreams):
    """Tells of events when they are written, and commits then."""

    deliver: Callable[[list[Commit]], None]

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        def run(tx: Transaction) -> FlushResult:
            result = flush(tx, drafts, permit, True)
            self.reactor.callFromThread(self.deliver, [Commit(event) for event in _new_events(result)])
            return result

        return await self._writer.run("flush", run)


class PublishesBeforeCommit(World):
    """Events are pushed and published when they are written, not when they are committed."""

    def build_streams(self, base, streams):
        return _HastyStreams(base, streams)

    def build_chat_node(self, base, node_id, address, database, bus, presence, status, limiter):
        node = super().build_chat_node(base, node_id, address, database, bus, presence, status, limiter)
        database.streams.deliver = node._delivery.committed
        return node


class _NumberingStreams(BrokenStreams):
    """Takes numbers in a transaction of its own, and stores what bears them in another."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        rows: list[EventRow] = []

        def take_numbers(tx: Transaction, heads: Sequence[Head], numbered: Sequence[EventRow]) -> None:
            rows[:] = numbered
            _write_heads(tx, heads)

        def insert(tx: Transaction) -> None:
            for statement in bulk.insert_events(rows, tx.max_statement):
                tx.run(statement)

        result = await self._flush(permit, drafts, take_numbers)
        if rows:
            await self._writer.run("flush", insert)
        return result


class NumbersWithoutTheLock(World):
    """The lock of the head is let go before the event is stored that has its number."""

    def build_streams(self, base, streams):
        return _NumberingStreams(base, streams)


class _HoleyStreams(BrokenStreams):
    """Commits what is left of a transaction of which a statement was undone."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        def store(tx: Transaction, heads: Sequence[Head], rows: Sequence[EventRow]) -> None:
            _write_heads(tx, heads)
            for row in rows:
                try:
                    tx.run(next(bulk.insert_events([row], tx.max_statement)))
                except Exception as error:
                    if tx.dialect.classify(error) is not Fault.DUPLICATE:
                        raise

        return await self._flush(permit, drafts, store, look_up_all=False)


class CommitsWhatIsLeft(World):
    """A statement that was undone for a key that is taken leaves a hole behind."""

    def build_streams(self, base, streams):
        return _HoleyStreams(base, streams)


class _ConfidentStreams(BrokenStreams):
    """Takes a commit whose answer was lost for done."""

    def __init__(self, base: Any, streams: Any) -> None:
        super().__init__(base, streams)
        self._writer._settings = replace(self._writer._settings, tries=1)

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        result: FlushResult | None = None

        def run(tx: Transaction) -> FlushResult:
            nonlocal result
            result = flush(tx, drafts, permit, True)
            return result

        try:
            return await self._writer.run("flush", run)
        except Contended:
            raise
        except Unavailable:
            if result is None:
                raise
            return result


class TakesUnknownForDone(World):
    """When the connection is lost at the commit, the commit is taken for done."""

    def build_streams(self, base, streams):
        return _ConfidentStreams(base, streams)


class _CountingStreams(BrokenStreams):
    """Counts messages in the memory of its node."""

    def __init__(self, base: Any, streams: Any) -> None:
        super().__init__(base, streams)
        self._counted: dict[int, int] = {}

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        def store(tx: Transaction, heads: Sequence[Head], rows: Sequence[EventRow]) -> None:
            counted = {head.stream_id: head.counted for head in heads}
            new = {stream_id: sum(row[0] == stream_id for row in rows) for stream_id in counted}
            offsets = {one: self._counted.get(one, counted[one] - new[one]) + new[one] - counted[one] for one in new}
            self._counted.update({one: counted[one] + offsets[one] for one in offsets})
            moved = [replace(head, counted=head.counted + offsets[head.stream_id]) for head in heads]
            _write(tx, moved, [(*row[:7], row[7] + offsets[row[0]], *row[8:]) for row in rows])

        return await self._flush(permit, drafts, store)


class CountsFromMemory(World):
    """A node counts unread messages on from what it remembers, though others count as well."""

    def build_streams(self, base, streams):
        return _CountingStreams(base, streams)
