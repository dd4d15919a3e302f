"""The load generator must notice when servers do not keep what they promise, and compute what it says."""

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bench import document, report, targets
from bench.figures import percentile, times_ms
from bench.frames import Messages, Violation, cut, varint
from bench.talk import Connection, Pair, Window
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import decode, encode
from imchat.wire.frames import frame

TALK, ANN, MARK = 2**53 - 5, 2**52 + 9, b"12345678"


def accepted(number: int, seq: int, slots: int = 4, resent: bool = False) -> bytes:
    body = pb.Accepted(seq=seq, created_ms=1_790_000_000_000, resent=resent)
    return encode(pb.Frame(request_id=number % slots + 1, accepted=body))


def pushed(number: int, seq: int, **changed: object) -> bytes:
    event = pb.Event(stream_id=TALK, seq=seq, sender_id=ANN, client_id=MARK + number.to_bytes(8, "big"))
    event.content.text.text = "hello"
    event.ordinal, event.created_ms = seq, 1_790_000_000_000
    for name, value in changed.items():
        setattr(event, name, value)
    return encode(pb.Frame(event=event))


class MessagesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.messages = Messages(TALK, ANN, MARK, "hello", 4)

    def test_frames_are_those_of_the_protocol(self) -> None:
        for number in (0, 3, 4, 2**40 + 1):
            data = self.messages.send(number)
            ((start, stop),), rest = cut(data)
            message = decode(data[start:stop])
            self.assertEqual((len(data), number % 4 + 1), (rest, message.request_id))
            sent = message.send_message
            self.assertEqual((TALK, MARK + number.to_bytes(8, "big")), (sent.conversation_id, sent.client_id))
            self.assertEqual("hello", sent.content.text.text)

    def test_an_acknowledgement_and_a_push_give_their_sequence_numbers(self) -> None:
        for number, seq in ((0, 1), (7, 128), (9, 2**32)):
            self.assertEqual(seq, self.messages.acknowledged(b"...." + accepted(number, seq), 4, number))
            self.assertEqual(seq, self.messages.pushed(b"...." + pushed(number, seq), 4, number))

    def test_what_acknowledges_another_message_or_a_stored_one_or_nothing_is_a_violation(self) -> None:
        error = encode(pb.Frame(request_id=2, error=pb.Error(code="unavailable")))
        for payload in (accepted(2, 5), accepted(1, 5, resent=True), error, pushed(1, 5)):
            self.assertRaises(Violation, self.messages.acknowledged, payload, 0, 1)

    def test_what_is_not_exactly_the_message_that_is_due_is_a_violation(self) -> None:
        other = pb.Content(text=pb.Text(text="hellO"))
        wrong = pb.Event.FromString(decode(pushed(3, 9)).event.SerializeToString())
        wrong.content.CopyFrom(other)
        bad = [
            pushed(2, 9),
            pushed(4, 9),
            pushed(3, 9, sender_id=ANN + 1),
            pushed(3, 9, stream_id=TALK - 1),
            encode(pb.Frame(event=wrong)),
            encode(pb.Frame(stream_at=pb.StreamAt(stream_id=TALK, last_seq=9))),
        ]
        for payload in bad:
            self.assertRaises(Violation, self.messages.pushed, payload, 0, 3)


class Wire(Connection):
    """A connection without a socket: gives what a test says has arrived."""

    def __init__(self) -> None:
        self.sent, self.arrived = b"", b""

    def arrive(self, *payloads: bytes) -> None:
        self.arrived = b"".join(map(frame, payloads))

    def read(self) -> tuple[bytes, list[tuple[int, int]]]:
        return self.arrived, cut(self.arrived)[0]

    def send(self, data: bytes) -> None:
        self.sent += data


class PairTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.sender, self.reader = Wire(), Wire()
        self.window = Window()
        self.pair = Pair(self.sender, self.reader, Messages(TALK, ANN, MARK, "hello", 4), self.window)
        self.pair.start()

    def acknowledge(self, *payloads: bytes) -> None:
        self.sender.arrive(*payloads)
        self.pair.sender_reads()

    def push(self, *payloads: bytes) -> None:
        self.reader.arrive(*payloads)
        self.pair.reader_reads()

    def test_for_each_acknowledgement_one_more_goes_out(self) -> None:
        self.assertEqual(4, len(cut(self.sender.sent)[0]))
        self.acknowledge(accepted(0, 1), accepted(1, 2))
        self.assertEqual(6, len(cut(self.sender.sent)[0]))

    def test_it_is_settled_once_all_was_acknowledged_and_pushed(self) -> None:
        self.pair.sending = False
        self.acknowledge(*(accepted(number, 11 + number) for number in range(4)))
        self.assertFalse(self.pair.settled)
        self.push(*(pushed(number, 11 + number) for number in range(4)))
        self.assertTrue(self.pair.settled)

    def test_only_what_is_acknowledged_in_the_window_counts(self) -> None:
        self.acknowledge(accepted(0, 1))
        self.window.open = True
        self.acknowledge(accepted(1, 2), accepted(2, 3))
        self.assertEqual(2, len(self.window.times))

    def test_a_message_that_comes_twice_or_too_late_or_not_is_a_violation(self) -> None:
        for seen in ([0, 0], [1], [0, 2], [0, 1, 0]):
            self.setUp()
            self.assertRaises(Violation, self.push, *(pushed(number, 1 + number) for number in seen))

    def test_so_is_a_number_given_twice_or_left_out_or_another_than_the_acknowledged_one(self) -> None:
        self.assertRaises(Violation, self.acknowledge, accepted(0, 7), accepted(1, 7))
        self.setUp()
        self.assertRaises(Violation, self.acknowledge, accepted(0, 7), accepted(1, 9))
        self.setUp()
        self.acknowledge(accepted(0, 7))
        self.assertRaises(Violation, self.push, pushed(0, 8))

    def test_so_is_an_answer_to_nothing(self) -> None:
        self.pair.sending = False
        self.acknowledge(*(accepted(number, 1 + number) for number in range(4)))
        self.assertRaises(Violation, self.acknowledge, accepted(4, 5))


class FiguresTests(SynchronousTestCase):
    def test_a_percentile_is_a_value_that_was_measured(self) -> None:
        values = [float(value) for value in range(1, 101)]
        self.assertEqual([50, 99, 100], [percentile(values, share) for share in (0.5, 0.99, 1.0)])
        self.assertEqual(3, percentile([3.0], 0.5))
        self.assertEqual(0, percentile([], 0.5))

    def test_times_are_told_in_ms_whatever_their_order(self) -> None:
        self.assertEqual({"p50": 2.0, "p99": 3.0, "max": 3.0}, times_ms([0.003, 0.001, 0.002]))

    def test_numbers_of_any_length_are_read(self) -> None:
        for value in (1, 127, 128, 2**53 - 1, 2**64 - 1):
            data = pb.Welcome(user_id=value).SerializeToString()
            self.assertEqual((value, len(data)), varint(data, 1))


RUN = {
    "kind": "talk",
    "title": "somewhere",
    "per_second": 12_345,
    "ms": {"p50": 1.0, "p99": 2.0, "max": 3.0},
    "cpu_us": {"mariadb": 20.0, "redis": 2.0, "gate": 0.5, "chat-a": 30.0, "generator": 9.0},
    "memory_mib": {"chat-a": 100.0, "chat-b": 50.0, "mariadb": 500.0},
    "flush": None,
    "warnings": ["slow"],
}


class ReportTests(SynchronousTestCase):
    def test_servers_are_summed_and_the_generator_is_not_part_of_it(self) -> None:
        text = report.tables([RUN])
        cells = [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")]
        self.assertEqual(["somewhere", "12,345", "1.0 / 2.0 / 3.0", "30.5", "20.0", "2.0", "52.5", "9.0"], cells[:8])
        self.assertEqual(["–", "150"], cells[8:])
        self.assertIn("Warning: somewhere: slow", text)

    def test_each_process_has_its_cpu_and_its_memory(self) -> None:
        other = {**RUN, "title": "elsewhere", "cpu_us": {"imchat": 70.0, "generator": 8.0}, "memory_mib": {}}
        lines = report.tables([RUN, other]).splitlines()
        head, _, one, two = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[5:9])
        found, none = dict(zip(head, one, strict=True)), dict(zip(head, two, strict=True))
        self.assertEqual(("30.0 / 100", "20.0 / 500", "–"), (found["chat-a"], found["mariadb"], found["imchat"]))
        self.assertEqual(("–", "70.0 / –", "8.0 / –"), (none["chat-a"], none["imchat"], none["generator"]))

    def test_the_document_shows_the_recorded_figures(self) -> None:
        root = Path(report.__file__).parent
        record = json.loads((root / "results" / "recorded.json").read_text("utf-8"))
        text = (root.parent / "docs" / "performance.md").read_text("utf-8")
        self.assertIn(document.section(record), text, "run make figures")


class TargetTests(SynchronousTestCase):
    def test_a_target_is_met_missed_or_not_measured(self) -> None:
        run = {**RUN, "name": "one-node/1"}
        rows = {target.what: target.row({"one-node/1": run})[2:] for target in targets.TARGETS}
        self.assertEqual(("12,345 msg/s", "missed"), rows["one-to-one, 1 outstanding"])
        self.assertEqual(("52.5 µs/msg", "met"), rows["its CPU: servers, database, Redis"])
        self.assertEqual(("2.0 ms", "met"), rows["its acknowledgement, p99"])
        self.assertEqual(("not measured", ""), rows["logins"])

    def test_two_nodes_are_compared_with_one(self) -> None:
        two = {**RUN, "cpu_us": {"chat-a": 30.5, "chat-b": 30.5, "mariadb": 1.0, "generator": 5.0}}
        ratio = targets.TARGETS[5].row({"one-node/1": RUN, "two-nodes/1": two})
        self.assertEqual(("2.0 times", "missed"), ratio[2:])
