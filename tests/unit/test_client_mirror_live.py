"""The mirror behind a client: lists at the beginning, then what is pushed, over absences short and long."""

from twisted.internet.defer import Deferred

from imchat.client import Credentials, MemoryState, Options, Stopped, mirror
from imchat.client.mirror import Mirror
from imchat.client.mirror.live import LAG
from imchat.domain.contacts import EXPIRY_MS
from imchat.domain.people import PresenceState
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame
from tests.fakes.client_people import FakePeople
from tests.fakes.client_world import ClientCase


class Live(ClientCase):
    def setUp(self):
        super().setUp()
        self.people = FakePeople(self.server)
        self.mirrors = []

    def tearDown(self):
        for one in self.mirrors:
            Deferred.fromCoroutine(one.stop())
        super().tearDown()

    def mirror(self, name="alice", store=None, seconds=5, **more):
        one = Mirror(self.world.outside(store or MemoryState()), **more)
        self.mirrors.append(one)
        Deferred.fromCoroutine(one.start(Credentials(name, "secret")))
        self.world.run(seconds)
        return one

    def texts(self, one, talk=None):
        return [getattr(m.content, "text", None) for m in mirror.messages(one.state, talk or self.talk)]

    def unread(self, one):
        return {talk.conversation_id: talk.unread for talk in mirror.conversations(one.state)}

    def test_a_new_device_shows_what_there_is_without_the_whole_past(self):
        for n in range(60):
            self.people.befriend(1, 2, remark=f"B{n}")
        for n in range(30):
            self.server.say(self.talk, 2, str(n))
        one = self.mirror()
        self.successResultOf(one.when_ready())
        self.assertEqual([c.remark for c in mirror.contacts(one.state)], ["B59"])
        self.assertEqual(one.state.profile.email, "1@x.test")
        self.assertEqual(self.unread(one), {self.talk: 30})
        self.assertEqual(mirror.newest(one.state, self.talk).content.text, "29")
        reads = [f.history for f in self.server.peer(1).received if f.HasField("history")]
        self.assertEqual([(r.stream_id, r.limit) for r in reads], [(1, 1)])

    def test_it_is_kept_live(self):
        states = []
        one = self.mirror(changed=states.append)
        self.people.ask(1, 3, "hello")
        self.people.befriend(1, 2)
        self.server.say(self.talk, 2, "hi")
        self.world.run(3)
        (request,) = one.state.requests.values()
        waiting = [mirror.requests(one.state, True, request.changed_ms + age) for age in (0, EXPIRY_MS - 1, EXPIRY_MS)]
        self.assertEqual(waiting, [[request], [request], []])
        self.assertEqual(request.greeting, "hello")
        self.assertEqual([c.user_id for c in mirror.contacts(one.state)], [2])
        self.assertEqual(mirror.called(one.state, 3), "carol")
        self.assertEqual((self.texts(one), self.unread(one)), (["hi"], {self.talk: 1}))
        self.assertIs(states[-1], one.state)

    def test_a_display_that_fails_stops_nothing(self):
        one = self.mirror(changed=lambda state: 1 / 0)
        self.server.say(self.talk, 2, "hi")
        self.world.run(3)
        self.assertEqual(self.texts(one), ["hi"])
        self.assertTrue(self.flushLoggedErrors(ZeroDivisionError))

    def test_reading_on_one_device_clears_the_others(self):
        one, two = self.mirror(), self.mirror()
        self.server.say(self.talk, 2, "hi")
        self.world.run(3)
        Deferred.fromCoroutine(one.client.conversations.mark_read(self.talk, 1))
        self.world.run(3)
        self.assertEqual((self.unread(one), self.unread(two)), ({self.talk: 0}, {self.talk: 0}))

    def test_ones_own_message_shows_at_once_and_is_not_unread(self):
        one = self.mirror()
        self.server.say(self.talk, 2, "hi")
        one.client.send(self.talk, "hello")
        self.world.run(3)
        self.assertEqual((self.texts(one), self.unread(one)), (["hi", "hello"], {self.talk: 0}))

    def test_ones_own_acts_show(self):
        one = self.mirror()
        self.server.say(self.talk, 1, "mine")
        self.world.run(3)
        Deferred.fromCoroutine(one.client.acts.react(self.talk, 1, "x"))
        Deferred.fromCoroutine(one.client.acts.edit(self.talk, 1, "better"))
        self.world.run(3)
        (message,) = mirror.messages(one.state, self.talk)
        self.assertEqual((message.content.text, message.reactions[0].own), ("better", True))

    def test_a_reply_quotes_nothing_that_was_deleted_before_the_device_came(self):
        stream = self.server.streams[self.talk]
        quoted = [self.server.say(self.talk, 2, text) for text in ("kept", "deleted")]
        stream.hidden[1] = {2}
        self.server.say(self.talk, 2, "the newest")
        one = self.mirror()
        for event in quoted:
            reply = pb.Content(text=pb.Text(text="re"), reply_to=event.seq)
            self.server.append(self.talk, 2, reply, quote=event)
        self.world.run(3)
        quotes = [message.quote and message.quote.content.text for message in mirror.messages(one.state, self.talk)]
        self.assertEqual(quotes[-2:], ["kept", None])
        self.assertEqual(one.state.doubtful, frozenset())

    def test_older_messages_come_page_by_page(self):
        for n in range(30):
            self.server.say(self.talk, 2, str(n))
        one = self.mirror()
        self.assertEqual(self.texts(one), [])
        more = Deferred.fromCoroutine(one.older(self.talk, 20))
        self.world.run(1)
        self.assertTrue(self.successResultOf(more))
        self.assertEqual(self.texts(one), [str(n) for n in range(10, 30)])
        more = Deferred.fromCoroutine(one.older(self.talk, 20))
        self.world.run(1)
        self.assertFalse(self.successResultOf(more))
        self.assertEqual(self.texts(one), [str(n) for n in range(30)])

    def test_after_a_short_absence_notes_are_replayed(self):
        one = self.mirror()
        self.absent(one, lambda: self.people.befriend(1, 2, remark="B"))
        self.assertEqual([c.remark for c in mirror.contacts(one.state)], ["B"])
        self.assertEqual(len(self.people.asked("get_profile")), 1)

    def test_after_a_long_absence_lists_are_taken_anew_and_nothing_is_replayed(self):
        handled = []

        async def handler(turn):
            handled.append(turn.event)

        one = self.mirror(handler=handler)

        def much():
            for n in range(LAG + 1):
                self.people.befriend(1, 2, remark=f"B{n}")

        self.absent(one, much)
        self.assertEqual([c.remark for c in mirror.contacts(one.state)], [f"B{LAG}"])
        self.assertEqual(len(self.people.asked("get_profile")), 2)
        self.assertEqual(handled, [])
        self.people.befriend(1, 3)
        self.world.run(2)
        self.assertEqual([event.seq for event in handled], [LAG + 2])
        self.assertEqual({c.user_id for c in mirror.contacts(one.state)}, {2, 3})

    def absent(self, one, meanwhile):
        self.server.down = set(self.world.gate.nodes)
        self.server.cut()
        self.world.run(2)
        meanwhile()
        self.server.down = set()
        self.world.run(40)

    def test_lists_that_break_off_are_taken_again_after_the_reconnect(self):
        self.people.befriend(1, 2)
        broken = []
        answer = self.server.answers["list_contacts"]

        def cut(peer, frame):
            if not broken:
                broken.append(peer)
                peer.abort()
            return answer(peer, frame)

        self.server.answers["list_contacts"] = cut
        one = self.mirror(seconds=20)
        self.assertEqual([c.user_id for c in mirror.contacts(one.state)], [2])

    def test_a_conversation_that_is_new_is_listed_and_its_people_get_names(self):
        one = self.mirror()
        talk = self.server.direct(1, 3)
        note = pb.ConversationAdded(conversation_id=talk, kind=pb.DIRECT, member_ids=[3])
        self.people.private(1, conversation_added=note)
        self.server.say(talk, 3, "hi")
        self.world.run(3)
        self.assertEqual(self.unread(one)[talk], 1)
        self.assertEqual(mirror.called(one.state, 3), "carol")
        self.assertEqual(one.state.stale, frozenset())

    def test_contacts_are_watched_and_their_presence_shows(self):
        self.people.befriend(1, 2)
        self.people.online.add(2)
        one = self.mirror()
        self.assertEqual(one.state.presences[2].state, PresenceState.ONLINE)
        changed = pb.PersonChanged(user_id=2, card=pb.UserCard(user_id=2, name="bob", nickname="Bobby"))
        self.server.peer(1).send(Frame(person_changed=changed))
        self.world.run(1)
        self.assertEqual(mirror.called(one.state, 2), "Bobby")
        self.people.contacts[1, 2].is_contact = False
        self.people.private(1, contact=self.people.contacts[1, 2])
        self.world.run(1)
        self.assertEqual(one.client.people.watched, ())

    def test_two_devices_come_to_show_the_same(self):
        one = self.mirror(options=Options())
        for n in range(5):
            self.server.say(self.talk, 1 + n % 2, str(n))
        Deferred.fromCoroutine(one.client.conversations.set(self.talk, pinned=True, muted=True))
        self.people.ask(1, 3, "hello")
        self.world.run(3)
        two = self.mirror()
        Deferred.fromCoroutine(two.client.contacts.accept(3, "C"))
        Deferred.fromCoroutine(two.client.conversations.delete_messages(self.talk, [2]))
        Deferred.fromCoroutine(two.older(self.talk))
        self.world.run(3)
        for view in (mirror.contacts, mirror.conversations):
            names = ("conversation_id", "user_id", "remark", "pinned_ms", "muted", "unread", "read_seq", "deleted")
            shown = [[{n: getattr(x, n, None) for n in names} for x in view(m.state)] for m in (one, two)]
            self.assertEqual(*shown)
        self.assertEqual(self.texts(one), ["0", "2", "3", "4"])

    def test_who_waits_for_a_mirror_that_is_stopped_is_told(self):
        self.server.down = set(self.world.gate.nodes)
        one = self.mirror()
        ready = one.when_ready()
        Deferred.fromCoroutine(one.stop())
        self.world.run(10)
        self.failureResultOf(ready, Stopped)
