"""The codec and the splitter of frames: what goes in comes out, and nothing but a ProtocolError comes of garbage."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import ProtocolError, body_name, decode, encode
from imchat.wire.frames import FrameSplitter, frame

ids = st.integers(0, 2**64 - 1)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=50)


events = st.builds(
    lambda stream, seq, sender, client, text, ordinal, ms: pb.Event(
        stream_id=stream,
        seq=seq,
        sender_id=sender,
        client_id=client,
        content=pb.Content(text=pb.Text(text=text)),
        ordinal=ordinal,
        created_ms=ms,
    ),
    ids, ids, ids, st.binary(max_size=20), texts, ids, ids,
)  # fmt: skip

bodies = st.one_of(
    st.builds(lambda t, d: {"hello": pb.Hello(protocol_version=1, token=t, device_id=d)}, texts, texts),
    st.builds(lambda c, m, r: {"error": pb.Error(code=c, message=m, retry_after_ms=r)}, texts, texts, ids),
    st.builds(lambda e: {"event": e}, events),
    st.builds(
        lambda c, b, t: {"send_message": pb.SendMessage(conversation_id=c, client_id=b, content={"text": {"text": t}})},
        ids, st.binary(max_size=20), texts,
    ),
    st.builds(lambda e: {"history_result": pb.HistoryResult(stream_id=1, events=e)}, st.lists(events, max_size=5)),
    st.just({"ping": pb.Ping()}),
    st.just({}),
)  # fmt: skip


class CodecTests(SynchronousTestCase):
    @given(ids, bodies)
    def test_roundtrip(self, request_id: int, body: dict[str, object]) -> None:
        sent = pb.Frame(request_id=request_id, **body)
        got = decode(encode(sent))
        self.assertEqual(sent, got)
        self.assertEqual(next(iter(body), None), body_name(got))

    @settings(max_examples=500)
    @given(st.binary(max_size=200))
    def test_random_bytes_raise_nothing_but_a_protocol_error(self, data: bytes) -> None:
        try:
            found = decode(data)
        except ProtocolError:
            return
        self.assertIsInstance(found, pb.Frame)

    @given(ids, bodies, st.data())
    def test_a_damaged_frame_raises_nothing_but_a_protocol_error(self, request_id, body, data) -> None:
        encoded = bytearray(encode(pb.Frame(request_id=request_id, **body)))
        for _ in range(data.draw(st.integers(1, 3))):
            if encoded:
                encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
        try:
            decode(bytes(encoded[: data.draw(st.integers(0, len(encoded)))]))
        except ProtocolError:
            return

    def test_text_that_is_not_utf8_is_refused(self) -> None:
        encoded = encode(pb.Frame(request_id=1, error=pb.Error(code="abcd")))
        self.assertRaises(ProtocolError, decode, encoded.replace(b"abcd", b"\xff\xfe\xfd\xfc"))

    def test_a_body_from_the_future_is_no_body(self) -> None:
        # Field 500, length-delimited, as a later schema might have it.
        self.assertIsNone(body_name(decode(b"\x08\x07" + b"\xa2\x1f\x03abc")))
        self.assertEqual(7, decode(b"\x08\x07" + b"\xa2\x1f\x03abc").request_id)


class SplitterTests(SynchronousTestCase):
    @given(st.lists(st.binary(max_size=40), max_size=12), st.data())
    def test_any_chunking_yields_the_same_payloads(self, payloads: list[bytes], data) -> None:
        stream = b"".join(frame(payload) for payload in payloads)
        splitter, got, offset = FrameSplitter(100), [], 0
        while offset < len(stream):
            size = data.draw(st.integers(1, len(stream) - offset))
            got += splitter.feed(stream[offset : offset + size])
            offset += size
        self.assertEqual(payloads, got)
        self.assertFalse(splitter.pending)

    def test_a_part_of_a_frame_is_pending(self) -> None:
        splitter = FrameSplitter(100)
        self.assertEqual([], splitter.feed(b"\0\0"))
        self.assertTrue(splitter.pending)
        self.assertEqual([b"abc"], splitter.feed(b"\0\x03abc\0"))
        self.assertTrue(splitter.pending)
        self.assertEqual([b""], splitter.feed(b"\0\0\0"))
        self.assertFalse(splitter.pending)

    def test_the_good_frames_before_an_overlong_one_are_returned_and_nothing_after_it(self) -> None:
        splitter = FrameSplitter(10)
        self.assertEqual([b"a", b"b"], splitter.feed(frame(b"a") + frame(b"b") + struct.pack("!I", 11) + b"x"))
        self.assertEqual(11, splitter.overlong)
        self.assertEqual([], splitter.feed(frame(b"c")))

    def test_the_longest_frame_allowed_is_no_overlong_one(self) -> None:
        splitter = FrameSplitter(10)
        self.assertEqual([b"x" * 10], splitter.feed(frame(b"x" * 10)))
        self.assertIsNone(splitter.overlong)

    def test_an_overlong_frame_is_noticed_by_its_length_alone(self) -> None:
        splitter = FrameSplitter(10)
        splitter.feed(b"\xff")
        splitter.feed(b"\xff\xff\xff")
        self.assertEqual(2**32 - 1, splitter.overlong)
