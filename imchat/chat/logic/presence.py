"""Who is here: the devices with a session on this node, as others may learn of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import suppress

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.waiting import Again, Periodic
from imchat.domain.errors import InvalidRequest, Unavailable
from imchat.domain.people import PresenceState
from imchat.domain.presence import DevicePresence, Here, PresenceEntry, Step
from imchat.ports import PresenceStore, SeenStore, Spawn

LIVES = 3
"""What a node says of who is here counts until it should have been said so often again: so long after a node was
killed its users seem to be there."""

MOVING_MS = 10_000
"""The same after a node that ends in order, whose clients go elsewhere."""

NOTE_SEEN = 4.0
"""Seconds in which those who leave are gathered before the truth notes when they were last here. When others are told
that they are offline it is noted."""


class Attendance:
    """Tells others who is here, no sooner and no more often than :mod:`imchat.domain.presence` allows.

    Where the store is away nothing is lost but freshness: all of it is said again every ``refresh`` seconds.

    Args:
        node: Incarnation of this node.
        store: Where presence is kept for all nodes.
        seen: Where the times are kept at which people left.
        announce: Called with the ids of users whose presence is another now, once the store knows.
        refresh: Seconds between two times at which it is said again who is here.
        clock: The time.
        spawn: Starts what nobody waits for.
    """

    def __init__(
        self,
        node: int,
        store: PresenceStore,
        seen: SeenStore,
        announce: Callable[[list[int]], None],
        refresh: float,
        clock: IReactorTime,
        spawn: Spawn,
    ) -> None:
        self._node = node
        self._store = store
        self._seen = seen
        self._announce = announce
        self._refresh_every = refresh
        self._lifetime_ms = int(LIVES * refresh * 1000)
        self._clock = clock
        self._spawn = spawn
        self._users: dict[int, Here] = {}
        # When to look at whom; each user has one place that counts, the one noted in ``_due``.
        self._queue: list[tuple[int, int]] = []
        self._due: dict[int, int] = {}
        self._call: IDelayedCall | None = None
        self._unwritten: dict[tuple[int, str], PresenceEntry] = {}
        self._dropped: dict[tuple[int, str], PresenceEntry] = {}
        self._changed: dict[int, None] = {}
        self._writing = Again(self._write)
        self._left: dict[int, int] = {}
        self._noting: IDelayedCall | None = None
        self._refreshes = Periodic(clock, refresh, "refreshing presence", self._refresh, spawn)
        self._running = False

    def start(self) -> None:
        """Begin."""
        self._running = True
        self._refreshes.start(self._refresh_every)

    # --- what happens

    def began(self, live: Live) -> None:
        """A session is here."""
        self._set(live, PresenceState.ONLINE)

    def change(self, live: Live, state: int) -> None:
        """A device says how it is.

        Raises:
            InvalidRequest: it can be online or away.
        """
        if state not in (PresenceState.ONLINE, PresenceState.AWAY):
            raise InvalidRequest("a device can be online or away")
        here = self._users.get(live.user_id)
        if here is not None and here.has(live.device_id):
            self._set(live, PresenceState(state))

    def _set(self, live: Live, state: PresenceState) -> None:
        here = self._users.setdefault(live.user_id, Here())
        here.set(live.device_id, DevicePresence(state, live.platform))
        self._arrange(live.user_id, here)

    def ended(self, live: Live) -> None:
        """A session is not here any more."""
        here = self._users.get(live.user_id)
        if here is not None:
            here.leave(live.device_id, self._now_ms())
            if here.empty:
                self._note_left({live.user_id: self._now_ms()})
            self._arrange(live.user_id, here)

    # --- when to tell

    def _arrange(self, user_id: int, here: Here) -> None:
        due_ms = here.due_ms()
        if due_ms is None:
            self._due.pop(user_id, None)
        elif self._due.get(user_id) != due_ms:
            self._due[user_id] = due_ms
            heapq.heappush(self._queue, (due_ms, user_id))
            self._wake()

    def _wake(self) -> None:
        """Be called when the first is due."""
        if not self._queue or not self._running:
            return
        delay = max(0.0, self._queue[0][0] / 1000 - self._clock.seconds())
        if self._call is None or not self._call.active():
            self._call = self._clock.callLater(delay, self._look)
        elif self._call.getTime() > self._clock.seconds() + delay:
            self._call.reset(delay)

    def _look(self) -> None:
        self._call = None
        now_ms = self._now_ms()
        while self._queue and self._queue[0][0] <= now_ms:
            due_ms, user_id = heapq.heappop(self._queue)
            if self._due.get(user_id) == due_ms:
                del self._due[user_id]
                self._step(user_id, self._users[user_id], now_ms)
        if self._unwritten or self._dropped or self._changed:
            self._spawn("telling presence", self._writing.run())
        self._wake()

    def _step(self, user_id: int, here: Here, now_ms: int) -> None:
        self._take(user_id, here.step(now_ms))
        if here.over(now_ms):
            del self._users[user_id]
        else:
            self._arrange(user_id, here)

    def _take(self, user_id: int, step: Step) -> None:
        for device_id, device in step.put.items():
            self._dropped.pop((user_id, device_id), None)
            self._unwritten[user_id, device_id] = self._entry(user_id, device_id, device)
        for device_id in step.drop:
            self._unwritten.pop((user_id, device_id), None)
            gone = DevicePresence(PresenceState.OFFLINE, "")
            self._dropped[user_id, device_id] = self._entry(user_id, device_id, gone)
        if step.announce:
            self._changed[user_id] = None

    def _entry(self, user_id: int, device_id: str, device: DevicePresence) -> PresenceEntry:
        return PresenceEntry(user_id, self._node, device_id, device.state, device.platform)

    # --- telling

    async def _write(self) -> None:
        # One after another, so that what is newer cannot be overtaken by what is older.
        put, drop, changed = list(self._unwritten.values()), list(self._dropped.values()), list(self._changed)
        self._unwritten, self._dropped, self._changed = {}, {}, {}
        try:
            if put:
                await self._store.put(put, self._lifetime_ms)
            if drop:
                await self._store.drop(drop)
        except Unavailable:
            # The store tells the log, once; the next refresh puts it right, and what should be gone ends by itself.
            pass
        if changed:
            self._announce(changed)

    async def _refresh(self) -> None:
        for entry in self._entries():
            self._unwritten.setdefault((entry.user_id, entry.device_id), entry)
        await self._writing.run()

    def _entries(self) -> list[PresenceEntry]:
        users = self._users.items()
        return [self._entry(user_id, one, device) for user_id, here in users for one, device in here.known.items()]

    # --- last seen

    def _note_left(self, left: dict[int, int]) -> None:
        for user_id, left_ms in left.items():
            self._left[user_id] = max(left_ms, self._left.get(user_id, 0))
        if self._noting is None and self._running:
            self._noting = self._clock.callLater(NOTE_SEEN, self._note)

    def _note(self) -> None:
        self._noting = None
        self._spawn("noting who left", self._write_left())

    async def _write_left(self) -> None:
        left, self._left = self._left, {}
        try:
            if left:
                await self._seen.note_seen(left)
        except Unavailable:
            # The store tells the log, once.
            self._note_left(left)

    async def leave(self) -> None:
        """The node ends: those who were here are somewhere else soon, or offline."""
        self._running = False
        self._refreshes.stop()
        for call in (self._call, self._noting):
            if call is not None and call.active():
                call.cancel()
        now_ms = self._now_ms()
        self._note_left({user_id: now_ms for user_id, here in self._users.items() if not here.empty})
        # Where that fails they end by themselves, later.
        with suppress(Unavailable):
            await self._store.put(self._entries(), MOVING_MS)
        await self._write_left()

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)
