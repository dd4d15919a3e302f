"""Who is here, as a node tells it: few calls for many people, in order, and again after an outage."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.connection import Account, Live
from imchat.chat.logic.presence import MOVING_MS, NOTE_SEEN, Attendance
from imchat.domain.errors import Unavailable
from imchat.domain.people import PresenceState
from imchat.domain.presence import OFFLINE_AFTER_MS
from imchat.net.background import spawn
from tests.fakes.chat import RecordingConnection, session

NODE = 9
REFRESH, LIFETIME_MS = 25.0, 75_000
OFFLINE_AFTER = OFFLINE_AFTER_MS / 1000


class RecordingPresence:
    """An :class:`imchat.ports.PresenceStore` that keeps what it is told, fails while it must, and waits likewise."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[int], int | None]] = []
        self.failure: Exception | None = None
        self.held: list[Deferred[None]] | None = None

    async def put(self, entries, lifetime_ms):
        await self._take("put", entries, lifetime_ms)

    async def drop(self, entries):
        await self._take("drop", entries, None)

    async def _take(self, name, entries, lifetime_ms):
        assert {entry.node for entry in entries} <= {NODE}
        self.calls.append((name, [entry.user_id for entry in entries], lifetime_ms))
        if self.held is not None:
            held: Deferred[None] = Deferred()
            self.held.append(held)
            await held
        if self.failure is not None:
            raise self.failure


class RecordingSeen:
    """The writing half of an :class:`imchat.ports.SeenStore`."""

    def __init__(self) -> None:
        self.notes: list[dict[int, int]] = []
        self.failure: Exception | None = None

    async def note_seen(self, seen):
        if self.failure is not None:
            raise self.failure
        self.notes.append(dict(seen))


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.store, self.seen = RecordingPresence(), RecordingSeen()
        self.announced: list[int] = []
        self.attendance = Attendance(
            NODE,
            self.store,
            self.seen,
            self.announced.extend,
            REFRESH,
            self.clock,
            spawn,  # type: ignore[arg-type]
        )
        self.attendance.start()

    def come(self, user_id: int = 1, device_id: str = "phone") -> Live:
        live = Live(RecordingConnection(), session(user_id, device_id), Account())
        self.attendance.began(live)
        return live

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)

    def take(self) -> list[tuple[str, list[int], int | None]]:
        calls, self.store.calls = self.store.calls, []
        return calls


class StoreTests(Case):
    def test_whoever_comes_within_a_turn_is_put_in_one_call(self) -> None:
        for user_id in range(1, 1_001):
            self.come(user_id)
        self.clock.advance(0)
        self.assertEqual([("put", list(range(1, 1_001)), LIFETIME_MS)], self.take())
        self.assertEqual(list(range(1, 1_001)), self.announced)

    def test_who_is_here_is_put_again_and_again(self) -> None:
        self.come(1)
        gone = self.come(2)
        self.clock.advance(0)
        self.attendance.ended(gone)
        self.clock.advance(OFFLINE_AFTER)
        self.take()
        for _ in range(3):
            self.clock.advance(REFRESH)
            self.assertEqual([("put", [1], LIFETIME_MS)], self.take())

    def test_after_an_outage_all_is_put_again_and_what_was_announced_was_announced(self) -> None:
        self.store.failure = Unavailable("away")
        self.come(1)
        self.clock.advance(0)
        self.assertEqual([1], self.announced)
        self.store.failure = None
        self.take()
        self.clock.advance(REFRESH)
        self.assertEqual([("put", [1], LIFETIME_MS)], self.take())

    def test_what_is_newer_waits_for_what_is_older(self) -> None:
        self.store.held = []
        phone = self.come()
        self.clock.advance(0)
        self.attendance.ended(phone)
        self.clock.advance(OFFLINE_AFTER)
        self.assertEqual(["put"], [name for name, _, _ in self.store.calls])
        self.assertEqual([], self.announced)
        held, self.store.held = self.store.held, None
        held[0].callback(None)
        self.assertEqual(["put", "drop"], [name for name, _, _ in self.store.calls])

    def test_an_announcement_comes_when_all_nodes_can_know(self) -> None:
        self.store.held = []
        self.come()
        self.clock.advance(0)
        self.assertEqual([], self.announced)
        self.store.held[0].callback(None)
        self.assertEqual([1], self.announced)

    def test_who_flaps_costs_one_call(self) -> None:
        phone = self.come()
        for _ in range(50):
            self.attendance.ended(phone)
            self.clock.advance(0.2)
            self.attendance.began(phone)
            self.clock.advance(0.2)
        self.assertEqual([("put", [1], LIFETIME_MS)], self.take())
        self.assertEqual([1], self.announced)

    def test_a_device_that_has_gone_changes_nothing(self) -> None:
        phone = self.come()
        self.clock.advance(0)
        self.attendance.ended(phone)
        self.attendance.change(phone, PresenceState.AWAY)
        self.clock.advance(60)
        self.assertEqual(["put", "drop"], [name for name, _, _ in self.take()])
        self.attendance.change(phone, PresenceState.AWAY)
        self.clock.advance(60)
        self.assertEqual([], self.take())

    def test_nothing_is_left_of_those_who_are_gone(self) -> None:
        for user_id in range(100):
            self.attendance.ended(self.come(user_id))
        self.clock.pump([1] * 20)
        self.assertEqual(({}, {}, []), (self.attendance._users, self.attendance._due, self.attendance._queue))
        self.assertEqual(1, len(self.clock.getDelayedCalls()))


class SeenTests(Case):
    def test_those_who_leave_are_noted_together_before_others_are_told(self) -> None:
        lives = [self.come(user_id) for user_id in range(1, 4)]
        self.clock.advance(0)
        left = {}
        for live in lives:
            self.attendance.ended(live)
            left[live.user_id] = self.now_ms()
            self.clock.advance(1)
        self.announced.clear()
        self.clock.advance(NOTE_SEEN - 3)
        self.assertEqual(([left], []), (self.seen.notes, self.announced))
        self.clock.advance(OFFLINE_AFTER)
        self.assertEqual([1, 2, 3], self.announced)

    def test_one_who_has_another_device_here_is_not(self) -> None:
        phone = self.come()
        self.come(device_id="tablet")
        self.attendance.ended(phone)
        self.clock.advance(60)
        self.assertEqual([], self.seen.notes)

    def test_it_is_tried_again_after_an_outage(self) -> None:
        self.seen.failure = Unavailable("away")
        self.attendance.ended(self.come())
        left_ms = self.now_ms()
        self.clock.advance(NOTE_SEEN)
        self.seen.failure = None
        self.clock.advance(NOTE_SEEN)
        self.assertEqual([{1: left_ms}], self.seen.notes)


class LeaveTests(Case):
    def test_a_node_that_ends_says_so_of_everybody_and_no_more_after_that(self) -> None:
        self.come(1)
        self.clock.advance(0)
        self.attendance.ended(self.come(2))
        self.clock.advance(1)
        self.take()
        spawn("leaving", self.attendance.leave())
        self.assertEqual([("put", [1], MOVING_MS)], self.take())
        self.assertEqual([1, 2], sorted(self.seen.notes[0]))
        self.assertEqual([], self.clock.getDelayedCalls())
        self.clock.advance(1_000)
        self.assertEqual([], self.take())
