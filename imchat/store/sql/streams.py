"""Streams of events in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.logger import Logger

from imchat.domain.models import MAX_ID, Draft, EventRange, Head, HostedStream, StreamState
from imchat.ports import FlushResult, Permit
from imchat.store.sql.append import HEAD_COLUMNS, HEADS_AT_ONCE, flush
from imchat.store.sql.bulk import chunks, in_list, possible
from imchat.store.sql.reading import Stretch, read, seq_at
from imchat.store.sql.runner import Runner
from imchat.store.sql.syncing import changed, hosted
from imchat.store.sql.transaction import DuplicateKey, Transaction

_log = Logger()


class SqlStreams:
    """The :class:`imchat.ports.StreamStore` in SQL.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader
        self._kept: frozenset[int] = frozenset()

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        """Append drafts; ``permit`` is called in a database thread.

        What a draft that the database cannot take raises is no :class:`imchat.domain.errors.IMError`.
        """
        if not drafts:
            return FlushResult((), {})
        kept = self._kept

        def run(tx: Transaction) -> FlushResult:
            return flush(tx, drafts, permit, look_up_all=False, last=True, kept=kept)

        def run_with_resends(tx: Transaction) -> FlushResult:
            return flush(tx, drafts, permit, look_up_all=True, last=True, kept=kept)

        try:
            result = await self._writer.run("flush", run)
        except DuplicateKey:
            # Some are resends. That the key is taken undid all; under the lock the look-up now finds every one.
            result = await self._writer.run("flush with resends", run_with_resends)
        if kept or result.kept:
            self._note_kept(kept.difference(draft.stream_id for draft in drafts) | result.kept)
        return result

    def _note_kept(self, kept: frozenset[int]) -> None:
        """Remember which streams others keep locked, so that only the first flush waits for them."""
        if kept and not self._kept:
            _log.warn(
                "other transactions keep streams locked in the database, such as {stream}: "
                "what is sent to them is refused until they let go",
                stream=min(kept),
            )
        elif self._kept and not kept:
            _log.info("no other transaction keeps a stream locked any more")
        self._kept = kept

    async def heads(self, stream_ids: Sequence[int]) -> dict[int, Head]:
        """The heads of those streams that exist."""

        def run(tx: Transaction) -> dict[int, Head]:
            found: dict[int, Head] = {}
            for part in chunks(possible(stream_ids), HEADS_AT_ONCE):
                marks, ids = in_list(part)
                for row in tx.query(f"SELECT {HEAD_COLUMNS} FROM head WHERE stream_id IN ({marks})", ids):  # noqa: S608
                    found[row[0]] = Head(*row)
            return found

        return await self._reader.run("heads", run) if stream_ids else {}

    async def read(
        self,
        stream_id: int,
        reader_id: int,
        *,
        after: int | None,
        before: int | None,
        limit: int,
        max_bytes: int,
        for_others: bool = False,
    ) -> EventRange | None:
        """Read a stretch of a stream as a user may see it."""
        if not possible([stream_id]):
            return None
        stretch = Stretch(stream_id, reader_id, after, before, limit, max_bytes, for_others)
        return await self._reader.run("read", lambda tx: read(tx, stretch))

    async def seq_at(self, stream_id: int, at_ms: int) -> int:
        """The seq of the first event at or after a time."""
        if not possible([stream_id]):
            return 1
        return await self._reader.run("seq by time", lambda tx: seq_at(tx, stream_id, at_ms))

    async def changed(
        self, user_id: int, positions: Mapping[int, int], cursor: tuple[int, int] | None, limit: int
    ) -> tuple[list[StreamState], tuple[int, int] | None]:
        """Those streams of a user whose ``last_seq`` differs from the position given."""
        if cursor is not None:
            cursor = (max(0, min(cursor[0], MAX_ID)), max(0, min(cursor[1], MAX_ID)))
        return await self._reader.run("changed", lambda tx: changed(tx, user_id, positions, cursor, limit))

    async def hosted(self, user_id: int) -> list[HostedStream]:
        """All streams of which a user hears."""
        if not possible([user_id]):
            return []
        return await self._reader.run("hosted streams", lambda tx: hosted(tx, user_id))
