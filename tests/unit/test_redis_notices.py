"""Notices as they travel between nodes."""

import contextlib
from dataclasses import replace
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.models import Event
from imchat.net.redis import notices as wire
from imchat.net.redis.heartbeats import Heartbeat, Origin
from imchat.ports import (
    EventsAppended,
    Notice,
    PersonChanged,
    ReceiptMoved,
    RelationsChanged,
    SessionsClosed,
    TypingSeen,
)
from imchat.wire import bus_pb2 as pb

ORIGIN = Origin("node-1", 1_800_000_000_000)
START = wire.opening(ORIGIN)

large = st.integers(0, 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
events = st.builds(
    Event, large, large, large, st.binary(max_size=16), st.integers(0, 2**32 - 1), st.binary(), large, large
)
about = st.builds(
    replace,
    events,
    changed_seq=st.integers(1, 2**63 - 1),
    state=st.integers(0, 3),
    target_seq=large,
    quote=st.none() | events,
    target=st.none() | events,
)
anything = st.one_of(
    st.builds(EventsAppended, large, large, st.lists(events | about, max_size=3).map(tuple)),
    st.builds(
        SessionsClosed,
        large,
        st.none() | st.lists(texts, max_size=3).map(tuple),
        texts,
        st.none() | large,
    ),
    st.builds(PersonChanged, large, st.booleans(), st.booleans()),
    st.builds(ReceiptMoved, large, large, large, large, st.lists(large, max_size=3).map(tuple)),
    st.builds(TypingSeen, large, large, st.lists(large, max_size=3).map(tuple)),
    st.builds(RelationsChanged, large, large),
)


def channels_of(messages):
    return [(channel, notice) for channel, payload in messages for notice in wire.parse(payload).notices]


class NoticeTests(SynchronousTestCase):
    def test_every_notice_is_tried(self):
        tried = {EventsAppended, SessionsClosed, PersonChanged, ReceiptMoved, TypingSeen, RelationsChanged}
        self.assertEqual(tried, set(get_args(Notice)))

    @given(st.lists(st.tuples(st.sampled_from(["user:1", "user:2", "conversation:3"]), anything), max_size=8))
    def test_what_was_sent_arrives_in_its_order(self, notices):
        self.assertEqual(channels_of(wire.messages(START, notices)), notices)

    def test_neighbours_on_one_channel_travel_together_up_to_a_size(self):
        small, big = SessionsClosed(1, None, "x"), SessionsClosed(1, ("x" * wire.LONGEST_MESSAGE,), "x")
        sent = [("a", small), ("a", small), ("b", small), ("a", small), ("a", big), ("a", small)]
        self.assertEqual([channel for channel, _ in wire.messages(START, sent)], ["a", "b", "a", "a", "a"])
        self.assertEqual(channels_of(wire.messages(START, sent)), sent)

    def test_every_message_begins_with_its_origin_and_with_no_other(self):
        messages = [payload for _, payload in wire.messages(START, [("a", SessionsClosed(1, None, "x"))])]
        messages.append(wire.heartbeat(Heartbeat(ORIGIN, 0)))
        for payload in messages:
            self.assertTrue(payload.startswith(START))
            self.assertEqual(wire.parse(payload).origin, ORIGIN)
            for other in (Origin("node-1", 1), Origin("node-11", ORIGIN.incarnation), Origin("node-", 1)):
                self.assertFalse(payload.startswith(wire.opening(other)))

    def test_heartbeats(self):
        for beat in (Heartbeat(ORIGIN, 0), Heartbeat(ORIGIN, 7, leaving=True)):
            self.assertEqual(wire.parse(wire.heartbeat(beat)).heartbeat, beat)

    @given(st.binary(max_size=60))
    def test_garbage_is_malformed_and_nothing_worse(self, payload):
        with contextlib.suppress(wire.Malformed):
            wire.parse(payload)

    def test_truncated_and_nameless_ones_are_malformed(self):
        payload = wire.messages(START, [("a", SessionsClosed(1, None, "x"))])[0][1]
        for bad in (b"", payload[:-1], b"not a message", pb.BusMessage(heartbeat=pb.Heartbeat()).SerializeToString()):
            self.assertRaises(wire.Malformed, wire.parse, bad)

    def test_a_notice_of_a_newer_version_is_left_out_and_counted(self):
        message = pb.BusMessage(notices=[pb.Notice.FromString(b"\xfa\x01\x02hi")])
        known = wire.messages(START, [("a", SessionsClosed(1, None, "x"))])[0][1]
        parsed = wire.parse(known + message.SerializeToString())
        self.assertEqual((len(parsed.notices), parsed.unknown), (1, 1))
