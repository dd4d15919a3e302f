"""Who may watch whom, when that changes while it is being looked up."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.connection import Account, Live
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.watching import MAX_AT_ONCE, MAX_WATCHED, SWEEP_PAUSE, Watching
from imchat.domain.errors import TooMany, Unavailable
from imchat.net.background import spawn
from imchat.ports import RelationsChanged
from tests.fakes.chat import RecordingConnection, session

ANN, BOB = 1, 2


class Relations:
    """An :class:`imchat.ports.Relations` that reads at once and answers when the test says."""

    def __init__(self) -> None:
        self.visible = {BOB}
        self.asked = 0
        self.failure: Exception | None = None
        self.held: list[Deferred[None]] | None = None

    async def visible_to(self, viewer_id, peer_ids):
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        found = self.visible.intersection(peer_ids)
        if self.held is not None:
            held: Deferred[None] = Deferred()
            self.held.append(held)
            await held
        return found


class Watched:
    """The part of :class:`imchat.chat.logic.watched.Watched` that is needed."""

    def __init__(self) -> None:
        self.watched: set[int] = set()
        self.farewells: list[int] = []
        self.sweeps = 0

    async def add(self, live, user_ids):
        self.watched.update(user_ids)

    def remove(self, live, user_ids):
        self.watched.difference_update(user_ids)

    def gone(self, live):
        pass

    def farewell(self, lives, user_id):
        self.farewells += [user_id for _ in lives]

    async def read(self, presence_of, cards_of):
        pass

    def get(self, user_id):
        return None

    async def sweep(self):
        self.sweeps += 1

    def stop(self):
        pass


class WatchingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.relations, self.watched, self.registry = Clock(), Relations(), Watched(), Registry()
        self.clock.advance(1_000)
        self.watching = Watching(
            self.relations,
            self.watched,  # type: ignore[arg-type]
            self.registry,
            None,  # type: ignore[arg-type]
            self.clock,
            spawn,
        )
        self.live = Live(RecordingConnection(), session(ANN), Account())
        self.registry.add(self.live)

    def watch(self) -> None:
        spawn("watching", self.watching.watch(self.live, [BOB], []))

    def test_what_changes_while_it_is_read_is_read_again(self) -> None:
        self.relations.held = []
        self.watch()
        self.relations.visible.clear()
        self.watching.heard(RelationsChanged(ANN))
        held, self.relations.held = self.relations.held, None
        held[0].callback(None)
        self.assertEqual(set(), self.watched.watched)

    def test_who_ended_while_it_was_read_watches_nobody(self) -> None:
        self.relations.held = []
        self.watch()
        self.registry.remove(self.live)
        self.watching.ended(self.live)
        self.relations.held[0].callback(None)
        self.assertEqual((set(), {}), (self.watched.watched, self.watching._of))

    def test_who_may_not_any_more_is_told_for_the_last_time(self) -> None:
        self.watch()
        self.relations.visible.clear()
        self.watching.heard(RelationsChanged(ANN))
        self.assertEqual((set(), [BOB], {}), (self.watched.watched, self.watched.farewells, self.watching._of))

    def test_who_is_named_twice_is_watched_no_more(self) -> None:
        self.watch()
        self.assertEqual(
            [], self.successResultOf(Deferred.fromCoroutine(self.watching.watch(self.live, [], [BOB, BOB])))
        )
        self.assertEqual((set(), {}), (self.watched.watched, self.watching._of))

    def test_requests_side_by_side_do_not_pass_the_bound(self) -> None:
        self.relations.held = []
        self.relations.visible = set(range(10, 10_000))
        failures: list[object] = []
        for start in range(100, 100 + 2 * MAX_WATCHED, MAX_AT_ONCE):
            request = self.watching.watch(self.live, range(start, start + MAX_AT_ONCE), [])
            Deferred.fromCoroutine(request).addErrback(lambda failure: failures.append(failure.type))
        for held in self.relations.held:
            held.callback(None)
        self.assertEqual((MAX_WATCHED, [TooMany] * 5), (len(self.watched.watched), failures))

    def test_one_who_watches_nobody_is_not_looked_up(self) -> None:
        self.watching.heard(RelationsChanged(ANN))
        self.assertEqual(0, self.relations.asked)

    def test_where_it_cannot_be_read_the_sweep_does(self) -> None:
        self.watch()
        self.relations.visible.clear()
        self.relations.failure = Unavailable("away")
        self.watching.heard(RelationsChanged(ANN))
        self.assertEqual({BOB}, self.watched.watched)
        self.relations.failure = None
        spawn("sweeping", self.watching.sweep())
        self.assertEqual((set(), [BOB]), (self.watched.watched, self.watched.farewells))

    def test_sweeps_are_apart_and_the_last_one_asked_for_is_made(self) -> None:
        for _ in range(10):
            spawn("sweeping", self.watching.sweep())
        self.assertEqual(1, self.watched.sweeps)
        self.clock.advance(SWEEP_PAUSE)
        self.assertEqual(2, self.watched.sweeps)
        self.clock.advance(10 * SWEEP_PAUSE)
        self.assertEqual(2, self.watched.sweeps)
