"""People who are watched: read together, in any order of answers, and again after an outage."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.connection import Account, Live
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.chat.logic.watched import GATHER, PAUSE, Watched
from imchat.domain.errors import Unavailable
from imchat.domain.models import UserCard
from imchat.domain.people import PresenceState
from imchat.domain.presence import PresenceEntry, Seen
from imchat.net.background import spawn
from tests.fakes.chat import RecordingBus, RecordingConnection, session

AWAY, ONLINE = PresenceState.AWAY, PresenceState.ONLINE


class Truth:
    """All that is read of people, which answers at once or when the test says."""

    def __init__(self) -> None:
        self.states: dict[int, PresenceState] = {}
        self.reads: list[tuple[int, ...]] = []
        self.carded: list[tuple[int, ...]] = []
        self.failure: Exception | None = None
        self.held: list[Deferred[None]] | None = None

    async def get(self, user_ids):
        self.reads.append(tuple(user_ids))
        found = {one: (PresenceEntry(one, 1, "", state, ""),) for one, state in self.states.items() if one in user_ids}
        if self.held is not None:
            held: Deferred[None] = Deferred()
            self.held.append(held)
            await held
        return found

    async def seen(self, user_ids):
        if self.failure is not None:
            raise self.failure
        return {one: Seen() for one in user_ids}

    async def cards(self, user_ids, name_keys):
        self.carded.append(tuple(user_ids))
        return [UserCard(one, f"user{one}") for one in user_ids]


class WatchedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.truth, self.bus = Clock(), Truth(), RecordingBus()
        subscriptions = Subscriptions(self.bus, spawn)
        self.watched = Watched(
            self.truth,
            self.truth,
            self.truth,
            subscriptions,
            self.frame,
            self.clock,
            spawn,  # type: ignore[arg-type]
        )
        self.live = Live(RecordingConnection(), session(99), Account())
        self.watch(1, 2, 3)

    def frame(self, user_id, card, presence):
        return user_id, card is not None, None if presence is None else presence.state

    def watch(self, *user_ids: int, live: Live | None = None) -> None:
        spawn("watching", self.watched.add(live or self.live, user_ids))
        spawn("reading", self.watched.read(user_ids, user_ids))

    def told(self, live: Live | None = None):
        connection = (live or self.live).connection
        told, connection.told = connection.told, []
        return [data for _, data in told]

    def test_who_begins_to_watch_is_not_told_what_the_answer_says(self) -> None:
        self.assertEqual([], self.told())
        self.assertEqual("user1", self.watched.get(1).card.name)

    def test_channels_are_heard_in_one_call_and_let_go_with_the_last_who_watches(self) -> None:
        other = Live(RecordingConnection(), session(98), Account())
        self.watch(3, 4, live=other)
        self.assertEqual({f"person:{one}" for one in (1, 2, 3, 4)}, self.bus.channels)
        self.watched.remove(self.live, [1, 2, 3, 4, 5])
        self.assertEqual({"person:3", "person:4"}, self.bus.channels)

    def test_notices_within_a_moment_are_one_read(self) -> None:
        self.truth.reads.clear()
        self.truth.carded.clear()
        self.truth.states = {1: ONLINE, 2: AWAY, 3: ONLINE}
        for user_id in (1, 2, 1, 3, 77):
            self.watched.changed(user_id, profile=user_id == 2)
        self.clock.advance(GATHER)
        self.assertEqual(([(1, 2, 3)], [(2,)]), (self.truth.reads, self.truth.carded))
        self.assertEqual([(1, False, ONLINE), (2, False, AWAY), (3, False, ONLINE)], self.told())

    def test_a_notice_that_changes_nothing_is_not_pushed(self) -> None:
        self.watched.changed(1, profile=True)
        self.clock.advance(GATHER)
        self.assertEqual([], self.told())

    def test_an_older_read_that_ends_later_changes_nothing(self) -> None:
        self.truth.held = []
        self.truth.states = {1: AWAY}
        self.watched.changed(1, profile=False)
        self.clock.advance(GATHER)
        self.truth.states = {1: ONLINE}
        self.watched.changed(1, profile=False)
        self.clock.advance(GATHER)
        older, newer = self.truth.held
        newer.callback(None)
        older.callback(None)
        self.assertEqual([(1, False, ONLINE)], self.told())

    def test_a_read_that_fails_is_made_again_with_what_it_was_for(self) -> None:
        self.truth.failure = Unavailable("away")
        self.truth.states = {1: ONLINE}
        self.truth.carded.clear()
        self.watched.changed(1, profile=True)
        self.clock.advance(GATHER)
        self.watched.changed(2, profile=False)
        self.clock.advance(GATHER)
        self.truth.failure = None
        self.clock.advance(PAUSE)
        self.assertEqual([(1, False, ONLINE)], self.told())
        self.assertEqual([(1,)], self.truth.carded)

    def test_one_who_is_let_go_meanwhile_is_told_nothing(self) -> None:
        self.truth.held = []
        self.truth.states = {1: ONLINE}
        self.watched.changed(1, profile=False)
        self.clock.advance(GATHER)
        self.watched.remove(self.live, [1])
        self.truth.held[0].callback(None)
        self.assertEqual([], self.told())
