"""Contacts over the wire, the two on different nodes: asking, accepting, talking, deleting, blocking."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.settings import ChatSettings
from imchat.domain.contacts import DAY_MS, EXPIRY_MS
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy
from imchat.ports import Notice, RelationsChanged
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, WireClient, now
from tests.fakes.stores import locked


class Case(SynchronousTestCase):
    policy = ContactsPolicy.REQUIRED
    settings = ChatSettings()

    def setUp(self) -> None:
        self.rig = NodeRig(self.settings, contacts=self.policy)
        self.other = self.rig.make_node("node-2", self.settings)
        self.ann = self.rig.client("ann")
        self.bob = self.rig.client("bob", node=self.other)
        self.ann_id, self.bob_id = self.rig.users["ann"], self.rig.users["bob"]
        self.count = 0

    def request(self, client: WireClient | None = None, peer_id: int = 0, **more: str) -> pb.Frame:
        body = pb.RequestContact(user_id=peer_id or self.bob_id, **more)
        return (client or self.ann).ask(request_contact=body)

    def answer(self, answer: int = pb.ACCEPT, client: WireClient | None = None, **more: str) -> pb.Frame:
        body = pb.AnswerContact(user_id=self.ann_id, answer=answer, **more)
        return (client or self.bob).ask(answer_contact=body)

    def block(self, blocked: bool = True, client: WireClient | None = None, peer_id: int = 0) -> pb.Frame:
        body = pb.SetBlocked(user_id=peer_id or self.bob_id, blocked=blocked)
        return (client or self.ann).ask(set_blocked=body)

    def remove(self, client: WireClient | None = None, peer_id: int = 0) -> pb.Frame:
        return (client or self.ann).ask(remove_contact=pb.RemoveContact(user_id=peer_id or self.bob_id))

    def befriend(self) -> int:
        """They become contacts; returns their conversation."""
        self.request()
        self.answer()
        self.ann.take()
        self.bob.take()
        return self.open()

    def open(self, client: WireClient | None = None, peer_id: int = 0) -> int:
        answer = (client or self.ann).ask(open_direct=pb.OpenDirect(user_id=peer_id or self.bob_id))
        return answer.direct_opened.conversation_id

    def outcome(self, client: WireClient, talk: int) -> str:
        """Send a message that was not sent before; returns ``accepted`` or the code of the error."""
        self.count += 1
        answer = client.say(talk, "hello", self.count)
        return answer.error.code or str(answer.WhichOneof("body"))

    def both(self, talk: int) -> list[str]:
        return [self.outcome(client, talk) for client in (self.ann, self.bob)]

    def told(self, client: WireClient) -> list[pb.Content]:
        """What was pushed to a client since the last time."""
        return [frame.event.content for frame in client.take() if frame.WhichOneof("body") == "event"]

    def kinds(self, client: WireClient) -> list[str]:
        return [str(content.WhichOneof("body")) for content in self.told(client)]

    def assertError(self, code: str, answer: pb.Frame) -> None:
        self.assertEqual(code, answer.error.code, answer)


class AskingTests(Case):
    def test_both_hear_of_a_request_and_of_its_answer_on_all_devices(self) -> None:
        tablets = self.rig.client("ann", "tablet", node=self.other), self.rig.client("bob", "tablet")
        answer = self.request(greeting="hi", remark="Bobby").contact_change
        self.assertEqual((self.bob_id, False), (answer.contact.user_id, answer.contact.is_contact))
        self.assertEqual(["Bobby"], [request.remark for request in answer.requests])
        (mine,), (asked,) = map(self.told, tablets)
        self.assertEqual((self.bob_id, False, "Bobby"), self.facts(mine.contact_request))
        self.assertEqual((self.ann_id, True, ""), self.facts(asked.contact_request))
        self.assertEqual([asked], self.told(self.bob))
        accepted = self.answer(remark="Annie").contact_change
        self.assertEqual((True, "Annie"), (accepted.contact.is_contact, accepted.contact.remark))
        expected = ["conversation_added", "contact_request", "contact", "system_line"]
        for tablet in tablets:
            self.assertEqual(expected, self.kinds(tablet))
        told = self.told(self.ann)
        line = told[-1].system_line
        self.assertEqual(("contacts_made", [self.bob_id, self.ann_id]), (line.code, list(line.user_ids)))
        self.assertEqual((True, "Bobby"), (told[-2].contact.is_contact, told[-2].contact.remark))

    def facts(self, request: pb.ContactRequest) -> tuple[int, bool, str]:
        return request.user_id, request.incoming, request.remark

    def test_who_was_away_finds_it_in_their_private_stream_and_in_the_list(self) -> None:
        self.rig.add_user("cat")
        self.request(peer_id=self.rig.users["cat"], greeting="hi")
        cat = self.rig.client("cat")
        page = cat.ask(list_contact_requests=pb.ListContactRequests(incoming=True)).contact_requests
        self.assertEqual([("ann", "hi", pb.PENDING)], [(r.card.name, r.greeting, r.state) for r in page.requests])
        (state,) = cat.ask(sync=pb.Sync()).sync_result.streams
        self.assertEqual(["contact_request"], [event.content.WhichOneof("body") for event in state.events])

    def test_the_same_request_again_is_told_to_nobody(self) -> None:
        first = self.request()
        self.bob.take()
        self.assertEqual(first.contact_change, self.request(greeting="again").contact_change)
        self.assertEqual([], self.bob.names())

    def test_crossing_requests_make_contacts(self) -> None:
        self.request()
        self.assertTrue(self.request(self.bob, self.ann_id).contact_change.contact.is_contact)
        self.assertEqual(["accepted"] * 2, self.both(self.open()))

    def test_a_decline_is_told_and_keeps_them_away_for_a_day(self) -> None:
        self.request()
        self.ann.take()
        self.answer(pb.DECLINE)
        (content,) = self.told(self.ann)
        self.assertEqual(pb.DECLINED, content.contact_request.state)
        answer = self.request()
        self.assertError("rate_limited", answer)
        self.assertEqual(DAY_MS, answer.error.retry_after_ms)

    def test_who_is_ignored_and_who_asks_one_that_blocks_are_told_the_same(self) -> None:
        asked = self.request().contact_change
        self.ann.take()
        self.answer(pb.IGNORE)
        self.assertEqual([], self.ann.names())
        self.assertEqual(asked, self.request().contact_change)
        cat, dan = self.rig.client("cat"), self.rig.client("dan")
        self.block(client=dan, peer_id=cat.user_id)
        dan.take()
        blocked = self.request(cat, dan.user_id).contact_change
        self.assertEqual([pb.PENDING], [request.state for request in blocked.requests])
        self.assertEqual([], dan.names())
        every = dan.ask(list_contact_requests=pb.ListContactRequests(incoming=True, all=True))
        self.assertEqual([], list(every.contact_requests.requests))

    def test_what_was_committed_unheard_is_pushed_once_and_answered(self) -> None:
        self.rig.database.pool.after.append(locked())
        request_id = self.ann.send(request_contact=pb.RequestContact(user_id=self.bob_id))
        self.rig.clock.advance(1)
        self.rig.run()
        (answer,) = [frame for frame in self.ann.take() if frame.request_id == request_id]
        self.assertEqual(1, len(answer.contact_change.requests))
        self.assertEqual(["contact_request"], self.kinds(self.bob))

    def test_an_expired_request_is_too_late(self) -> None:
        self.request()
        self.rig.database.pool.connection.execute(f"UPDATE contact_request SET changed_ms = changed_ms - {EXPIRY_MS}")
        self.assertError("too_late", self.answer())


class DailyLimitTests(Case):
    settings = ChatSettings(contact_requests=Limit(2, DAY_MS))

    def test_only_requests_that_are_made_count_and_they_count_on_all_nodes(self) -> None:
        names = [self.rig.add_user(name) for name in ("cat", "dan", "eve")]
        for _ in range(3):
            self.assertEqual("", self.request(peer_id=names[0]).error.code)
            self.assertError("not_found", self.request(peer_id=4711))
        tablet = self.rig.client("ann", "tablet", node=self.other)
        self.assertEqual("", self.request(tablet, names[1]).error.code)
        answer = self.request(peer_id=names[2])
        self.assertError("rate_limited", answer)
        self.assertGreater(answer.error.retry_after_ms, 3_600_000)


class TalkTests(Case):
    def test_strangers_get_no_conversation_and_contacts_have_one(self) -> None:
        self.assertError("not_contacts", self.ann.ask(open_direct=pb.OpenDirect(user_id=self.bob_id)))
        self.assertError("not_found", self.ann.ask(open_direct=pb.OpenDirect(user_id=4711)))
        talk = self.befriend()
        self.assertEqual(["accepted"] * 2, self.both(talk))
        self.assertEqual(["text"], self.kinds(self.ann))

    def test_after_a_deletion_neither_writes_until_they_are_contacts_again(self) -> None:
        talk = self.befriend()
        self.both(talk)
        self.bob.take()
        self.assertFalse(self.remove().contact_change.contact.is_contact)
        # Bob's node remembers the two as contacts, and he is told nothing.
        self.assertEqual([], self.bob.names())
        self.assertEqual(["not_contacts"] * 4, self.both(talk) + self.both(talk))
        self.assertEqual(talk, self.open())
        self.assertEqual([talk] * 2, [self.history(client)[0].stream_id for client in (self.ann, self.bob)])
        self.assertTrue(self.request().contact_change.contact.is_contact)
        self.assertEqual(["accepted"] * 2, self.both(talk))

    def history(self, client: WireClient) -> list[pb.Event]:
        return list(client.ask(history=pb.History(stream_id=self.open())).history_result.events)

    def test_a_block_refuses_new_messages_of_both_and_nothing_else_is_told(self) -> None:
        talk = self.befriend()
        sent = self.bob.say(talk, "before", 1_000)
        self.ann.take()
        self.block()
        self.assertEqual([], self.bob.names())
        self.assertEqual(["not_contacts"] * 4, self.both(talk) + self.both(talk))
        self.assertEqual([], self.kinds(self.ann))
        self.assertEqual([1, 2], [event.seq for event in self.history(self.ann)])
        # What was acknowledged before stays acknowledged.
        again = self.bob.say(talk, "before", 1_000)
        self.assertEqual((sent.accepted.seq, True), (again.accepted.seq, again.accepted.resent))
        self.block(False)
        self.assertEqual(["accepted"] * 2, self.both(talk))

    def test_whoever_hears_that_they_are_contacts_again_can_write_though_a_node_was_told_nothing(self) -> None:
        talk = self.befriend()
        self.block()
        self.assertEqual("not_contacts", self.outcome(self.bob, talk))
        self.rig.hub.lose = True
        self.block(False)
        self.assertEqual("accepted", self.outcome(self.bob, talk))

    def test_after_a_block_nothing_is_told_in_passing_from_the_other_node_either(self) -> None:
        talk = self.befriend()
        for client in (self.ann, self.bob):
            self.outcome(client, talk)
            self.assertEqual("done", client.ask(typing=pb.Typing(conversation_id=talk)).WhichOneof("body"))
        self.rig.clock.advance(5)
        self.block()
        for client in (self.ann, self.bob):
            client.take()
        self.assertError("not_contacts", self.bob.ask(typing=pb.Typing(conversation_id=talk)))
        self.bob.send(mark_read=pb.MarkRead(conversation_id=talk, seq=2))
        self.rig.clock.advance(5)
        names = [frame.WhichOneof("body") for frame in self.ann.take()]
        self.assertEqual([], [name for name in names if name in ("typing_notice", "receipt")])

    def test_nor_after_the_end_of_being_contacts(self) -> None:
        talk = self.befriend()
        typing = pb.Typing(conversation_id=talk)
        self.assertEqual("done", self.bob.ask(typing=typing).WhichOneof("body"))
        self.rig.clock.advance(5)
        self.remove()
        self.ann.take()
        self.assertError("not_contacts", self.bob.ask(typing=typing))
        self.assertEqual([], self.ann.names())

    def test_nor_a_minute_after_the_end_of_an_account_to_which_nobody_is_connected_any_more(self) -> None:
        talk = self.befriend()
        typing = pb.Typing(conversation_id=talk)
        self.assertEqual("done", self.bob.ask(typing=typing).WhichOneof("body"))
        now(self.rig.database.accounts.delete(self.ann_id, "hash", lambda notes: [], self.rig.database.now_ms()))
        for _ in range(65):
            self.rig.clock.advance(1)
        self.assertError("not_contacts", self.bob.ask(typing=typing))

    def test_a_block_that_a_node_was_not_told_of_holds_there_within_a_minute(self) -> None:
        talk = self.befriend()
        typing = pb.Typing(conversation_id=talk)
        self.assertEqual("done", self.bob.ask(typing=typing).WhichOneof("body"))
        self.rig.hub.lose = True
        self.block()
        for _ in range(65):
            self.rig.clock.advance(1)
        self.ann.take()
        self.assertError("not_contacts", self.bob.ask(typing=typing))
        self.assertEqual([], self.ann.names())

    def test_nobody_is_refused_a_typing_notice_by_what_a_node_remembers_that_heard_of_no_change(self) -> None:
        talk = self.befriend()
        self.block()
        self.assertEqual("not_contacts", self.outcome(self.bob, talk))
        typing = pb.Typing(conversation_id=talk)
        self.assertError("not_contacts", self.bob.ask(typing=typing))
        self.rig.hub.lose = lambda channel, notice: isinstance(notice, RelationsChanged)
        self.block(False)
        self.ann.take()
        self.assertEqual("done", self.bob.ask(typing=typing).WhichOneof("body"))
        self.assertEqual(["typing_notice"], self.ann.names())

    def test_all_nodes_are_told_to_look_at_the_relations_of_both_anew(self) -> None:
        self.befriend()
        elsewhere: list[Notice] = []
        here: list[int] = []
        probe = self.rig.hub.attach("probe")
        probe.listen(lambda channel, notice: elsewhere.append(notice))
        now(probe.subscribe([f"user:{self.ann_id}", f"user:{self.bob_id}"]))
        self.rig.node.contacts.report(here.append)
        both = {self.ann_id, self.bob_id}
        for act in (self.remove, self.request, self.block):
            act()
            heard = {notice.user_id for notice in elsewhere if isinstance(notice, RelationsChanged)}
            self.assertEqual((both, both), (heard, set(here)))
            elsewhere.clear()
            here.clear()
        self.block()
        self.assertEqual(([], []), (elsewhere, here))


class OpenTests(Case):
    policy = ContactsPolicy.OPEN

    def test_strangers_see_each_other_type(self) -> None:
        talk = self.open()
        self.bob.take()
        self.assertEqual("done", self.ann.ask(typing=pb.Typing(conversation_id=talk)).WhichOneof("body"))
        self.assertEqual(["typing_notice"], self.bob.names())

    def test_strangers_talk_but_not_with_one_who_blocks(self) -> None:
        talk = self.open()
        self.assertEqual(["accepted"] * 2, self.both(talk))
        self.block()
        self.assertEqual(["not_contacts"] * 4, self.both(talk) + self.both(talk))
        self.assertEqual(talk, self.open(self.bob, self.ann_id))
        cat = self.rig.client("cat")
        self.block(peer_id=cat.user_id)
        self.assertError("not_contacts", cat.ask(open_direct=pb.OpenDirect(user_id=self.ann_id)))


class ListTests(Case):
    def test_notes_are_told_to_ones_own_devices_alone(self) -> None:
        self.befriend()
        tablet = self.rig.client("ann", "tablet", node=self.other)
        change = pb.SetContact(user_id=self.bob_id, remark="B", labels=pb.Labels(labels=["work"]), starred=True)
        contact = self.ann.ask(set_contact=change).contact_change.contact
        self.assertEqual(("B", ["work"], True), (contact.remark, list(contact.labels), contact.starred))
        self.assertEqual([contact], [content.contact for content in self.told(tablet)])
        self.assertEqual([], self.bob.names())
        kept = self.ann.ask(set_contact=pb.SetContact(user_id=self.bob_id, labels=pb.Labels())).contact_change.contact
        self.assertEqual(("B", [], True), (kept.remark, list(kept.labels), kept.starred))

    def test_contacts_and_blocked_have_cards_and_pages(self) -> None:
        self.befriend()
        for name in ("cat", "dan"):
            self.block(peer_id=self.rig.add_user(name))
        (contact,) = self.ann.ask(list_contacts=pb.ListContacts()).contacts.contacts
        self.assertEqual(("bob", True), (contact.card.name, contact.is_contact))
        found: list[str] = []
        cursor = b""
        for _ in range(2):
            body = pb.ListContacts(blocked=True, cursor=cursor, limit=1)
            page = self.ann.ask(list_contacts=body).contacts
            found += [contact.card.name for contact in page.contacts]
            cursor = page.next_cursor
        self.assertEqual((["cat", "dan"], b""), (sorted(found), cursor))


class BadInputTests(Case):
    def test_oneself_and_nobody(self) -> None:
        for peer_id, code in (
            (self.ann_id, "invalid_request"),
            (0, "not_found"),
            (4711, "not_found"),
            (2**64 - 1, "not_found"),
        ):
            for body in (
                {"request_contact": pb.RequestContact(user_id=peer_id)},
                {"answer_contact": pb.AnswerContact(user_id=peer_id, answer=pb.ACCEPT)},
                {"set_contact": pb.SetContact(user_id=peer_id, starred=True)},
                {"remove_contact": pb.RemoveContact(user_id=peer_id)},
                {"set_blocked": pb.SetBlocked(user_id=peer_id, blocked=True)},
            ):
                self.assertError(code, self.ann.ask(**body))

    def test_texts(self) -> None:
        self.assertError("invalid_request", self.request(greeting="x" * 201))
        self.assertError("invalid_request", self.request(remark="a\u202eb"))
        self.request()
        self.assertError("invalid_request", self.answer(remark="a\nb"))
        self.answer()
        for change in (
            {"remark": "x" * 33},
            {"labels": pb.Labels(labels=["x"] * 11)},
            {"labels": pb.Labels(labels=["x" * 21])},
            {"labels": pb.Labels(labels=["\u2066"])},
        ):
            self.assertError("invalid_request", self.ann.ask(set_contact=pb.SetContact(user_id=self.bob_id, **change)))

    def test_answers_and_cursors_that_do_not_exist(self) -> None:
        self.assertError("not_found", self.answer())
        self.request()
        for answer in (0, 4, -1):
            self.assertError("invalid_request", self.answer(answer))
        for cursor in (b"x", b"\xff" * 8, b"\xff" * 16, b"x" * 17):
            self.assertError("invalid_request", self.ann.ask(list_contacts=pb.ListContacts(cursor=cursor)))
            body = pb.ListContactRequests(cursor=cursor)
            self.assertError("invalid_request", self.ann.ask(list_contact_requests=body))

    def test_nobody_answers_a_request_to_another(self) -> None:
        self.request()
        cat = self.rig.client("cat")
        self.assertError("not_found", self.answer(client=cat))
        self.assertError("not_found", self.ann.ask(answer_contact=pb.AnswerContact(user_id=self.bob_id, answer=1)))
