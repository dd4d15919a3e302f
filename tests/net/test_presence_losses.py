"""Presence when notices and nodes are lost, and what is asked for wrongly."""

from __future__ import annotations

from dataclasses import replace

from imchat.chat.logic.presence import MOVING_MS
from imchat.chat.logic.sweep import TICK
from imchat.chat.logic.watching import MAX_AT_ONCE, MAX_WATCHED
from imchat.chat.settings import ChatSettings
from imchat.domain.errors import Unavailable
from imchat.domain.limits import Limit
from imchat.domain.presence import PACE_MS
from imchat.domain.rates import SESSION_RATES
from imchat.net.redis.heartbeats import FORGOTTEN_AFTER, MISSING_AFTER
from imchat.ports import PersonChanged
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig
from tests.net.presence_case import ROOMY, SOON, Case

LIFETIME = 90.0


class LossTests(Case):
    def test_a_lost_notice_costs_a_minute(self) -> None:
        self.watch("bob")
        self.rig.hub.lose = lambda channel, notice: isinstance(notice, PersonChanged)
        self.come()
        self.run_for(SOON)
        self.assertEqual([], self.told())
        self.run_for(60)
        self.assertEqual(["ONLINE"], self.told())

    def test_the_people_of_a_killed_node_go_offline(self) -> None:
        self.watch("bob")
        self.come()
        self.run_for(SOON)
        self.assertEqual(["ONLINE"], self.told())
        killed = self.other._attendance
        killed._refreshes.stop()
        self.run_for(LIFETIME + 65)
        self.assertEqual(["OFFLINE"], self.told())

    def test_they_do_so_sooner_where_nodes_say_more_often_who_is_here(self) -> None:
        self.other = self.rig.make_node("node-3", replace(ROOMY, presence_refresh=5))
        self.watch("bob")
        self.come()
        self.run_for(SOON)
        self.other._attendance._refreshes.stop()
        self.run_for(15 + 65)
        self.assertEqual(["ONLINE", "OFFLINE"], self.told())

    def test_they_do_so_within_a_minute_where_what_was_said_ends_while_the_heartbeat_is_missing(self) -> None:
        refresh = 15
        self.other = self.rig.make_node("node-3", replace(ROOMY, presence_refresh=refresh))
        self.watch("bob")
        self.come()
        self.run_for(SOON)
        self.other._attendance._refreshes.stop()
        self.run_for(MISSING_AFTER)
        self.rig.hub.buses[0].away = True
        self.rig.hub.suspect("the heartbeat of node-3 is missing")
        self.run_for(FORGOTTEN_AFTER - MISSING_AFTER + TICK)
        self.assertEqual(["ONLINE", "OFFLINE"], self.told())

    def test_those_of_a_living_one_stay(self) -> None:
        self.come()
        self.watch("bob")
        self.run_for(3 * LIFETIME)
        self.assertEqual([], self.told())
        self.assertEqual({self.who("bob"): "ONLINE"}, self.states("bob"))

    def test_a_node_that_ends_in_order_and_whose_people_do_not_come_back(self) -> None:
        self.come()
        self.watch("bob")
        left_ms = int(self.rig.clock.seconds() * 1000)
        self.other._spawn("draining", self.other.drain())
        self.run_for(75)
        (person,) = self.pushed()
        self.assertEqual(pb.OFFLINE, person.presence.state)
        self.assertEqual(left_ms, person.presence.last_seen_ms)

    def test_what_a_node_that_ends_has_put_ends_soon(self) -> None:
        self.come()
        self.other._spawn("draining", self.other.drain())
        self.rig.run()
        ends = [end for _, end in self.rig.presence._users[self.who("bob")].values()]
        self.assertLessEqual(max(ends) - self.rig.database.now_ms(), MOVING_MS)

    def test_who_moves_to_another_node_was_never_away(self) -> None:
        self.come()
        self.watch("bob")
        self.other._spawn("draining", self.other.drain())
        self.rig.run()
        self.rig.client("bob")
        self.run_for(120)
        self.assertEqual([], self.told())

    def test_all_that_was_kept_is_lost_and_comes_back(self) -> None:
        self.come()
        self.watch("bob")
        self.rig.presence._users.clear()
        self.run_for(61)
        self.assertEqual({self.who("bob"): "ONLINE"}, self.states("bob"))

    def test_while_it_cannot_be_read_the_answer_has_cards_and_then_it_comes(self) -> None:
        self.come()
        get = self.rig.presence.get

        async def away(user_ids: object) -> object:
            raise Unavailable("away")

        self.rig.presence.get = away
        (person,) = self.watch("bob").watched_people.people
        self.assertEqual(("bob", False), (person.card.name, person.HasField("presence")))
        self.rig.presence.get = get
        self.run_for(61)
        self.assertEqual(["ONLINE"], self.told())

    def test_one_who_reads_slowly_is_told_later(self) -> None:
        self.watch("bob")
        protocol = self.ann.transport.protocol
        tell, protocol.tell = protocol.tell, lambda data: False
        self.come()
        self.run_for(SOON)
        self.assertEqual([], self.told())
        protocol.tell = tell
        self.run_for(61)
        self.assertEqual(["ONLINE"], self.told())


class SlowTests(Case):
    def test_for_one_who_reads_slowly_nothing_piles_up_and_in_the_end_they_know(self) -> None:
        self.watch("bob")
        self.ann.transport.room = 10
        self.ann.send(0, ping=pb.Ping())
        self.ann.take()
        bob = self.come()
        self.run_for(PACE_MS / 1000)
        for state in (pb.AWAY, pb.ONLINE, pb.AWAY):
            bob.send(set_presence=pb.SetPresence(state=state))
            self.run_for(PACE_MS / 1000 + SOON)
        self.ann.transport.room = None
        self.ann.transport.drain()
        self.rig.run()
        self.assertEqual([], self.told())
        self.run_for(61)
        self.assertEqual(["AWAY"], self.told())


class BadInputTests(Case):
    def test_too_many_at_once(self) -> None:
        body = pb.WatchPeople(add=range(1, MAX_AT_ONCE + 1), remove=[1])
        self.assertError(self.ann.ask(watch_people=body), "too_large")

    def test_too_many_altogether(self) -> None:
        ids = range(10_000, 10_000 + MAX_WATCHED + 1)
        for peer in ids:
            self.sql(
                "INSERT INTO account (user_id, name, name_key, email, email_key, password_hash, created_ms)"
                " VALUES (?, ?, ?, ?, ?, '', 0)",
                peer,
                f"u{peer}",
                b"u%d" % peer,
                "",
                b"e%d" % peer,
            )
            self.relate(self.ann.user_id, peer)
            self.relate(peer, self.ann.user_id)
        for start in range(0, MAX_WATCHED, MAX_AT_ONCE):
            answer = self.ann.ask(watch_people=pb.WatchPeople(add=ids[start : start + MAX_AT_ONCE]))
            self.assertEqual(MAX_AT_ONCE, len(answer.watched_people.people))
        self.assertError(self.ann.ask(watch_people=pb.WatchPeople(add=[ids[-1]])), "too_many")
        # Those that are watched already do not count again, and to let one go makes room.
        self.assertEqual(1, len(self.ann.ask(watch_people=pb.WatchPeople(add=[ids[0]])).watched_people.people))
        body = pb.WatchPeople(add=[ids[-1]], remove=[ids[0]])
        self.assertEqual(1, len(self.ann.ask(watch_people=body).watched_people.people))

    def test_too_often(self) -> None:
        rig = NodeRig(ChatSettings(limits=replace(SESSION_RATES, presence=Limit(2, 60_000))))
        ann = rig.client("ann")
        answers = [ann.ask(watch_people=pb.WatchPeople()) for _ in range(3)]
        self.assertError(answers[-1], "rate_limited")
        self.assertGreater(answers[-1].error.retry_after_ms, 0)

    def test_a_state_that_nobody_can_set(self) -> None:
        for state in (pb.OFFLINE, 3, 77):
            self.assertError(self.ann.ask(set_presence=pb.SetPresence(state=state)), "invalid_request")

    def test_without_a_database_the_answer_says_so_and_nothing_is_left_behind(self) -> None:
        get = self.rig.database.seen.seen

        async def away(user_ids: object) -> object:
            raise Unavailable("away")

        self.rig.database.seen.seen = away
        self.assertError(self.watch("bob"), "unavailable")
        self.rig.database.seen.seen = get
        self.assertNotIn(f"person:{self.who('bob')}", self.rig.hub.buses[0]._channels)

    def test_a_connection_that_ends_lets_go_of_everybody(self) -> None:
        self.watch("bob")
        self.ann.transport.abortConnection()
        self.rig.run()
        self.assertNotIn(f"person:{self.who('bob')}", self.rig.hub.buses[0]._channels)
        self.assertEqual(({}, []), (self.rig.node._watching._of, self.rig.node._watching._watched.ids()))
        self.run_for(20)
        self.assertEqual({}, self.rig.node._attendance._users)
