"""Presence across two nodes: who is told what of whom, and who is not."""

from __future__ import annotations

from imchat.chat.logic.presence import NOTE_SEEN
from imchat.domain.presence import PACE_MS
from imchat.ports import RelationsChanged
from imchat.wire import imchat_pb2 as pb
from tests.net.presence_case import GONE, SOON, Case


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

    def test_so_is_that_of_somebody_on_the_same_node(self) -> None:
        bob = self.rig.client("bob")
        self.watch("bob")
        self.assertEqual("profile", bob.ask(set_profile=pb.SetProfile(nickname="Bobby")).WhichOneof("body"))
        self.run_for(SOON)
        self.assertEqual(["Bobby"], [person.card.nickname for person in self.pushed()])


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

    def test_one_who_blocks_no_more_is_seen_again_without_being_asked_for(self) -> None:
        self.come()
        self.watch("bob")
        for blocked, states in ((1, ["OFFLINE"]), (0, ["ONLINE"])):
            self.relate(self.who("bob"), self.who("ann"), blocked=blocked)
            self.other._watching.announce_relations([self.who("ann")])
            self.run_for(SOON)
            self.assertEqual(states, self.told())

    def test_one_who_may_be_watched_only_later_is_seen_then(self) -> None:
        self.come("cat")
        self.assertEqual({}, self.states("cat"))
        self.relate(self.who("ann"), self.who("cat"))
        self.relate(self.who("cat"), self.who("ann"))
        self.other._watching.announce_relations([self.who("ann")])
        self.run_for(SOON)
        (person,) = self.pushed()
        self.assertEqual((self.who("cat"), "cat"), (person.user_id, person.card.name))

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
