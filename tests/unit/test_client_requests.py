"""The client's requests about people, contacts and conversations, and what is pushed, against the scripted server."""

from twisted.internet.defer import Deferred

from imchat.client import Options, PersonChange, Receipt, Stopped, TypingSeen
from imchat.client.people import MAX_WATCHED
from imchat.client.state import MemoryState
from imchat.domain.errors import InvalidRequest, NotFound, RateLimited, TooLate, Unsupported
from imchat.domain.people import Presence, PresenceState, ProfileChange, RequestState
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client_people import FakePeople
from tests.fakes.client_world import ClientCase


async def every(entries):
    return [entry async for entry in entries]


class PeopleCase(ClientCase):
    def setUp(self):
        super().setUp()
        self.people = FakePeople(self.server)

    def start(self, coroutine):
        return Deferred.fromCoroutine(coroutine)

    def done(self, coroutine, seconds=1):
        """What a request gives."""
        asked = self.start(coroutine)
        self.world.run(seconds)
        return self.successResultOf(asked)

    def refused(self, coroutine, kind):
        asked = self.start(coroutine)
        self.world.run(1)
        return self.failureResultOf(asked, kind)


class Waits(PeopleCase):
    def refuse_requests(self, retry_after_ms):
        def intercept(peer, frame):
            if not frame.HasField("request_contact"):
                return False
            self.server.intercept = lambda peer, frame: False
            peer.refuse(frame, "rate_limited", retry_after_ms)
            return True

        self.server.intercept = intercept

    def test_who_would_have_to_wait_for_hours_is_told_so(self):
        client = self.live().client
        self.refuse_requests(24 * 3_600_000)
        failure = self.refused(client.contacts.request(2), RateLimited)
        self.assertEqual(failure.value.retry_after_ms, 24 * 3_600_000)

    def test_a_minute_is_waited_for(self):
        client = self.live().client
        self.refuse_requests(60_000)
        asked = self.start(client.contacts.request(2))
        self.world.run(59)
        self.assertNoResult(asked)
        self.world.run(20)
        self.assertEqual(self.successResultOf(asked).contact.user_id, 2)


class People(PeopleCase):
    def test_a_change_of_the_profile_leaves_what_it_does_not_name(self):
        people = self.live().client.people
        self.done(people.set_profile(ProfileChange(nickname="Al", receipts_off=True)))
        profile = self.done(people.set_profile(ProfileChange(signature="hi", nickname="")))
        self.assertEqual((profile.card.nickname, profile.card.signature), ("", "hi"))
        self.assertTrue(profile.settings.receipts_off)
        self.assertEqual(self.done(people.profile()), profile)

    def test_search_reads_as_many_pages_as_are_wanted(self):
        self.server.users.update({n: f"dora{n}" for n in range(10, 15)})
        people = self.live().client.people
        found = self.done(every(people.search("dora")))
        self.assertEqual([card.id for card in found], [10, 11, 12, 13, 14])

        async def first():
            async for card in people.search("dora"):
                return card
            return None

        before = len(self.people.asked("search_people"))
        self.assertEqual(self.done(first()).id, 10)
        self.assertEqual(len(self.people.asked("search_people")) - before, 1)

    def test_those_who_are_watched_are_told_of_now_and_over_reconnects(self):
        self.people.befriend(1, 2)
        user, told = self.live(), []
        user.client.on_person(told.append)
        self.done(user.client.people.watch([2, 3]))
        self.assertEqual(
            [(p.user_id, p.presence.state) for p in told], [(2, PresenceState.OFFLINE), (3, PresenceState.OFFLINE)]
        )
        self.people.online.add(2)
        self.server.cut()
        self.world.run(5)
        self.assertEqual(
            [(p.user_id, p.presence.state) for p in told[2:]], [(2, PresenceState.ONLINE), (3, PresenceState.OFFLINE)]
        )
        self.assertEqual(list(self.people.asked("watch_people")[-1].add), [2, 3])

    def test_who_may_not_be_seen_any_more_after_a_reconnect_is_offline(self):
        self.people.befriend(1, 2)
        self.people.online.add(2)
        user, told = self.live(), []
        self.done(user.client.people.watch([2]))
        user.client.on_person(told.append)
        self.people.contacts.clear()
        self.server.cut()
        self.world.run(5)
        self.assertEqual([(p.user_id, p.card, p.presence) for p in told], [(2, None, Presence())])

    def test_watching_is_bounded_and_lets_the_oldest_go(self):
        client = self.live().client
        self.done(client.people.watch(range(1, MAX_WATCHED + 1)))
        self.assertEqual([len(request.add) for request in self.people.asked("watch_people")], [100] * 5)
        self.done(client.people.watch([1, 9999]))
        self.assertEqual(len(client.people.watched), MAX_WATCHED)
        gone, come = self.people.asked("watch_people")[-2:]
        self.assertEqual((list(gone.remove), list(come.add)), ([2], [1, 9999]))
        self.done(client.people.unwatch([1, 4242]))
        self.assertEqual(list(self.people.asked("watch_people")[-1].remove), [1])

    def test_pushes_reach_their_listeners_also_without_a_handler_and_after_one_that_fails(self):
        client = self.live(handler=False).client
        persons, receipts, typing = [], [], []
        client.on_person(lambda change: 1 / 0)
        client.on_person(persons.append)
        client.on_receipt(receipts.append)
        client.on_typing(typing.append)
        peer = self.server.peer(1)
        peer.send(Frame(person_changed=pb.PersonChanged(user_id=2, card=pb.UserCard(user_id=2, name="bob"))))
        peer.send(Frame(receipt=pb.Receipt(conversation_id=7, user_id=2, delivered_seq=4, read_seq=3)))
        peer.send(Frame(typing_notice=pb.TypingNotice(conversation_id=7, user_id=2)))
        self.world.run(1)
        ((person,),) = [persons]
        self.assertIsInstance(person, PersonChange)
        self.assertEqual((person.card.name, person.presence), ("bob", None))
        self.assertEqual(receipts, [Receipt(7, 2, 4, 3)])
        self.assertEqual(typing, [TypingSeen(7, 2)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_devices(self):
        client = self.live().client
        here, there = self.done(client.devices.all())
        self.assertEqual((here.current, there.info.device.platform), (True, "android"))
        self.done(client.devices.end(["there"]))
        self.done(client.devices.end_others())
        self.assertEqual([r.all_others for r in self.people.asked("end_sessions")], [False, True])
        self.done(client.devices.end(["elsewhere"]))

    def test_away_and_back(self):
        people = self.live().client.people
        self.done(people.set_away(True))
        self.done(people.set_away(False))
        self.assertEqual([r.state for r in self.people.asked("set_presence")], [pb.AWAY, pb.ONLINE])

    def test_who_is_away_stays_so_over_reconnects(self):
        person = self.live()
        self.done(person.client.people.set_away(True))
        self.server.cut()
        self.world.run(10)
        self.assertEqual([r.state for r in self.people.asked("set_presence")], [pb.AWAY, pb.AWAY])
        self.done(person.client.people.set_away(False))
        self.server.cut()
        self.world.run(10)
        # A connection begins as online: there is nothing to say.
        self.assertEqual([r.state for r in self.people.asked("set_presence")], [pb.AWAY, pb.AWAY, pb.ONLINE])
        # Nor is what was refused said later.
        self.people.refuse["set_presence"] = InvalidRequest("not now")
        self.refused(person.client.people.set_away(True), InvalidRequest)
        self.people.refuse.clear()
        self.server.cut()
        self.world.run(10)
        self.assertEqual(len(self.people.asked("set_presence")), 4)


class Contacts(PeopleCase):
    def test_lists_are_read_to_their_end(self):
        for other in (2, 3):
            self.server.users[other + 10] = f"friend{other}"
            self.people.befriend(1, other)
            self.people.befriend(1, other + 10)
        client = self.live().client
        found = self.done(every(client.contacts.all()))
        self.assertEqual([c.contact.user_id for c in found], [2, 3, 12, 13])
        self.assertEqual(found[0].card.name, "bob")
        self.done(client.contacts.block(3))
        self.assertEqual([c.contact.user_id for c in self.done(every(client.contacts.blocked()))], [3])

    def test_from_a_request_to_a_contact(self):
        client = self.live().client
        change = self.done(client.contacts.request(3, "hello", "C"))
        self.assertEqual((change.requests[0].state, change.requests[0].greeting), (RequestState.PENDING, "hello"))
        (listed,) = self.done(every(client.contacts.requests(incoming=False)))
        self.assertEqual((listed.card.name, listed.request.remark), ("carol", "C"))
        self.people.ask(1, 2, "may I?")
        change = self.done(client.contacts.accept(2, "B"))
        self.assertEqual((change.contact.is_contact, change.contact.remark), (True, "B"))
        self.assertEqual(self.done(every(client.contacts.requests(incoming=True))), [])
        (answered,) = self.done(every(client.contacts.requests(incoming=True, everything=True)))
        self.assertEqual(answered.request.state, RequestState.ACCEPTED)

    def test_declining_and_ignoring_are_two_things(self):
        client = self.live().client
        for other, answer in ((2, client.contacts.decline), (3, client.contacts.ignore)):
            self.people.ask(1, other, "")
            self.assertFalse(self.done(answer(other)).contact.is_contact)
        self.assertEqual([r.answer for r in self.people.asked("answer_contact")], [pb.DECLINE, pb.IGNORE])
        self.refused(client.contacts.accept(2), NotFound)

    def test_what_is_not_named_stays_and_what_is_empty_goes(self):
        self.people.befriend(1, 2, remark="B", labels=["x"], starred=True)
        client = self.live().client
        contact = self.done(client.contacts.set(2, remark="")).contact
        self.assertEqual((contact.remark, contact.labels, contact.starred), ("", ("x",), True))
        contact = self.done(client.contacts.set(2, labels=[], starred=False)).contact
        self.assertEqual((contact.labels, contact.starred), ((), False))
        self.assertFalse(self.done(client.contacts.remove(2)).contact.is_contact)


class Conversations(PeopleCase):
    def test_the_list_newest_first_over_pages_and_some_by_id(self):
        talks = [self.server.direct(1, other) for other in (2, 3, 4)]
        for talk in talks:
            self.server.say(talk, 2, "hi")
            self.world.run(1)
        client = self.live().client
        found = self.done(every(client.conversations.all()))
        self.assertEqual([c.conversation_id for c in found], talks[::-1])
        self.assertEqual((found[0].unread, found[0].newest.content.text), (1, "hi"))
        self.assertEqual(list(self.done(client.conversations.some([talks[0], 12345]))), talks[:1])

    def test_of_many_wishes_to_mark_read_the_last_one_is_sent(self):
        for _ in range(9):
            self.server.say(self.talk, 2, "hi")
        client = self.live().client
        self.server.latency = 0.5
        self.server.cut()
        self.world.run(5)
        asked = [self.start(client.conversations.mark_read(self.talk, seq)) for seq in (1, 5, 9, 3)]
        self.world.run(5)
        for one in asked:
            self.assertIsNone(self.successResultOf(one))
        self.assertLessEqual(len(self.people.asked("mark_read")), 2)
        self.assertEqual(self.people.asked("mark_read")[-1].seq, 9)

    def test_a_wish_that_is_refused_does_not_spoil_the_others(self):
        self.server.say(self.talk, 2, "hi")
        client = self.live().client
        self.refused(client.conversations.mark_read(self.talk, 99), NotFound)
        self.done(client.conversations.mark_read(self.talk, 1))
        self.assertEqual(self.people.asked("mark_read")[-1].seq, 1)

    def test_own_states_receipts_deletion_typing(self):
        client = self.live().client
        self.done(client.conversations.set(self.talk, muted=True))
        (request,) = self.people.asked("set_conversation")
        self.assertEqual((request.muted, request.HasField("pinned"), request.HasField("hidden")), (True, False, False))
        self.assertEqual(self.done(client.conversations.receipts(self.talk)), (Receipt(self.talk, 2, 4, 3),))
        self.done(client.conversations.delete_messages(self.talk, range(1, 151)))
        self.assertEqual([len(r.seqs) for r in self.people.asked("delete_messages")], [100, 50])
        self.done(client.conversations.clear(self.talk, 7))
        self.assertEqual(self.people.asked("delete_messages")[-1].through_seq, 7)
        self.done(client.conversations.typing(self.talk))
        self.assertEqual(len(self.people.asked("typing")), 1)

    def test_history_by_date_and_upwards(self):
        stamps = []
        for n in range(5):
            stamps.append(self.server.say(self.talk, 2, str(n)).created_ms)
            self.world.run(10)
        client = self.live().client
        page = self.done(client.history(self.talk, before_ms=stamps[2]))
        self.assertEqual([e.content.text for e in page.events], ["0", "1"])
        page = self.done(client.history(self.talk, after=3))
        self.assertEqual([e.content.text for e in page.events], ["3", "4"])


class Delivered(PeopleCase):
    def test_what_is_received_is_told_once_a_second_at_most_and_coalesced(self):
        self.live()
        other = self.server.direct(1, 3)
        for _ in range(20):
            self.server.say(self.talk, 2, "hi")
            self.server.say(other, 3, "hi")
            self.world.run(0.1)
        self.world.run(3)
        told = self.people.asked("mark_delivered")
        self.assertLessEqual(len(told), 4)
        last = {p.stream_id: p.seq for request in told for p in request.positions}
        self.assertEqual(last, {self.talk: 20, other: 20})

    def test_no_request_has_more_positions_than_the_server_takes(self):
        for other in range(100, 350):
            self.server.users[other] = f"user{other}"
            self.server.say(self.server.direct(1, other), other, "hi")
        self.server.sync_streams = 500
        self.live()
        self.world.run(5)
        told = self.people.asked("mark_delivered")
        self.assertLessEqual(max(len(request.positions) for request in told), 100)
        self.assertEqual(sum(len(request.positions) for request in told), 250)

    def test_neither_ones_own_nor_the_servers_nor_private_events_are_marked(self):
        self.live()
        self.server.say(self.talk, 1, "of another device")
        self.server.append(self.talk, 0, pb.Content(system_line=pb.SystemLine(code="contacts_made")))
        self.people.befriend(1, 2)
        self.world.run(3)
        self.assertEqual(self.people.asked("mark_delivered"), [])

    def test_nothing_is_marked_where_nobody_handles_or_it_is_switched_off(self):
        self.assertTrue(Options().delivered)
        self.live(handler=False)
        self.live(delivered=False)
        self.server.say(self.talk, 2, "hi")
        self.world.run(3)
        self.assertEqual(self.people.asked("mark_delivered"), [])

    def test_a_server_that_knows_no_marks_is_asked_once(self):
        asked = []

        def unknown(peer, frame):
            asked.append(frame)
            raise Unsupported("no")

        self.server.answers["mark_delivered"] = unknown
        user = self.live()
        for _ in range(5):
            self.server.say(self.talk, 2, "hi")
            self.world.run(2)
        self.assertEqual(len(asked), 1)
        self.assertEqual(user.closed, [])


class Acts(PeopleCase):
    def setUp(self):
        super().setUp()
        self.server.say(self.talk, 1, "mine")
        self.server.say(self.talk, 2, "theirs")

    def test_recall_edit_and_react_are_accepted_and_reach_the_own_handler(self):
        user, seen = self.live(), []
        user.handle_into(self.into(seen))
        self.assertEqual(self.done(user.client.acts.react(self.talk, 2, "👍")).seq, 3)
        self.assertEqual(self.done(user.client.acts.edit(self.talk, 1, "better")).seq, 4)
        self.assertEqual(self.done(user.client.acts.recall(self.talk, 1)).seq, 5)
        self.world.run(5)
        self.assertEqual([event.seq for event in seen], [3, 4, 5])
        self.assertEqual(seen[1].target.content.text, "better")

    def into(self, seen):
        async def handle(turn):
            seen.append(turn.event)

        return handle

    def test_an_act_whose_answer_was_lost_is_sent_again_with_the_same_id_and_happens_once(self):
        client = self.live().client
        answers = self.server.answers["react"]
        lost = []

        def lose(peer, frame):
            body = answers(peer, frame)
            if not lost:
                lost.append(frame.react.client_id)
                peer.abort()
            return body

        self.server.answers["react"] = lose
        accepted = self.done(client.acts.react(self.talk, 2, "👍"), 10)
        self.assertEqual((accepted.seq, accepted.client_id), (3, lost[0]))
        self.assertEqual({r.client_id for r in self.people.asked("react")}, set(lost))
        self.assertEqual(self.server.streams[self.talk].last_seq, 3)

    def test_an_act_that_was_not_answered_is_done_by_the_next_run_once(self):
        store = MemoryState()
        user = self.live(store=store)
        answers, ids = self.server.answers["react"], []

        def unheard(peer, frame):
            ids.append(frame.react.client_id)
            body = answers(peer, frame)
            peer.abort()
            user.client.stop()
            return body

        self.server.answers["react"] = unheard
        act = self.start(user.client.acts.react(self.talk, 2, "👍"))
        self.world.run(10)
        self.failureResultOf(act, Stopped)
        self.server.answers["react"] = answers
        emptied = self.user(store=store).client.when_sent()
        self.world.run(5)
        self.successResultOf(emptied)
        self.assertEqual([r.client_id for r in self.people.asked("react")], [*ids, *ids])
        self.assertEqual(self.server.streams[self.talk].last_seq, 3)

    def test_acts_in_one_conversation_keep_their_order(self):
        client = self.live().client
        came = []

        def first_fails(peer, frame):
            # As the server does: what follows fails too, until the first one comes again.
            if not frame.HasField("edit_message"):
                return False
            came.append(frame.edit_message.client_id)
            if came.count(came[0]) > 1:
                return False
            peer.refuse(frame, "unavailable", 2000)
            return True

        self.server.intercept = first_fails
        edits = [self.start(client.acts.edit(self.talk, 1, text)) for text in ("one", "two")]
        self.world.run(20)
        self.assertEqual([self.successResultOf(edit).seq for edit in edits], [3, 4])
        self.assertEqual(self.server.streams[self.talk].events[0].content.text.text, "two")

    def test_what_the_server_refuses_is_told_and_what_cannot_be_sent_is_not_sent(self):
        client = self.live().client
        self.refused(client.acts.recall(self.talk, 2), TooLate)
        self.refused(client.acts.recall(self.talk, 77), NotFound)
        self.refused(client.acts.edit(self.talk, 1, " "), InvalidRequest)
        self.assertEqual(self.people.asked("edit_message"), [])
