"""Profiles, search and sessions, asked in frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.settings import ChatSettings
from imchat.domain.announcing import Announcer
from imchat.domain.models import Device
from imchat.domain.rates import SESSION_RATES
from imchat.net.content import WireContentCodec
from imchat.ports import Limit, PersonChanged
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import START, NodeRig, WireClient, now
from tests.fakes.ids import SeededIds
from tests.fakes.stores import full_disk


class PeopleCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.rig = NodeRig(ChatSettings(limits=replace(SESSION_RATES, lookups=Limit(200, 60_000))))
        self.other = self.rig.make_node("node-2")
        self.ann = self.rig.client("ann")
        self.tablet = self.rig.client("ann", "tablet", node=self.other)
        self.bob = self.rig.client("bob", node=self.other)
        self.heard: list[tuple[str, object]] = []
        watcher = self.rig.hub.attach("watcher")
        watcher.listen(lambda channel, notice: self.heard.append((channel, notice)))
        now(watcher.subscribe([f"person:{self.ann.user_id}"]))

    def refused(self, answer: pb.Frame, code: str) -> str:
        self.assertEqual(code, answer.error.code, answer)
        return answer.error.message

    def set(self, client: WireClient | None = None, **wanted: Any) -> pb.Frame:
        return (client or self.ann).ask(set_profile=pb.SetProfile(**wanted))

    def profile(self, client: WireClient | None = None) -> pb.Profile:
        return (client or self.ann).ask(get_profile=pb.GetProfile()).profile


class ProfileTests(PeopleCase):
    def test_ones_own_profile_has_the_address_and_the_settings(self) -> None:
        profile = self.profile()
        self.assertEqual((self.ann.user_id, "ann"), (profile.card.user_id, profile.card.name))
        self.assertEqual("ann@example.org", profile.email)
        self.assertEqual(pb.Settings(), profile.settings)

    def test_what_is_set_is_seen_by_others_but_for_what_is_ones_own(self) -> None:
        wanted = {"nickname": "Nan", "signature": "hi", "gender": pb.FEMALE, "region": "here", "avatar": "p/1"}
        answer = self.set(**wanted, presence_hidden=True, receipts_off=True, hidden_from_search=True)
        card = pb.UserCard(user_id=self.ann.user_id, name="ann", **wanted)
        self.assertEqual(card, answer.profile.card)
        self.assertEqual("ann@example.org", answer.profile.email)
        settings = pb.Settings(hidden_from_search=True, presence_hidden=True, receipts_off=True)
        self.assertEqual(settings, answer.profile.settings)
        self.assertEqual(answer.profile, self.profile())
        seen = self.bob.ask(get_users=pb.GetUsers(ids=[self.ann.user_id]))
        self.assertEqual([card], list(seen.users.users))
        self.assertNotIn(b"example.org", seen.SerializeToString())

    def test_what_is_absent_stays_and_an_empty_text_takes_away(self) -> None:
        self.set(nickname="Nan", region="here", gender=pb.MALE, receipts_off=True)
        self.set(nickname="", gender=pb.GENDER_UNSPECIFIED)
        profile = self.profile()
        self.assertEqual(("", "here", 0), (profile.card.nickname, profile.card.region, profile.card.gender))
        self.assertTrue(profile.settings.receipts_off)

    def test_every_device_on_every_node_learns_of_it_in_the_private_stream(self) -> None:
        self.set(nickname="Nan", receipts_off=True)
        (pushed,) = [frame.event for frame in self.tablet.take()]
        told = pushed.content.profile
        self.assertEqual((self.ann.user_id, 1, 0), (pushed.stream_id, pushed.seq, pushed.sender_id))
        self.assertEqual(("Nan", True, ""), (told.card.nickname, told.settings.receipts_off, told.email))
        self.assertEqual([], self.bob.take())

    def test_those_who_watch_are_told_what_is_for_them(self) -> None:
        channel, user_id = f"person:{self.ann.user_id}", self.ann.user_id
        self.set(nickname="Nan")
        self.set(presence_hidden=True)
        self.set(receipts_off=True, hidden_from_search=True)
        expected = [PersonChanged(user_id, True, False), PersonChanged(user_id, False, True)]
        self.assertEqual([(channel, notice) for notice in expected], self.heard)

    def test_where_nothing_changes_nobody_is_told(self) -> None:
        self.assertEqual("", self.set(nickname="").profile.card.nickname)
        self.assertEqual("ann", self.set().profile.card.name)
        self.assertEqual(([], []), (self.tablet.take(), self.heard))

    def test_values_that_break_a_rule_change_nothing(self) -> None:
        for wanted in (
            {"nickname": "x" * 33},
            {"signature": "x" * 101},
            {"region": "x" * 65},
            {"avatar": "x" * 256},
            {"nickname": "a\nb"},
            {"nickname": "nac\u202egnp"},
            {"signature": "\u2067x"},
            {"region": "\u200b"},
            {"avatar": "ä"},
            {"gender": 4},
            {"gender": -1},
        ):
            message = self.refused(self.set(**{"nickname": "Nan", "signature": "x", **wanted}), "invalid_request")
            self.assertIn(next(iter(wanted)), message)
        self.assertEqual(pb.UserCard(user_id=self.ann.user_id, name="ann"), self.profile().card)
        self.assertEqual([], self.heard)

    def test_nobody_changes_the_name_the_address_or_somebody_else(self) -> None:
        self.assertEqual(
            {"nickname", "signature", "gender", "region", "avatar"}
            | {"hidden_from_search", "presence_hidden", "receipts_off"},
            set(pb.SetProfile.DESCRIPTOR.fields_by_name),
        )
        self.set(nickname="Nan")
        self.assertEqual("", self.profile(self.bob).card.nickname)

    def test_an_outage_is_told_and_nothing_is_published(self) -> None:
        self.rig.database.pool.before.append(full_disk())
        self.refused(self.set(nickname="Nan"), "unavailable")
        self.assertEqual(([], []), (self.heard, self.tablet.take()))


class SearchTests(PeopleCase):
    def search(self, query: str, **more: Any) -> pb.Frame:
        return self.bob.ask(search_people=pb.SearchPeople(query=query, **more))

    def ids(self, query: str) -> list[int]:
        return [card.user_id for card in self.search(query).people.users]

    def test_by_id_name_and_nickname(self) -> None:
        self.set(nickname="张小安")
        for query in (str(self.ann.user_id), "ANN", "an", "张", "张小"):
            self.assertEqual([self.ann.user_id], self.ids(query), query)
        self.assertEqual([], self.ids("小安"))

    def test_the_whole_card_is_told_and_no_secret(self) -> None:
        self.set(nickname="Nan", signature="hi", region="here")
        answer = self.search("ann")
        expected = pb.UserCard(user_id=self.ann.user_id, name="ann", nickname="Nan", signature="hi", region="here")
        self.assertEqual([expected], list(answer.people.users))
        self.assertNotIn(b"example.org", answer.SerializeToString())

    def test_who_hides_is_not_found_and_known_by_id_all_the_same(self) -> None:
        self.set(nickname="Nan", hidden_from_search=True)
        for query in (str(self.ann.user_id), "ann", "nan"):
            self.assertEqual([], self.ids(query), query)
        self.assertEqual("ann", self.bob.ask(get_users=pb.GetUsers(ids=[self.ann.user_id])).users.users[0].name)

    def test_page_by_page(self) -> None:
        added = [self.rig.add_user(f"max{number:02}") for number in range(45)]
        pages, cursor = [], b""
        while not pages or cursor:
            people = self.search("max", cursor=cursor).people
            pages.append([card.user_id for card in people.users])
            cursor = people.next_cursor
        self.assertEqual([20, 20, 5], [len(page) for page in pages])
        self.assertEqual(added, [user_id for page in pages for user_id in page])
        self.assertEqual(45, len(self.search("max", limit=2**32 - 1).people.users))

    def test_queries_that_are_refused(self) -> None:
        for query in ("", "a", "x" * 200, "ann@example.org", "@ann"):
            self.refused(self.search(query), "invalid_request")

    def test_cursors_that_are_not_from_here(self) -> None:
        for cursor in (b"x", b"\x02" + bytes(8), b"\x00" + b"\xff" * 8, bytes(9) + b"k" * 601):
            self.refused(self.search("ann", cursor=cursor), "invalid_request")
        self.assertEqual([], list(self.search("ann", cursor=b"\x01" + bytes(8) + b"\xff").people.users))

    def test_searching_is_limited(self) -> None:
        node = self.rig.make_node("node-4", ChatSettings(limits=replace(SESSION_RATES, lookups=Limit(3, 60_000))))
        cat = self.rig.client("cat", node=node)
        for _ in range(3):
            self.assertEqual("people", cat.ask(search_people=pb.SearchPeople(query="an")).WhichOneof("body"))
        refused = cat.ask(search_people=pb.SearchPeople(query="an"))
        self.refused(refused, "rate_limited")
        self.assertEqual(20_000, refused.error.retry_after_ms)


class SessionsTests(PeopleCase):
    def listed(self, client: WireClient | None = None) -> list[pb.SessionInfo]:
        return list((client or self.ann).ask(list_sessions=pb.ListSessions()).session_list.sessions)

    def end(self, *device_ids: str, client: WireClient | None = None, all_others: bool = False) -> pb.Frame:
        body = pb.EndSessions(device_ids=device_ids, all_others=all_others)
        return (client or self.ann).ask(end_sessions=body)

    def last(self, client: WireClient) -> str:
        return client.take()[-1].goodbye.code

    def test_the_devices_of_the_user_and_where_they_are(self) -> None:
        self.rig.clock.advance(5)
        laptop = self.rig.login("ann", "laptop")
        self.rig.connect("2001:db8::7").hello(laptop, "laptop")
        found = self.listed(self.tablet)
        self.assertEqual(["laptop", "phone", "tablet"], [info.device_id for info in found])
        self.assertEqual([False, False, True], [info.current for info in found])
        self.assertEqual(["2001:db8::7", "192.0.2.1", "192.0.2.1"], [info.address for info in found])
        times = [(info.created_ms - START * 1000, info.last_used_ms - START * 1000) for info in found]
        self.assertEqual([(5_000, 5_000), (0, 0), (0, 0)], times)
        self.assertEqual(("a phone", "test"), (found[0].device_name, found[0].platform))

    def test_a_list_that_would_fit_into_no_frame_has_the_last_used_and_all_others_are_ended(self) -> None:
        sessions, now_ms = self.rig.database.sessions, self.rig.database.now_ms
        for number in range(1_200):
            device = Device(f"{number:064}", "\u5f20" * 64, "\u5f20" * 64)
            now(sessions.open(self.ann.user_id, device, b"%032d" % number, now_ms()))
        self.rig.clock.advance(1)
        now(sessions.open(self.ann.user_id, Device("newest", "n", "p"), b"n" * 32, now_ms()))
        found = self.listed()
        self.assertEqual((1_000, "newest"), (len(found), found[0].device_id))
        self.end(all_others=True)
        self.assertEqual(["phone"], [info.device_id for info in self.listed()])

    def test_ending_one_ends_it_on_the_other_node_at_once_and_for_good(self) -> None:
        self.assertEqual("done", self.end("tablet").WhichOneof("body"))
        self.assertEqual("session_ended", self.last(self.tablet))
        self.assertTrue(self.tablet.lost)
        self.assertEqual(["phone"], [info.device_id for info in self.listed()])
        self.assertFalse(self.bob.lost)

    def test_the_devices_that_are_left_learn_which_it_was(self) -> None:
        laptop = self.rig.client("ann", "laptop", node=self.other)
        self.end("tablet")
        (pushed,) = laptop.take()
        self.assertEqual((["tablet"], "ended"), self.told(pushed))

    def told(self, pushed: pb.Frame) -> tuple[list[str], str]:
        ended = pushed.event.content.sessions_ended
        return list(ended.device_ids), ended.reason

    def test_ending_all_others_spares_the_own_one(self) -> None:
        laptop = self.rig.client("ann", "laptop")
        self.end(all_others=True)
        for client in (laptop, self.tablet):
            self.assertEqual("session_ended", self.last(client))
        self.assertEqual(["phone"], [info.device_id for info in self.listed()])
        self.assertEqual("done", self.end(all_others=True).WhichOneof("body"))

    def test_ending_ones_own_is_answered_first(self) -> None:
        request_id = self.ann.send(end_sessions=pb.EndSessions(device_ids=["phone", "tablet"]))
        frames = self.ann.take()
        bodies = [frame.WhichOneof("body") for frame in frames]
        self.assertLess(bodies.index("done"), bodies.index("goodbye"))
        self.assertEqual(request_id, frames[bodies.index("done")].request_id)
        self.assertTrue(self.ann.lost and self.tablet.lost)

    def test_what_is_no_device_of_the_user_is_no_error_and_ends_nothing(self) -> None:
        laptop = self.rig.client("bob", "laptop")
        self.assertEqual("done", self.end("laptop", "nobody's", "x" * 500, "").WhichOneof("body"))
        for client in (laptop, self.bob, self.tablet):
            self.assertFalse(client.lost)
        self.assertEqual([], self.tablet.take())
        self.assertEqual(2, len(self.listed(self.bob)))

    def test_requests_that_are_unclear_or_too_long(self) -> None:
        self.refused(self.end(), "invalid_request")
        self.refused(self.end("tablet", all_others=True), "invalid_request")
        self.refused(self.end(*(str(number) for number in range(101))), "too_large")
        self.assertFalse(self.tablet.lost)

    def test_an_outage_ends_nothing_here(self) -> None:
        self.rig.database.pool.before.extend([None, full_disk()])
        self.refused(self.end("tablet"), "unavailable")
        self.assertFalse(self.tablet.lost)

    def test_a_session_that_was_ended_elsewhere_can_ask_for_nothing(self) -> None:
        token = self.rig.login("ann", "laptop")
        self.end("laptop")
        client = self.rig.connect()
        client.send(hello=pb.Hello(protocol_version=1, token=token, device_id="laptop"))
        self.assertEqual("unauthenticated", client.take()[-1].error.code)


class DeletedTests(PeopleCase):
    def setUp(self) -> None:
        super().setUp()
        announce = Announcer(WireContentCodec(), SeededIds(9).client_id).begin()
        now(self.rig.database.accounts.delete(self.ann.user_id, "hash", announce, self.rig.database.now_ms()))

    def test_the_card_of_somebody_who_is_gone_says_so(self) -> None:
        (card,) = self.bob.ask(get_users=pb.GetUsers(ids=[self.ann.user_id], names=["ann"])).users.users
        self.assertEqual(pb.UserCard(user_id=self.ann.user_id, name=f"deleted-{self.ann.user_id}", deleted=True), card)

    def test_a_session_that_has_not_heard_of_it_yet_changes_nothing(self) -> None:
        self.refused(self.ann.ask(get_profile=pb.GetProfile()), "not_found")
        self.refused(self.set(nickname="Nan"), "not_found")
        self.assertEqual([], list(self.ann.ask(list_sessions=pb.ListSessions()).session_list.sessions))
        bob_id = self.bob.user_id
        self.refused(self.ann.ask(request_contact=pb.RequestContact(user_id=bob_id)), "not_found")
        self.refused(self.ann.ask(set_blocked=pb.SetBlocked(user_id=bob_id, blocked=True)), "not_found")
        self.refused(self.ann.ask(set_contact=pb.SetContact(user_id=bob_id, starred=True)), "not_found")
        self.assertEqual(([], []), (self.bob.take(), self.ann.take()))
        history = self.ann.ask(history=pb.History(stream_id=self.ann.user_id)).history_result
        self.assertEqual([], list(history.events))

    def test_nobody_begins_to_talk_with_somebody_who_is_gone(self) -> None:
        self.refused(self.bob.ask(open_direct=pb.OpenDirect(user_id=self.ann.user_id)), "not_found")
