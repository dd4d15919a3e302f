"""Presence across two nodes: who is told what of whom, and who is not."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.presence import LIFETIME_MS, NOTE_SEEN
from imchat.chat.logic.watched import GATHER
from imchat.chat.logic.watching import MAX_AT_ONCE, MAX_WATCHED
from imchat.chat.settings import ChatSettings
from imchat.domain.errors import Unavailable
from imchat.domain.limits import Limit
from imchat.domain.presence import OFFLINE_AFTER_MS, PACE_MS
from imchat.ports import PersonChanged, RelationsChanged
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, WireClient

ROOMY = ChatSettings(lookups=Limit(10_000, 60_000), idle_timeout=10_000)
SOON = GATHER + 0.3
GONE = OFFLINE_AFTER_MS / 1000 + SOON


class Case(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig(ROOMY)
        self.other = self.rig.make_node("node-2", ROOMY)
        for name in ("ann", "bob", "cat"):
            self.rig.add_user(name)
        self.befriend("ann", "bob")
        self.ann = self.rig.client("ann")
        self.run_for(PACE_MS / 1000)

    def who(self, name: str) -> int:
        return self.rig.users[name]

    def sql(self, statement: str, *parameters: object) -> None:
        self.rig.database.pool.connection.execute(statement, parameters)

    def relate(self, one: int, other: int, is_contact: int = 1, blocked: int = 0) -> None:
        self.sql("INSERT OR REPLACE INTO contact VALUES (?, ?, ?, ?, '', '', 0, 0)", one, other, is_contact, blocked)

    def befriend(self, one: str, other: str) -> None:
        self.relate(self.who(one), self.who(other))
        self.relate(self.who(other), self.who(one))

    def run_for(self, seconds: float) -> None:
        while seconds > 0:
            self.rig.clock.advance(min(0.1, seconds))
            seconds -= 0.1
        self.rig.run()

    def come(self, name: str = "bob", device_id: str = "phone") -> WireClient:
        """Somebody comes to the other node."""
        return self.rig.client(name, device_id, node=self.other)

    def watch(self, *names: str, client: WireClient | None = None, remove: tuple[str, ...] = ()) -> pb.Frame:
        body = pb.WatchPeople(add=[self.who(name) for name in names], remove=[self.who(name) for name in remove])
        return (client or self.ann).ask(watch_people=body)

    def states(self, *names: str) -> dict[int, str]:
        """What the answer to a request says."""
        people = self.watch(*names).watched_people.people
        return {person.user_id: pb.PresenceState.Name(person.presence.state) for person in people}

    def pushed(self, client: WireClient | None = None) -> list[pb.PersonChanged]:
        frames = (client or self.ann).take()
        return [frame.person_changed for frame in frames if frame.WhichOneof("body") == "person_changed"]

    def told(self, client: WireClient | None = None) -> list[str]:
        """The states that were pushed."""
        return [pb.PresenceState.Name(one.presence.state) for one in self.pushed(client) if one.HasField("presence")]

    def assertError(self, frame: pb.Frame, code: str) -> None:
        self.assertEqual(code, frame.error.code, frame)


class ContactTests(Case):
    def test_the_answer_has_the_card_and_how_they_are_now(self) -> None:
        self.come()
        (person,) = self.watch("bob").watched_people.people
        self.assertEqual((self.who("bob"), "bob"), (person.user_id, person.card.name))
        self.assertEqual((pb.ONLINE, ["test"], 0), (*self.shape(person),))

    def shape(self, person: pb.PersonChanged) -> tuple[int, list[str], int]:
        return person.presence.state, list(person.presence.platforms), person.presence.last_seen_ms

    def test_one_comes_is_away_and_goes(self) -> None:
        self.watch("bob")
        bob = self.come()
        self.run_for(SOON)
        self.assertEqual(["ONLINE"], self.told())
        self.run_for(PACE_MS / 1000)
        self.assertEqual("done", bob.ask(set_presence=pb.SetPresence(state=pb.AWAY)).WhichOneof("body"))
        self.run_for(SOON)
        self.assertEqual(["AWAY"], self.told())
        self.run_for(PACE_MS / 1000)
        left_ms = int(self.rig.clock.seconds() * 1000)
        bob.transport.abortConnection()
        self.run_for(GONE)
        self.assertEqual(["OFFLINE"], self.told())
        self.run_for(NOTE_SEEN)
        (person,) = self.watch("bob").watched_people.people
        self.assertEqual(left_ms, person.presence.last_seen_ms)

    def test_on_the_same_node_too(self) -> None:
        self.watch("bob")
        bob = self.rig.client("bob")
        self.run_for(SOON)
        self.assertEqual(["ONLINE"], self.told())
        bob.transport.abortConnection()
        self.run_for(GONE)
        self.assertEqual(["OFFLINE"], self.told())

    def test_going_offline_tells_since_when(self) -> None:
        bob = self.come()
        self.watch("bob")
        self.run_for(PACE_MS / 1000)
        left_ms = int(self.rig.clock.seconds() * 1000)
        bob.transport.abortConnection()
        self.run_for(GONE + NOTE_SEEN + 3)
        self.assertEqual(left_ms, self.pushed()[-1].presence.last_seen_ms)

    def test_a_flapping_connection_tells_nothing(self) -> None:
        bob = self.come()
        self.watch("bob")
        for node in (self.other, self.rig.node, self.other, self.rig.node) * 5:
            bob.transport.abortConnection()
            self.run_for(2)
            bob = self.rig.client("bob", node=node)
            self.run_for(1)
        self.run_for(GONE)
        self.assertEqual([], self.told())

    def test_one_who_changes_all_the_time_is_told_of_every_three_seconds(self) -> None:
        bob = self.come()
        self.watch("bob")
        self.ann.take()
        for count in range(60):
            bob.send(set_presence=pb.SetPresence(state=pb.AWAY if count % 3 else pb.ONLINE))
            self.run_for(0.25)
        self.assertLessEqual(len(self.told()), 6)
        bob.send(set_presence=pb.SetPresence(state=pb.AWAY))
        self.run_for(PACE_MS / 1000 + SOON)
        self.assertEqual({self.who("bob"): "AWAY"}, self.states("bob"))

    def test_of_two_devices_the_highest_counts_wherever_they_are(self) -> None:
        bob = self.come()
        bob.send(set_presence=pb.SetPresence(state=pb.AWAY))
        self.run_for(PACE_MS / 1000)
        self.assertEqual({self.who("bob"): "AWAY"}, self.states("bob"))
        tablet = self.rig.client("bob", "tablet")
        self.run_for(SOON)
        self.assertEqual(["ONLINE"], self.told())
        tablet.transport.abortConnection()
        self.run_for(GONE)
        self.assertEqual(["AWAY"], self.told())

    def test_who_watches_no_more_is_told_nothing(self) -> None:
        self.watch("bob")
        self.watch(remove=("bob",))
        self.come()
        self.run_for(SOON)
        self.assertEqual([], self.pushed())
        self.assertNotIn(f"person:{self.who('bob')}", self.rig.hub.buses[0]._channels)

    def test_a_changed_card_is_pushed(self) -> None:
        self.watch("bob")
        self.sql("UPDATE account SET name = 'Bobby' WHERE user_id = ?", self.who("bob"))
        self.other._watching.announce_people([self.who("bob")], profile=True, presence=False)
        self.run_for(SOON)
        (person,) = self.pushed()
        self.assertEqual(("Bobby", False), (person.card.name, person.HasField("presence")))


class SecretTests(Case):
    def test_a_stranger_and_nobody_are_told_of_alike(self) -> None:
        self.come("cat")
        body = pb.WatchPeople(add=[self.who("cat"), 12345, 0, 2**63, self.ann.user_id])
        self.assertEqual(pb.WatchedPeople(), self.ann.ask(watch_people=body).watched_people)
        self.run_for(120)
        self.assertEqual([], self.pushed())

    def test_one_who_is_in_the_list_without_having_one_in_it(self) -> None:
        self.relate(self.who("ann"), self.who("cat"))
        self.assertEqual({}, self.states("cat"))

    def test_one_who_hides_it_is_offline_and_was_never_seen(self) -> None:
        self.sql("UPDATE account SET presence_hidden = 1, last_seen_ms = 77 WHERE user_id = ?", self.who("bob"))
        self.come()
        (person,) = self.watch("bob").watched_people.people
        self.assertEqual((pb.OFFLINE, [], 0), (person.presence.state, list(person.presence.platforms), 0))
        self.assertEqual(0, person.presence.last_seen_ms)
        self.assertTrue(person.HasField("presence"))

    def test_hiding_it_shows_at_once(self) -> None:
        self.come()
        self.watch("bob")
        for hidden, state in ((1, "OFFLINE"), (0, "ONLINE")):
            self.sql("UPDATE account SET presence_hidden = ? WHERE user_id = ?", hidden, self.who("bob"))
            self.other._watching.announce_people([self.who("bob")])
            self.run_for(SOON)
            (person,) = self.pushed()
            self.assertEqual((state, 0), (pb.PresenceState.Name(person.presence.state), person.presence.last_seen_ms))

    def test_one_who_blocks_is_offline_from_now_on(self) -> None:
        bob = self.come()
        self.watch("bob")
        self.relate(self.who("bob"), self.who("ann"), blocked=1)
        self.other._watching.announce_relations([self.who("ann")])
        self.run_for(SOON)
        self.assertEqual(["OFFLINE"], self.told())
        self.run_for(PACE_MS / 1000)
        bob.send(set_presence=pb.SetPresence(state=pb.AWAY))
        bob.transport.abortConnection()
        self.run_for(60)
        self.assertEqual([], self.pushed())
        self.assertEqual({}, self.states("bob"))

    def test_also_where_the_notice_was_lost(self) -> None:
        self.come()
        self.watch("bob")
        self.rig.hub.lose = lambda channel, notice: isinstance(notice, RelationsChanged)
        self.relate(self.who("bob"), self.who("ann"), is_contact=0)
        self.other._watching.announce_relations([self.who("ann")])
        self.run_for(SOON)
        self.assertEqual([], self.told())
        self.run_for(60)
        self.assertEqual(["OFFLINE"], self.told())
        self.run_for(60)
        self.assertEqual([], self.told())

    def test_who_blocks_while_it_is_asked(self) -> None:
        self.come()
        self.rig.database.pool.hold()
        self.ann.send(watch_people=pb.WatchPeople(add=[self.who("bob")]))
        self.rig.database.pool.step()
        self.relate(self.who("bob"), self.who("ann"), blocked=1)
        self.other._watching.announce_relations([self.who("ann")])
        self.rig.run()
        self.rig.database.pool.release()
        self.run_for(SOON)
        states = [p.presence.state for f in self.ann.take() for p in (f.person_changed, *f.watched_people.people)]
        self.assertEqual(pb.OFFLINE, states[-1] if states else pb.OFFLINE)
        self.run_for(PACE_MS / 1000)
        self.assertEqual({}, self.states("bob"))


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
        self.run_for(LIFETIME_MS / 1000 + 65)
        self.assertEqual(["OFFLINE"], self.told())

    def test_those_of_a_living_one_stay(self) -> None:
        self.come()
        self.watch("bob")
        self.run_for(3 * LIFETIME_MS / 1000)
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
        rig = NodeRig(ChatSettings(lookups=Limit(2, 60_000)))
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
