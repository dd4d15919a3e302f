"""Catching up, history and users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imchat.chat.logic.connection import Live
from imchat.chat.logic.cursors import pack, unpack
from imchat.chat.logic.quota import Quota
from imchat.domain.accounts import MAX_NAME, name_key
from imchat.domain.errors import InvalidRequest, NotFound, TooLarge
from imchat.domain.models import MAX_ID, EventRange, StreamState, UserCard
from imchat.domain.quoting import weight
from imchat.ports import AccountStore, StreamStore

STREAMS_PER_PAGE = 50
MAX_STREAMS_PER_PAGE = 200
MAX_POSITIONS = 20_000
EVENTS_PER_PAGE = 100
MAX_EVENTS_PER_PAGE = 500
PAGE_BYTES = 512 * 1024
"""Content in one answer, in bytes: with all that surrounds it, an answer stays below the largest frame."""
MAX_USERS = 100

_EVENT_OVERHEAD = 64


@dataclass(frozen=True, slots=True)
class StreamChange:
    """A stream in which there is something new, and the first of it; None where this page had no room for events."""

    state: StreamState
    events: EventRange | None


@dataclass(frozen=True, slots=True)
class SyncPage:
    """One page of changed streams; an empty cursor ends them."""

    streams: tuple[StreamChange, ...]
    next_cursor: bytes


def _limit(asked: int, default: int, most: int) -> int:
    return min(asked, most) if asked else default


class Reading:
    """Answers what clients want to know.

    Args:
        streams: The streams.
        accounts: The users.
        quota: Limits.
    """

    def __init__(self, streams: StreamStore, accounts: AccountStore, quota: Quota) -> None:
        self._streams = streams
        self._accounts = accounts
        self._quota = quota

    async def sync(self, live: Live, positions: Mapping[int, int], cursor: bytes, limit: int) -> SyncPage:
        """What differs from the positions of a device.

        Args:
            positions: The last seq that the device has, by stream; 0 for those that it does not know.
            cursor: From the page before, empty for the first.
            limit: Streams on the page; 0 for the default.

        Raises:
            InvalidRequest: a cursor that is not from here.
            TooLarge: too many positions.
        """
        if len(positions) > MAX_POSITIONS:
            raise TooLarge(f"at most {MAX_POSITIONS} positions")
        where = unpack(cursor)
        count = _limit(limit, STREAMS_PER_PAGE, MAX_STREAMS_PER_PAGE)
        states, following = await self._streams.changed(live.user_id, positions, where, count)
        changes = await self._with_events(live, positions, states)
        return SyncPage(changes, pack(following))

    async def _with_events(
        self, live: Live, positions: Mapping[int, int], states: Sequence[StreamState]
    ) -> tuple[StreamChange, ...]:
        changes: list[StreamChange] = []
        events_left, bytes_left = MAX_EVENTS_PER_PAGE, PAGE_BYTES
        for state in states:
            found: EventRange | None = None
            stream_id = state.head.stream_id
            if events_left > 0 and bytes_left > 0:
                found = await self._streams.read(
                    stream_id,
                    live.user_id,
                    after=min(positions.get(stream_id, 0), MAX_ID),
                    before=None,
                    limit=min(events_left, EVENTS_PER_PAGE),
                    max_bytes=bytes_left,
                )
            if found is not None:
                events_left -= len(found.events)
                bytes_left -= sum(weight(event) + _EVENT_OVERHEAD for event in found.events)
            changes.append(StreamChange(state, found))
        return tuple(changes)

    async def history(
        self,
        live: Live,
        stream_id: int,
        after: int | None,
        before: int | None,
        until: int,
        limit: int,
        since_ms: int = 0,
        before_ms: int = 0,
    ) -> EventRange:
        """A stretch of a stream.

        Args:
            after: Upwards from this seq, not included.
            before: Downwards from this seq, not included; with neither, downwards from the newest.
            until: With ``after``: up to this seq, not included; 0 for no end.
            limit: Events at most; 0 for the default.
            since_ms: Upwards from the first event at or after this time; 0: not by time.
            before_ms: Downwards from the last event before this time or, with ``since_ms``, upwards to it.

        Raises:
            InvalidRequest: ``until`` without ``after``, or not above it; a time together with a seq.
            NotFound: no such stream, or none that this user may see.
        """
        if until and (after is None or until <= after):
            raise InvalidRequest("until goes with after and lies above it")
        if not 0 < stream_id <= MAX_ID:
            raise NotFound("there is no such conversation")
        if since_ms or before_ms:
            if after is not None or before is not None:
                raise InvalidRequest("either a time or a seq says where to begin")
            after, end = await self._by_time(stream_id, since_ms, before_ms)
        elif after is None:
            end = MAX_ID if before is None else min(before, MAX_ID)
        else:
            end = min(until, MAX_ID) or None
        found = await self._streams.read(
            stream_id,
            live.user_id,
            after=None if after is None else min(after, MAX_ID),
            before=end,
            limit=_limit(limit, EVENTS_PER_PAGE, MAX_EVENTS_PER_PAGE),
            max_bytes=PAGE_BYTES,
        )
        if found is None:
            raise NotFound("there is no such conversation")
        return found

    async def _by_time(self, stream_id: int, since_ms: int, before_ms: int) -> tuple[int | None, int | None]:
        """After and before which seq the events of a time stand; whoever may not see the stream is told by the read."""
        after = await self._streams.seq_at(stream_id, min(since_ms, MAX_ID)) - 1 if since_ms else None
        before = await self._streams.seq_at(stream_id, min(before_ms, MAX_ID)) if before_ms else None
        return after, before

    async def users(self, live: Live, ids: Sequence[int], names: Sequence[str]) -> list[UserCard]:
        """The public side of those users who exist, by id or by exact name in any spelling.

        Raises:
            TooLarge: too many at once.
            RateLimited: too many look-ups; an id is no guess, so ids count as one together.
        """
        if len(ids) + len(names) > MAX_USERS:
            raise TooLarge(f"at most {MAX_USERS} users at once")
        self._quota.lookup(live, len(names) + bool(ids))
        keys = [name_key(name) for name in names if len(name) <= 4 * MAX_NAME]
        known_ids = [user_id for user_id in ids if 0 < user_id <= MAX_ID]
        return await self._accounts.cards(known_ids, keys) if keys or known_ids else []
