"""Connections of a chat node: what frames do, and what bad ones get."""

from __future__ import annotations

import struct
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.adapter import REQUESTS
from imchat.chat.logic.presence import NOTE_SEEN
from imchat.chat.settings import ChatSettings
from imchat.domain.limits import Limit
from imchat.domain.models import Draft
from imchat.domain.presence import OFFLINE_AFTER_MS
from imchat.domain.rates import SESSION_RATES
from imchat.domain.sessions import hash_of_text
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import MAX_FRAME, MAX_FRAME_BEFORE_HELLO, encode
from imchat.wire.frames import frame
from tests.fakes.chat_node import START, NodeRig, now

CLIENT_BODIES = {"hello", "ping", "pong", "send_message", "recall_message", "edit_message", "react", *REQUESTS}


class Case(SynchronousTestCase):
    settings = ChatSettings()

    def setUp(self) -> None:
        self.rig = NodeRig(self.settings)

    def pair(self):
        """Two who talk: both clients and their conversation."""
        ann, bob = self.rig.client("ann"), self.rig.client("bob")
        talk = self.rig.talk(ann, "bob")
        bob.take()
        return ann, bob, talk

    def assertError(self, message: pb.Frame, code: str, request_id: int | None = None) -> None:
        self.assertEqual("error", message.WhichOneof("body"), message)
        self.assertEqual(code, message.error.code)
        if request_id is not None:
            self.assertEqual(request_id, message.request_id)

    def assertServes(self, client) -> None:
        self.assertEqual("pong", client.ask(ping=pb.Ping()).WhichOneof("body"))


class HelloTests(Case):
    def test_welcome(self) -> None:
        token = self.rig.login("ann")
        client = self.rig.connect()
        welcome = client.ask(hello=pb.Hello(protocol_version=1, token=token, device_id="phone")).welcome
        self.assertEqual((self.rig.users["ann"], "ann"), (welcome.user_id, welcome.name))
        self.assertEqual((MAX_FRAME, 90_000, START * 1000),
                         (welcome.max_frame, welcome.idle_timeout_ms, welcome.server_time_ms))  # fmt: skip

    def test_whoever_has_no_right_token_is_told_and_closed(self) -> None:
        token = self.rig.login("ann")
        other = self.rig.login("bob", "laptop")
        for wrong, device in ((token[:-1] + "!", "phone"), ("", "phone"), ("é" * 43, "phone"), (token, "laptop"),
                              (other, "phone"), ("A" * 43, "phone"), (token, "\0"), (token, "x" * 10_000)):  # fmt: skip
            client = self.rig.connect()
            answer = client.ask(hello=pb.Hello(protocol_version=1, token=wrong, device_id=device))
            self.assertError(answer, "unauthenticated", 1)
            self.assertTrue(client.lost)
        self.rig.connect().hello(token)

    def test_an_expired_or_ended_token_is_a_wrong_one(self) -> None:
        token = self.rig.login("ann")
        self.rig.clock.advance(31 * 86_400)
        client = self.rig.connect()
        answer = client.ask(hello=pb.Hello(protocol_version=1, token=token, device_id="phone"))
        self.assertError(answer, "unauthenticated")
        self.assertTrue(client.lost)

    def test_an_old_client_is_told_to_upgrade(self) -> None:
        client = self.rig.connect()
        answer = client.ask(hello=pb.Hello(protocol_version=0, token=self.rig.login("ann"), device_id="phone"))
        self.assertError(answer, "upgrade_required")
        self.assertTrue(client.lost)

    def test_nothing_but_hello_and_ping_comes_first(self) -> None:
        client = self.rig.connect()
        self.assertServes(client)
        for body in ({"sync": pb.Sync()}, {"pong": pb.Pong()}, {"welcome": pb.Welcome()}, {}):
            client = self.rig.connect()
            self.assertError(client.ask(**body), "unauthenticated", 1)
            self.assertTrue(client.lost)

    def test_pings_are_no_way_to_stay_busy_without_a_session(self) -> None:
        client = self.rig.connect()
        while not client.lost:
            client.send(ping=pb.Ping())
        self.assertError(client.take()[-1], "unauthenticated")

    def test_who_says_nothing_is_closed(self) -> None:
        client = self.rig.connect()
        self.rig.clock.advance(9)
        self.assertFalse(client.lost)
        self.rig.clock.advance(1)
        self.assertEqual("unauthenticated", client.take()[-1].goodbye.code)
        self.assertTrue(client.lost)

    def test_what_comes_with_hello_waits_for_welcome(self) -> None:
        token = self.rig.login("ann")
        client = self.rig.connect()
        self.rig.database.pool.hold()
        hello = pb.Frame(request_id=1, hello=pb.Hello(protocol_version=1, token=token, device_id="phone"))
        client.give(frame(encode(hello)) + frame(encode(pb.Frame(request_id=2, ping=pb.Ping()))))
        self.assertEqual([], client.take())
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["welcome", "pong"], client.names())

    def test_a_database_that_is_away_is_no_wrong_token(self) -> None:
        token = self.rig.login("ann")
        client = self.rig.connect()
        self.rig.database.pool.hold()
        client.send(hello=pb.Hello(protocol_version=1, token=token, device_id="phone"))
        self.rig.clock.advance(10)
        answer = client.take()[0]
        self.assertError(answer, "unavailable")
        self.assertGreater(answer.error.retry_after_ms, 0)
        self.assertTrue(client.lost)

    def test_a_second_hello_is_refused_and_changes_nothing(self) -> None:
        ann = self.rig.client("ann")
        answer = ann.ask(hello=pb.Hello(protocol_version=1, token=self.rig.login("bob"), device_id="phone"))
        self.assertError(answer, "invalid_request")
        self.assertServes(ann)


class TalkTests(Case):
    def test_a_message_reaches_every_other_device_and_the_sender_gets_the_acknowledgement_alone(self) -> None:
        ann, bob, talk = self.pair()
        tablet = self.rig.client("ann", "tablet")
        answer = ann.say(talk, "hello")
        self.assertEqual((1, False), (answer.accepted.seq, answer.accepted.resent))
        self.assertEqual([], ann.take())
        for client in (bob, tablet):
            (push,) = client.take()
            self.assertEqual(0, push.request_id)
            event = push.event
            self.assertEqual((talk, 1, ann.user_id), (event.stream_id, event.seq, event.sender_id))
            self.assertEqual("hello", event.content.text.text)

    def test_a_resend_yields_the_first_acknowledgement(self) -> None:
        ann, bob, talk = self.pair()
        first = ann.say(talk, "hello").accepted
        again = ann.say(talk, "hello").accepted
        self.assertEqual((first.seq, first.created_ms, True), (again.seq, again.created_ms, again.resent))
        self.assertError(ann.say(talk, "another"), "conflict")
        self.assertEqual(1, len(bob.take()))

    def test_the_sender_is_whose_session_it_is(self) -> None:
        _, _, talk = self.pair()
        eve = self.rig.client("eve")
        self.assertError(eve.say(talk, "let me in"), "not_found")
        self.assertError(eve.say(12345, "nobody here"), "not_found")
        # A private stream is no conversation.
        for user_id in (eve.user_id, self.rig.users["ann"]):
            self.assertError(eve.say(user_id, "to a stream of the server"), "not_found")

    def test_bad_messages(self) -> None:
        ann, _, talk = self.pair()
        text = pb.Content(text=pb.Text(text="a"))
        for code, body in (
            ("invalid_request", pb.SendMessage(conversation_id=talk, client_id=b"short", content=text)),
            ("invalid_request", pb.SendMessage(conversation_id=talk, client_id=b"x" * 17, content=text)),
            ("unsupported", pb.SendMessage(conversation_id=talk, client_id=b"x" * 16)),
            ("invalid_request", ann.message(talk, "")),
            ("invalid_request", ann.message(talk, "a\0b")),
            ("invalid_request", ann.message(talk, "x" * 8_001)),
            ("not_found", ann.message(0, "a")),
            ("not_found", ann.message(2**64 - 1, "a")),
        ):
            self.assertError(ann.ask(send_message=body), code)
        server_made = pb.Content(sessions_ended=pb.SessionsEnded(reason="logout"))
        body = pb.SendMessage(conversation_id=talk, client_id=b"x" * 16, content=server_made)
        self.assertError(ann.ask(send_message=body), "invalid_request")
        self.assertEqual(1, ann.say(talk, "'; DROP TABLE event; -- <script>").accepted.seq)

    def test_a_new_conversation_is_told_to_both(self) -> None:
        ann, bob = self.rig.client("ann"), self.rig.client("bob")
        request_id = ann.send(open_direct=pb.OpenDirect(user_id=bob.user_id))
        own = {message.WhichOneof("body"): message for message in ann.take()}
        (other,) = bob.take()
        talk = own["direct_opened"].direct_opened.conversation_id
        self.assertEqual(request_id, own["direct_opened"].request_id)
        for event, user_id, peer in (
            (own["event"].event, ann.user_id, bob.user_id),
            (other.event, bob.user_id, ann.user_id),
        ):
            self.assertEqual((user_id, 1, 0), (event.stream_id, event.seq, event.sender_id))
            added = event.content.conversation_added
            self.assertEqual((talk, pb.DIRECT, [peer]), (added.conversation_id, added.kind, list(added.member_ids)))
        again = bob.ask(open_direct=pb.OpenDirect(user_id=ann.user_id)).direct_opened
        self.assertEqual((talk, False), (again.conversation_id, again.created))
        self.assertEqual([], ann.take())

    def test_with_whom_nobody_can_talk(self) -> None:
        ann = self.rig.client("ann")
        self.assertError(ann.ask(open_direct=pb.OpenDirect(user_id=ann.user_id)), "invalid_request")
        for user_id in (0, 12345, 2**64 - 1):
            self.assertError(ann.ask(open_direct=pb.OpenDirect(user_id=user_id)), "not_found")

    def test_users_by_id_and_name(self) -> None:
        ann, bob = self.rig.client("ann"), self.rig.client("bob")
        answer = ann.ask(get_users=pb.GetUsers(ids=[bob.user_id, 12345, 2**63], names=["ANN", "nobody", "x" * 500]))
        found = {card.name: card.user_id for card in answer.users.users}
        self.assertEqual({"ann": ann.user_id, "bob": bob.user_id}, found)
        self.assertError(ann.ask(get_users=pb.GetUsers(names=["a"] * 101)), "too_large")


class CatchingUpTests(Case):
    def test_sync_brings_what_differs_and_history_the_rest(self) -> None:
        ann, bob, talk = self.pair()
        for number in range(1, 6):
            ann.say(talk, f"m{number}", number)
        positions = [pb.Position(stream_id=bob.user_id, seq=1), pb.Position(stream_id=talk, seq=2)]
        result = bob.ask(sync=pb.Sync(positions=positions)).sync_result
        (state,) = result.streams
        self.assertEqual((talk, 5, 5, pb.DIRECT, [ann.user_id], 3, 5),
                         (state.stream_id, state.last_seq, state.counted, state.kind, list(state.member_ids),
                          state.from_seq, state.to_seq))  # fmt: skip
        self.assertEqual(["m3", "m4", "m5"], [event.content.text.text for event in state.events])
        self.assertEqual(b"", result.next_cursor)
        history = bob.ask(history=pb.History(stream_id=talk, before=4, limit=2)).history_result
        self.assertEqual((2, 3, 5), (history.from_seq, history.to_seq, history.last_seq))
        self.assertEqual([2, 3], [event.seq for event in history.events])

    def test_history_in_every_direction(self) -> None:
        ann, _, talk = self.pair()
        for number in range(1, 6):
            ann.say(talk, f"m{number}", number)
        for expected, fields in (
            ([1, 2, 3, 4, 5], {}),
            ([4, 5], {"limit": 2}),
            ([1, 2], {"after": 0, "limit": 2}),
            ([3], {"after": 2, "until": 4}),
            ([1, 2], {"before": 3}),
            ([], {"before": 0}),
            ([], {"after": 2**64 - 1}),
            ([5], {"before": 2**64 - 1, "limit": 1}),
        ):
            result = ann.ask(history=pb.History(stream_id=talk, **fields)).history_result
            self.assertEqual(expected, [event.seq for event in result.events], fields)
        for fields in ({"until": 3}, {"before": 5, "until": 3}, {"after": 3, "until": 3}):
            self.assertError(ann.ask(history=pb.History(stream_id=talk, **fields)), "invalid_request")

    def test_what_one_may_not_see_does_not_exist(self) -> None:
        _, bob, talk = self.pair()
        eve = self.rig.client("eve")
        for stream_id in (talk, bob.user_id, 12345, 0, 2**64 - 1):
            self.assertError(eve.ask(history=pb.History(stream_id=stream_id)), "not_found")
        self.assertEqual([], list(eve.ask(sync=pb.Sync()).sync_result.streams))

    def test_sync_in_pages(self) -> None:
        ann = self.rig.client("ann")
        talks = set()
        for name in ("b1", "b2", "b3"):
            self.rig.add_user(name)
            talks.add(self.rig.talk(ann, name))
        for number, talk in enumerate(sorted(talks), 1):
            ann.say(talk, "hello", number)
        seen, cursor = [], b""
        while True:
            result = ann.ask(sync=pb.Sync(cursor=cursor, limit=2)).sync_result
            self.assertLessEqual(len(result.streams), 2)
            seen += [state.stream_id for state in result.streams]
            cursor = result.next_cursor
            if not cursor:
                break
        self.assertEqual(ann.user_id, seen[0])
        self.assertEqual(sorted(talks), sorted(seen[1:]))

    def test_a_position_beyond_the_end_is_told_the_end(self) -> None:
        ann, _, talk = self.pair()
        ann.say(talk, "hello")
        for seq in (7, 2**64 - 1):
            positions = [pb.Position(stream_id=ann.user_id, seq=1), pb.Position(stream_id=talk, seq=seq)]
            (state,) = ann.ask(sync=pb.Sync(positions=positions)).sync_result.streams
            self.assertEqual((talk, 1, 0), (state.stream_id, state.last_seq, len(state.events)))

    def test_cursors_and_positions_that_are_not_from_here(self) -> None:
        ann = self.rig.client("ann")
        for cursor in (b"x", b"\xff" * 16):
            self.assertError(ann.ask(sync=pb.Sync(cursor=cursor)), "invalid_request")
        many = [pb.Position(stream_id=number, seq=1) for number in range(20_001)]
        self.assertError(ann.ask(sync=pb.Sync(positions=many)), "too_large")
        self.assertServes(ann)


class BadFrameTests(Case):
    def test_a_request_without_an_id_is_refused_and_the_connection_goes_on(self) -> None:
        ann = self.rig.client("ann")
        ann.send(0, sync=pb.Sync())
        self.assertError(ann.take()[0], "invalid_request", 0)
        self.assertServes(ann)

    def test_an_unknown_body_is_unsupported_and_the_connection_goes_on(self) -> None:
        ann = self.rig.client("ann")
        ann.give(frame(b"\x08\x07" + b"\xa2\x1f\x03abc"))
        self.assertError(ann.take()[0], "unsupported", 7)
        self.assertServes(ann)

    def test_what_only_the_server_says_is_refused(self) -> None:
        ann = self.rig.client("ann")
        fields = pb.Frame.DESCRIPTOR.oneofs_by_name["body"].fields
        server_bodies = [field for field in fields if field.name not in CLIENT_BODIES]
        self.assertGreaterEqual(len(server_bodies), 11)
        for field in server_bodies:
            body = getattr(pb, field.message_type.name)()
            self.assertError(ann.ask(**{field.name: body}), "invalid_request")
        self.assertServes(ann)

    def test_every_body_of_a_client_has_an_answer(self) -> None:
        ann = self.rig.client("ann")
        for name in CLIENT_BODIES - {"pong"}:
            field = pb.Frame.DESCRIPTOR.fields_by_name[name]
            answer = ann.ask(**{name: getattr(pb, field.message_type.name)()})
            # Those two have no content here.
            empty = name in ("send_message", "edit_message")
            self.assertNotIn(answer.error.code, ("internal",) if empty else ("internal", "unsupported"))

    def test_garbage_ends_its_own_connection_only_and_after_what_was_good(self) -> None:
        ann, bob, talk = self.pair()
        good = frame(encode(pb.Frame(request_id=9, ping=pb.Ping())))
        ann.give(good + frame(b"\xff\xff\xff\xff") + good)
        frames = ann.take()
        self.assertEqual(["pong", "error"], [message.WhichOneof("body") for message in frames])
        self.assertError(frames[1], "invalid_request", 0)
        self.assertTrue(ann.lost)
        self.assertEqual(1, bob.say(talk, "still here").accepted.seq)

    def test_frames_over_the_limit(self) -> None:
        early = self.rig.connect()
        early.give(struct.pack("!I", MAX_FRAME_BEFORE_HELLO + 1))
        self.assertError(early.take()[0], "too_large", 0)
        self.assertTrue(early.lost)
        ann = self.rig.client("ann")
        ann.give(struct.pack("!I", MAX_FRAME_BEFORE_HELLO + 1))
        self.assertFalse(ann.lost)
        bob = self.rig.client("bob")
        bob.give(struct.pack("!I", MAX_FRAME + 1))
        self.assertError(bob.take()[0], "too_large", 0)
        self.assertTrue(bob.lost)

    def test_a_frame_that_comes_too_slowly_ends_its_own_connection_only(self) -> None:
        ann, bob, talk = self.pair()
        data = frame(encode(pb.Frame(request_id=1, send_message=ann.message(talk, "slow"))))
        for second in range(30):
            ann.give(data[second : second + 1])
            self.rig.clock.advance(1)
        self.assertError(ann.take()[-1], "invalid_request", 0)
        self.assertTrue(ann.lost)
        self.assertEqual(1, bob.say(talk, "quick").accepted.seq)

    def test_a_connection_that_ends_in_the_middle_of_a_frame_leaves_nothing_behind(self) -> None:
        ann, bob, talk = self.pair()
        ann.give(frame(encode(pb.Frame(request_id=1, send_message=ann.message(talk, "half"))))[:-1])
        ann.transport.abortConnection()
        self.assertEqual(1, bob.say(talk, "whole").accepted.seq)

    def test_http_and_tls_on_the_wrong_port(self) -> None:
        for data in (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            client = self.rig.connect()
            client.give(data)
            self.assertError(client.take()[0], "too_large", 0)
            self.assertTrue(client.lost)

    def test_a_fault_of_ours_is_internal_with_an_id_and_logged_and_the_connection_goes_on(self) -> None:
        ann, _, talk = self.pair()
        self.rig.node.factory._services.reading.history = lambda *_: 1 / 0
        answer = ann.ask(history=pb.History(stream_id=talk))
        self.assertError(answer, "internal")
        self.assertRegex(answer.error.message, "[0-9a-f]{14}")
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertServes(ann)

    def test_a_fault_while_waiting_is_the_same(self) -> None:
        ann, _, talk = self.pair()

        async def fail(*_):
            raise ZeroDivisionError

        self.rig.node.factory._services.reading.history = fail
        self.assertError(ann.ask(history=pb.History(stream_id=talk)), "internal")
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertServes(ann)


class LimitTests(Case):
    settings = ChatSettings(
        limits=replace(
            SESSION_RATES, messages=Limit(3, 60_000), frames=Limit(10, 10_000), lookups=Limit(2, 60_000)
        ),
        max_connections=4, connections_per_address=2,
    )  # fmt: skip

    def test_messages(self) -> None:
        ann, _, talk = self.pair()
        for number in (1, 2, 3):
            ann.say(talk, "hi", number)
        answer = ann.say(talk, "hi", 4)
        self.assertError(answer, "rate_limited")
        self.assertEqual(20_000, answer.error.retry_after_ms)
        self.assertTrue(ann.say(talk, "hi", 1).accepted.resent)

    def test_requests_and_then_not_being_read_from(self) -> None:
        ann = self.rig.client("ann")
        for number in range(10):
            ann.send(number + 1, sync=pb.Sync())
        self.assertEqual({"sync_result"}, set(ann.names()))
        ann.send(11, sync=pb.Sync())
        self.assertError(ann.take()[0], "rate_limited", 11)
        ann.send(12, sync=pb.Sync())
        self.assertEqual([], ann.take())
        self.rig.clock.advance(1)
        self.rig.run()
        self.assertEqual([12], [message.request_id for message in ann.take()])

    def test_lookups(self) -> None:
        ann = self.rig.client("ann")
        self.assertEqual("users", ann.ask(get_users=pb.GetUsers(names=["a", "b"])).WhichOneof("body"))
        self.assertError(ann.ask(get_users=pb.GetUsers(names=["c"])), "rate_limited")
        self.assertError(ann.ask(open_direct=pb.OpenDirect(user_id=5)), "rate_limited")

    def test_connections_of_one_address_and_of_all(self) -> None:
        first, _ = self.rig.connect("192.0.2.1"), self.rig.connect("192.0.2.1")
        third = self.rig.connect("192.0.2.1")
        self.assertEqual("rate_limited", third.take()[0].goodbye.code)
        self.assertTrue(third.lost)
        self.rig.connect("192.0.2.2")
        self.rig.connect("192.0.2.3")
        self.assertEqual("unavailable", self.rig.connect("192.0.2.4").take()[0].goodbye.code)
        first.transport.abortConnection()
        self.assertFalse(self.rig.connect("192.0.2.1").lost)


class OutstandingTests(Case):
    settings = ChatSettings(max_outstanding=4)

    def test_who_has_too_many_requests_unanswered_is_not_read_from(self) -> None:
        ann, bob, talk = self.pair()
        self.rig.database.pool.hold()
        for number in range(1, 7):
            ann.send(send_message=ann.message(talk, "hi", number))
        self.assertFalse(ann.transport.reading)
        self.assertTrue(bob.transport.reading)
        self.rig.database.pool.release()
        self.rig.run()
        self.assertTrue(ann.transport.reading)
        self.assertEqual(["accepted"] * 6, ann.names())
        self.assertEqual([1, 2, 3, 4, 5, 6], [message.event.seq for message in bob.take()])


class HeldTests(Case):
    settings = ChatSettings(max_outstanding=1, idle_timeout=4)

    def test_who_is_not_read_from_is_not_silent(self) -> None:
        ann, _, talk = self.pair()
        self.rig.database.pool.hold()
        ann.send(send_message=ann.message(talk, "hi"))
        self.rig.clock.pump([1] * 4)
        self.assertFalse(ann.lost)
        self.rig.database.pool.release()
        self.rig.run()
        self.assertEqual(["accepted"], ann.names())


class LivenessTests(Case):
    def test_silence_brings_a_ping_and_then_the_end(self) -> None:
        ann = self.rig.client("ann")
        self.rig.clock.advance(44)
        self.assertEqual([], ann.take())
        self.rig.clock.advance(1)
        self.rig.run()
        self.assertEqual(["ping"], ann.names())
        self.rig.clock.advance(44)
        self.assertFalse(ann.lost)
        self.rig.clock.advance(1)
        self.assertTrue(ann.lost)

    def test_any_sign_of_life_counts(self) -> None:
        ann = self.rig.client("ann")
        for _ in range(5):
            self.rig.clock.advance(45)
            self.rig.run()
            self.assertEqual(["ping"], ann.names())
            ann.send(0, pong=pb.Pong())
        self.assertFalse(ann.lost)
        self.assertEqual([], ann.take())

    def test_a_client_that_talks_is_not_pinged(self) -> None:
        ann = self.rig.client("ann")
        for _ in range(10):
            self.rig.clock.advance(30)
            self.assertEqual(["pong"], [ann.ask(ping=pb.Ping()).WhichOneof("body")])
        self.rig.run()
        self.assertEqual([], ann.take())

    def test_a_lost_connection_leaves_no_timer(self) -> None:
        before = len(self.rig.clock.getDelayedCalls())
        ann = self.rig.client("ann")
        ann.transport.abortConnection()
        self.rig.run()
        # Others are told a little later that she is gone, and the truth when she was last there.
        self.rig.clock.pump([OFFLINE_AFTER_MS / 1000, NOTE_SEEN])
        self.assertEqual(before, len(self.rig.clock.getDelayedCalls()))


class EndingTests(Case):
    def test_the_same_device_again_replaces_the_older_connection(self) -> None:
        token = self.rig.login("ann")
        old, new = self.rig.connect(), self.rig.connect()
        old.hello(token)
        new.hello(token)
        self.assertEqual("replaced", old.take()[-1].goodbye.code)
        self.assertTrue(old.lost)
        self.assertServes(new)

    def test_an_ended_session_is_told_and_closed(self) -> None:
        token = self.rig.login("ann")
        ann = self.rig.connect()
        ann.hello(token)
        farewell = Draft(ann.user_id, 0, b"f" * 16, 65, b"", b"d" * 32)
        now(self.rig.database.sessions.end(ann.user_id, ["phone"], farewell))
        self.rig.clock.advance(30)
        ann.send(ping=pb.Ping())
        self.rig.clock.advance(30)
        self.rig.run()
        self.assertEqual("session_ended", ann.take()[-1].goodbye.code)
        self.assertTrue(ann.lost)
        self.assertIsNone(now(self.rig.database.sessions.by_token(hash_of_text(token), self.rig.database.now_ms())))

    def test_a_database_that_is_away_is_told_and_the_connection_stays(self) -> None:
        ann, bob, talk = self.pair()
        self.rig.database.pool.hold()
        for number in (1, 2):
            ann.send(send_message=ann.message(talk, "hi", number))
        ann.send(sync=pb.Sync())
        self.rig.clock.pump([1] * 12)
        self.assertEqual({"unavailable"}, {message.error.code for message in ann.take()})
        self.rig.database.pool.release()
        self.rig.run()
        for number in (1, 2):
            self.assertEqual(number, ann.say(talk, "hi", number).accepted.seq)
        self.assertEqual([1, 2], [message.event.seq for message in bob.take()])
